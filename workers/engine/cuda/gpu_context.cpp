// Opening, memory and faults.
#include "workers/engine/cuda/gpu_context.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "shared/base/log.hpp"
#include "shared/base/require.hpp"

namespace vultus::cuda {
namespace {

constexpr int exit_broken = 70;

std::string in_mib(std::size_t bytes) {
    return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

}  // namespace

void end_with_fault(const std::string& what, const std::string& why) {
    log::error("device_fault", {{"at", what}, {"why", why}});
    std::_Exit(exit_broken);
}

result<void> gpu_context::tried(int status, const char* what) const {
    if (status == 0) return {};
    const errc code = calls_.lacks_memory(status) != 0 ? errc::bad_option : errc::device_fault;
    return fail(code, std::string(what) + ": " + calls_.error_text(status));
}

result<std::shared_ptr<gpu_context>> gpu_context::open(const table& calls, int index,
                                                       std::size_t budget_bytes) {
    const std::string name = "cuda:" + std::to_string(index);
    if (calls.version != table_version) {
        return fail(errc::bad_option, "the cuda backend library has another version");
    }
    const auto refused = [&](const char* what, int status) {
        return fail(errc::bad_option, name + ": " + what + ": " + calls.error_text(status));
    };
    int count = 0;
    if (const int s = calls.device_count(calls.self, &count); s != 0) {
        return refused("count the GPUs", s);
    }
    if (index < 0 || index >= count) {
        return fail(errc::bad_option, name + ": this machine has " + std::to_string(count) +
                                          (count == 1 ? " GPU" : " GPUs"));
    }
    std::shared_ptr<gpu_context> made(new gpu_context(calls));
    if (const int s = calls.open(calls.self, index, &made->gpu_); s != 0) {
        made->gpu_ = nullptr;
        return refused("open the GPU", s);
    }
    if (const int s = calls.describe(made->gpu_, &made->info_); s != 0) {
        return refused("read its properties", s);
    }
    const device_info& found = made->info_;
    if (found.major * 10 + found.minor < compute_least) {
        return fail(errc::bad_option, name + ": " + found.name + " has compute capability " +
                                          std::to_string(found.major) + "." +
                                          std::to_string(found.minor) + ", 7.5 is required");
    }
    // Turing's GTX cards, and the small ones of that time, compute half precision without them.
    if (std::string_view(found.name).find("GTX 16") != std::string_view::npos) {
        log::warning("gpu_without_tensor_cores", {{"card", found.name}, {"why", "slow"}});
    }
    std::size_t free_bytes = 0, total_bytes = 0;
    if (const int s = calls.memory(made->gpu_, &free_bytes, &total_bytes); s != 0) {
        return refused("read its memory size", s);
    }
    made->bytes_ = total_bytes;
    made->free_bytes_ = free_bytes;
    made->budget_ = budget_bytes;
    if (budget_bytes == 0) made->budget_ = free_bytes - std::min(free_bytes, headroom_bytes);
    if (const int s = calls.open_stream(made->gpu_, &made->line_); s != 0) {
        made->line_ = nullptr;
        return refused("create a stream", s);
    }
    return made;
}

gpu_context::~gpu_context() {
    if (gpu_ == nullptr) return;
    if (line_ != nullptr) calls_.close_stream(line_);
    calls_.close(gpu_);
}

gpu_context::turn gpu_context::take_turn() {
    turn mine(mutex_);
    must(calls_.use(gpu_), "use the device");
    if (memory_wanted_.exchange(false)) ask_memory();
    return mine;
}

void gpu_context::ask_memory() {
    std::size_t free_bytes = 0, total_bytes = 0;
    must(calls_.memory(gpu_, &free_bytes, &total_bytes), "read its memory size");
    bytes_ = total_bytes;
    free_bytes_ = free_bytes;
}

gpu_memory gpu_context::memory_now() {
    if (const turn mine(mutex_, std::try_to_lock); mine) {
        must(calls_.use(gpu_), "use the device");
        ask_memory();
    } else {
        memory_wanted_ = true;
    }
    return {bytes_, free_bytes_};
}

result<memory> memory::take(std::shared_ptr<gpu_context> of, place where, std::size_t bytes,
                            const char* what_for) {
    VULTUS_REQUIRE(bytes > 0, "memory for something");
    memory made;
    if (where == place::gpu && of->used_ + bytes > of->budget_) {
        return fail(errc::bad_option,
                    std::string(what_for) + " need " + in_mib(bytes) + " of GPU memory, " +
                        in_mib(of->budget_ - std::min(of->used_, of->budget_)) + " of " +
                        in_mib(of->budget_) + " available (worker.gpu_memory_mib)");
    }
    const auto get = where == place::gpu ? of->calls_.allocate : of->calls_.allocate_host;
    if (const int status = get(of->gpu_, bytes, &made.data_); status != 0) {
        made.data_ = nullptr;
        return fail(errc::bad_option, std::string(what_for) + " need " + in_mib(bytes) + ": " +
                                          of->calls_.error_text(status));
    }
    if (where == place::gpu) of->used_ += bytes;
    made.where_ = where;
    made.size_ = bytes;
    made.of_ = std::move(of);
    return made;
}

memory& memory::operator=(memory&& other) noexcept {
    if (this == &other) return *this;
    give_back();
    of_ = std::move(other.of_);
    where_ = other.where_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
}

void memory::give_back() noexcept {
    if (data_ == nullptr) return;
    const bool on_gpu = where_ == place::gpu;
    const auto release = on_gpu ? of_->calls_.release : of_->calls_.release_host;
    of_->must(release(of_->gpu_, data_), "free memory");
    if (on_gpu) of_->used_ -= size_;
    data_ = nullptr;
}

result<memory> uploaded(const std::shared_ptr<gpu_context>& of, std::span<const std::byte> bytes,
                        const char* what_for) {
    auto there = memory::take(of, memory::place::gpu, bytes.size(), what_for);
    if (!there) return there;
    auto here = memory::take(of, memory::place::host, bytes.size(), what_for);
    if (!here) return here;
    std::memcpy(here->data(), bytes.data(), bytes.size());
    const table& calls = of->calls();
    const int begun = calls.upload(of->line(), there->data(), here->data(), bytes.size());
    if (const auto done = of->tried(begun, what_for); !done) return fail(done.error());
    if (const auto done = of->tried(calls.wait(of->line()), what_for); !done) {
        return fail(done.error());
    }
    return there;
}

}  // namespace vultus::cuda
