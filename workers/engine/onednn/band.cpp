// Value 0 of a chain is what goes in, value n what step n - 1 makes. A band of the output needs
// more rows of each earlier value: those are computed once for each band that needs them.
#include "workers/engine/onednn/band.hpp"

#include <algorithm>
#include <cstring>

#include "shared/base/require.hpp"

namespace vultus {

banded_chain::row_range banded_chain::read_by(std::size_t index, row_range out) const {
    const layer& what = net_->layers[steps_[index].layer];
    return {out.begin * what.stride - what.padding_rows,
            (out.end - 1) * what.stride - what.padding_rows + what.rows};
}

banded_chain::value_layout banded_chain::layout_of(std::size_t value) const {
    const std::size_t number = how_.bf16 ? sizeof(std::uint16_t) : sizeof(float);
    const tensor_shape& shape = value == 0 ? steps_[0].in : steps_[value - 1].out;
    const bool planes = value == 0 && steps_[0].from == 0;
    const long wide = planes ? 1 : how_.block;
    return {(shape.channels + wide - 1) / wide, shape.rows,
            static_cast<std::size_t>(shape.columns * wide) * number};
}

result<banded_chain::height> banded_chain::of_height(convolution_maker& maker, long rows) const {
    height made{rows, {}};
    row_range out{0, rows};
    std::vector<step> bands = steps_;
    for (std::size_t i = steps_.size(); i-- > 0;) {
        const row_range in = read_by(i, out);
        bands[i].out.rows = out.rows();
        bands[i].in.rows = in.rows();
        out = in;
    }
    for (const step& one : bands) {
        auto conv = maker.make(one, 1, convolution_maker::edges::columns);
        if (!conv) return fail(conv.error());
        made.convolutions.push_back(std::move(*conv));
    }
    return made;
}

long banded_chain::best_rows(const banding& wanted) const {
    const long all = steps_.back().out.rows;
    long rows = wanted.rows_min;
    while (rows < all) {
        std::size_t most = 0;
        row_range range{0, rows + 1};
        for (std::size_t i = steps_.size(); i-- > 1;) {
            range = read_by(i, range);
            const value_layout one = layout_of(i);
            most =
                std::max(most, static_cast<std::size_t>(range.rows() * one.blocks) * one.row_bytes);
        }
        if (most > wanted.bytes) break;
        ++rows;
    }
    return std::min(rows, all);
}

result<banded_chain> banded_chain::make(convolution_maker& maker,
                                        std::shared_ptr<const network> net,
                                        std::span<const step> steps, const kernels::format& how,
                                        const banding& wanted) {
    banded_chain made;
    made.net_ = std::move(net);
    made.steps_.assign(steps.begin(), steps.end());
    made.how_ = how;
    made.how_.batch = 1;
    made.pictures_ = how.batch;
    const long all = steps.back().out.rows;
    const long usual = made.best_rows(wanted);
    for (const long rows : {usual, all % usual}) {
        if (rows == 0) continue;
        auto one = made.of_height(maker, rows);
        if (!one) return fail(one.error());
        made.heights_.push_back(std::move(*one));
    }
    return made;
}

std::size_t banded_chain::scratch_bytes() const {
    std::size_t most = 0;
    for (const height& one : heights_) {
        for (const convolution& conv : one.convolutions)
            most = std::max(most, conv.scratch_bytes());
    }
    return most;
}

std::vector<std::size_t> banded_chain::band_bytes() const {
    std::vector<std::size_t> sizes(steps_.size() + 1);
    row_range range{0, heights_[0].rows};
    for (std::size_t value = steps_.size() + 1; value-- > 0;) {
        const value_layout one = layout_of(value);
        sizes[value] = static_cast<std::size_t>(range.rows() * one.blocks) * one.row_bytes;
        if (value > 0) range = read_by(value - 1, range);
    }
    return sizes;
}

void banded_chain::bind(std::span<const aligned_buffer> bands, void* scratch) {
    bands_.clear();
    for (std::size_t value = 0; value <= steps_.size(); ++value) {
        bands_.push_back(bands[value].data());
    }
    for (height& one : heights_) {
        for (std::size_t i = 0; i < one.convolutions.size(); ++i) {
            one.convolutions[i].bind(bands_[i], bands_[i + 1], scratch);
        }
    }
}

void banded_chain::clear_outside(std::size_t value, row_range range) const {
    const value_layout one = layout_of(value);
    const long above = std::clamp(-range.begin, 0L, range.rows());
    const long below = std::clamp(range.end - one.rows, 0L, range.rows());
    if (above + below == 0) return;
    for (long block = 0; block < one.blocks; ++block) {
        char* first =
            bands_[value] + static_cast<std::size_t>(block * range.rows()) * one.row_bytes;
        std::memset(first, 0, static_cast<std::size_t>(above) * one.row_bytes);
        std::memset(first + static_cast<std::size_t>(range.rows() - below) * one.row_bytes, 0,
                    static_cast<std::size_t>(below) * one.row_bytes);
    }
}

void banded_chain::copy_in(const char* whole, std::size_t value, row_range range) const {
    const value_layout one = layout_of(value);
    const long begin = std::max(range.begin, 0L), end = std::min(range.end, one.rows);
    for (long block = 0; block < one.blocks && begin < end; ++block) {
        std::memcpy(
            bands_[value] + static_cast<std::size_t>(block * range.rows() + begin - range.begin) *
                                one.row_bytes,
            whole + static_cast<std::size_t>(block * one.rows + begin) * one.row_bytes,
            static_cast<std::size_t>(end - begin) * one.row_bytes);
    }
    clear_outside(value, range);
}

void banded_chain::run_band(const char* from, const char* addend, char* to, long begin,
                            height& of) {
    const std::size_t last = steps_.size();
    std::vector<row_range> ranges(last + 1);
    ranges[last] = {begin, begin + of.rows};
    for (std::size_t value = last; value-- > 0;) ranges[value] = read_by(value, ranges[value + 1]);
    copy_in(from, 0, ranges[0]);
    if (addend != nullptr) copy_in(addend, last, ranges[last]);
    for (std::size_t i = 0; i < last; ++i) {
        of.convolutions[i].run();
        const step& one = steps_[i];
        if (!of.convolutions[i].activated()) {
            tensor_shape shape = one.out;
            shape.rows = ranges[i + 1].rows();
            kernels::activate(how_, one.after, net_->layers[one.slopes], bands_[i + 1], shape,
                              bands_[i + 1]);
        }
        clear_outside(i + 1, ranges[i + 1]);
    }
    const value_layout out = layout_of(last);
    const std::size_t bytes = static_cast<std::size_t>(of.rows) * out.row_bytes;
    for (long block = 0; block < out.blocks; ++block) {
        std::memcpy(to + static_cast<std::size_t>(block * out.rows + begin) * out.row_bytes,
                    bands_[last] + static_cast<std::size_t>(block) * bytes, bytes);
    }
}

void banded_chain::run(const char* from, const char* addend, char* to) {
    VULTUS_REQUIRE(!bands_.empty(), "bind() comes first");
    const auto bytes_of = [&](std::size_t value) {
        const value_layout one = layout_of(value);
        return static_cast<std::size_t>(one.blocks * one.rows) * one.row_bytes;
    };
    const std::size_t in = bytes_of(0), out = bytes_of(steps_.size());
    const long all = steps_.back().out.rows, usual = heights_[0].rows;
    for (long picture = 0; picture < pictures_; ++picture) {
        for (long begin = 0; begin < all; begin += usual) {
            height& of = begin + usual <= all ? heights_[0] : heights_.back();
            run_band(from, addend, to, begin, of);
        }
        from += in;
        to += out;
        if (addend != nullptr) addend += out;
    }
}

std::vector<std::string> banded_chain::implementations() const {
    std::vector<std::string> names;
    for (const convolution& one : heights_[0].convolutions) names.push_back(one.implementation());
    return names;
}

}  // namespace vultus
