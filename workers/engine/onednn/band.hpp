// Convolutions one behind the other, computed in bands of rows: what lies between them stays in the
// caches. oneDNN takes whole values only, so each band is copied in and out.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/engine/kernels.hpp"
#include "workers/engine/onednn/convolution.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/engine/plan.hpp"

namespace vultus {

/// threads   as convolution_maker
class banded_chain {
 public:
    /// The chain of a plan, for batches of `format.batch` pictures.
    /// requires  `steps` are a chain of make_plan()
    /// errors    as convolution_maker::make
    static result<banded_chain> make(convolution_maker&, std::shared_ptr<const network>,
                                     std::span<const step> steps, const kernels::format&,
                                     const banding&);

    std::size_t scratch_bytes() const;
    /// Of the buffers for bands: what goes in, and what comes out of each convolution.
    std::vector<std::size_t> band_bytes() const;
    void bind(std::span<const aligned_buffer> bands, void* scratch);

    /// Whole values, all pictures of the batch. `to` overlaps none of the others; `addend` is
    /// nullptr unless the last step accumulates.
    /// requires  bind(). Ends the process (70) if oneDNN fails
    void run(const char* from, const char* addend, char* to);

    /// How oneDNN computes each convolution, as it names that.
    std::vector<std::string> implementations() const;

 private:
    /// Rows of a value; they may begin above the picture and end below it.
    struct row_range {
        long begin = 0, end = 0;
        long rows() const { return end - begin; }
    };
    /// The convolutions for bands of one height.
    struct height {
        long rows = 0;  ///< of the output
        std::vector<convolution> convolutions;
    };
    /// How a value lies in memory: rows of so many bytes, so many blocks of channels.
    struct value_layout {
        long blocks = 0, rows = 0;
        std::size_t row_bytes = 0;
    };

    row_range read_by(std::size_t index, row_range out) const;
    result<height> of_height(convolution_maker&, long rows) const;
    long best_rows(const banding&) const;
    void run_band(const char* from, const char* addend, char* to, long begin, height&);
    value_layout layout_of(std::size_t value) const;
    void copy_in(const char* whole, std::size_t value, row_range) const;
    void clear_outside(std::size_t value, row_range) const;

    std::shared_ptr<const network> net_;
    std::vector<step> steps_;
    kernels::format how_;  ///< a band is of one picture
    long pictures_ = 1;
    std::vector<height> heights_;  ///< the usual one, and the last band's if it differs
    std::vector<char*> bands_;
};

}  // namespace vultus
