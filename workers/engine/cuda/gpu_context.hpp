// A GPU in this worker's hands: the device, its one stream, its memory within a budget. Everything
// that the networks tell the GPU goes through it, in turns: lanes take one each, for the GPU does
// one thing after the other anyway. Two sessions, on two GPUs or one, share nothing.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "shared/base/result.hpp"
#include "workers/engine/cuda/table.hpp"
#include "workers/engine/engine.hpp"

namespace vultus::cuda {

/// Memory of the GPU that is left to what nobody here takes: the library's code, which is loaded
/// when it is first used, and what CUDA keeps beside it. source: cuDNN's engines, 0.3 GB if all
/// were used
constexpr std::size_t headroom_bytes = std::size_t{512} << 20;

/// The least compute capability that the kernels and cuDNN 9 are made for.
constexpr int compute_least = 75;

/// Says why in the log and ends the process with 70; the supervisor starts another one.
[[noreturn]] void end_with_fault(const std::string& what, const std::string& why);

/// threads   any; what says so wants the calling thread's turn
class gpu_context {
 public:
    /// The right to use the device, until it is destroyed.
    using turn = std::unique_lock<std::mutex>;

    /// requires  `calls` outlives all sessions
    /// budget    bytes of the GPU's memory to take at most, without the library's code and CUDA's
    /// own
    ///           needs; 0: what is free but headroom_bytes
    /// errors    bad_option: no such GPU, one that is too old, another table version, or the GPU
    ///           refuses
    static result<std::shared_ptr<gpu_context>> open(const table& calls, int index,
                                                     std::size_t budget_bytes);
    gpu_context(const gpu_context&) = delete;
    gpu_context& operator=(const gpu_context&) = delete;
    ~gpu_context();

    const device_info& info() const { return info_; }
    std::size_t used_bytes() const { return used_; }
    std::size_t budget_bytes() const { return budget_; }

    /// The GPU's memory: asked now if nobody has a turn, else as it was asked last; then whoever
    /// takes the next turn asks again. Never waits for a turn. Ends the process (70) if the GPU
    /// does not say.
    /// requires  the calling thread has no turn
    gpu_memory memory_now();

    /// Blocks until no other thread has it.
    turn take_turn();
    const table& calls() const { return calls_; }
    /// The one stream. requires  a turn
    stream* line() const { return line_; }
    device* gpu() const { return gpu_; }

    /// Ends the process (70) unless `status` is 0.
    void must(int status, const char* what) const {
        if (status != 0) end_with_fault(what, calls_.error_text(status));
    }
    /// errors    unless `status` is 0: bad_option if it means too little memory, else device_fault
    result<void> tried(int status, const char* what) const;

 private:
    friend class memory;
    void ask_memory();
    gpu_context(const table& calls) : calls_(calls) {}

    const table& calls_;
    device* gpu_ = nullptr;
    stream* line_ = nullptr;
    device_info info_{};
    std::size_t used_ = 0, budget_ = 0;
    std::mutex mutex_;
    std::atomic<std::uint64_t> bytes_{0}, free_bytes_{0};  ///< as asked last
    std::atomic<bool> memory_wanted_{false};
};

/// Bytes of the GPU, or of the CPU where the GPU may reach them; given back at the end.
/// requires  a turn, for making and for giving back: the owner takes it
class memory {
 public:
    enum class place { gpu, host };
    memory() = default;
    /// What is in it is undefined. errors    bad_option: more than the budget or the GPU has; the
    /// detail says what it was for
    static result<memory> take(std::shared_ptr<gpu_context>, place, std::size_t bytes,
                               const char* what_for);
    memory(memory&& other) noexcept { *this = std::move(other); }
    memory& operator=(memory&&) noexcept;
    ~memory() { give_back(); }

    void* data() const { return data_; }
    std::size_t size() const { return size_; }
    template <typename Number>
    std::span<Number> as() const {
        return {static_cast<Number*>(data_), size_ / sizeof(Number)};
    }

 private:
    void give_back() noexcept;

    std::shared_ptr<gpu_context> of_;
    place where_ = place::gpu;
    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Memory of the GPU that holds these bytes; they have arrived when it returns.
/// requires  a turn
result<memory> uploaded(const std::shared_ptr<gpu_context>&, std::span<const std::byte> bytes,
                        const char* what_for);

}  // namespace vultus::cuda
