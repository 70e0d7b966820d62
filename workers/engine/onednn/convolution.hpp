// One convolution of a plan by oneDNN, and the weights that all of them share. The library itself
// is in convolution.cpp alone.
#pragma once

#include <memory>
#include <new>
#include <string>

#include "workers/engine/kernels.hpp"
#include "workers/engine/plan.hpp"

namespace vultus {

/// Says why in the log and ends the process with 70; the supervisor starts another one.
[[noreturn]] void end_engine(const std::string& why);

/// Bytes that begin on a cache line, kept and grown.
class aligned_buffer {
 public:
    static constexpr std::size_t alignment = 64;  ///< a cache line and a vector
    char* data() const { return bytes_.get(); }
    /// True if they moved; then what was in them is gone.
    bool grow(std::size_t bytes) {
        if (bytes <= size_) return false;
        bytes_.reset();
        bytes_.reset(static_cast<char*>(::operator new (bytes, std::align_val_t{alignment})));
        size_ = bytes;
        return true;
    }

 private:
    struct release {
        void operator()(char* bytes) const {
            ::operator delete (bytes, std::align_val_t{alignment});
        }
    };
    std::unique_ptr<char, release> bytes_;
    std::size_t size_ = 0;
};

/// threads   as convolution_maker
class convolution {
 public:
    convolution(convolution&&) noexcept;
    convolution& operator=(convolution&&) noexcept;
    ~convolution();

    std::size_t scratch_bytes() const;
    std::size_t output_bytes() const;
    /// How oneDNN computes it, as it names that.
    const std::string& implementation() const;
    /// False: the step's activation is left to the caller.
    bool activated() const;

    /// Where the numbers are, and as many bytes of scratch memory as it wants.
    void bind(const void* from, void* to, void* scratch);
    /// Ends the process (70) if oneDNN fails. requires  bind()
    void run();

 private:
    friend class convolution_maker;
    struct parts;
    explicit convolution(std::unique_ptr<parts>);
    std::unique_ptr<parts> parts_;
};

/// threads   one caller at a time, whichever; outlives what it makes. Uses the calling thread only
class convolution_maker {
 public:
    /// requires  groups are as wide as a block or one channel wide (rewrite.hpp)
    convolution_maker(std::shared_ptr<const network>, const kernels::format&);
    convolution_maker(convolution_maker&&) noexcept;
    convolution_maker& operator=(convolution_maker&&) noexcept;
    ~convolution_maker();
    /// With the same weights in memory.
    convolution_maker clone() const;

    /// Where a window may reach beyond its value, into zeros.
    enum class edges { all, columns };

    /// The convolution of a step. A transposed one gives every place of its window, float32, for
    /// kernels::gather_windows() and the activation.
    /// requires  the step's layer is conv or conv_transpose
    /// errors    bad_option: oneDNN has only its reference code for it. Ends the process (70) if
    ///           oneDNN fails
    result<convolution> make(const step&, long batch, edges = edges::all);

 private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace vultus
