// Layers to steps (a convolution takes the add and the activation that follow it), steps to chains,
// values to buffers (a buffer is free again after the last step that reads its value).
#include "workers/engine/plan.hpp"

#include <algorithm>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

/// A step before buffers are known: its operands are values of the list.
struct draft {
    step made;
    std::size_t from = 0, plus = 0, addend = 0, to = 0;
    bool joins = false;  ///< it reads `plus`
    /// The values that it reads, each once.
    std::vector<std::size_t> operands() const {
        std::vector<std::size_t> values{from};
        const auto take = [&](std::size_t value) {
            if (std::find(values.begin(), values.end(), value) == values.end()) {
                values.push_back(value);
            }
        };
        if (joins) take(plus);
        if (made.accumulate) take(addend);
        return values;
    }
};

bool joins(layer_kind kind) {
    return kind == layer_kind::add || kind == layer_kind::multiply;
}

/// Whether a step of that kind can end in an activation.
bool activates(layer_kind kind) {
    return kind == layer_kind::conv || kind == layer_kind::conv_transpose || joins(kind) ||
           kind == layer_kind::affine || kind == layer_kind::upsample;
}

/// Whether it reads or writes float32 whatever the precision.
bool reads_floats(layer_kind kind) {
    return kind == layer_kind::linear || kind == layer_kind::column_sum;
}
bool can_widen(layer_kind kind) {
    return kind == layer_kind::conv || kind == layer_kind::average_all || reads_floats(kind);
}

class drafter {
 public:
    drafter(const network& net, const std::vector<tensor_shape>& shapes)
        : net_(net), shapes_(shapes), readers_(shapes.size()), is_output_(shapes.size()) {
        for (std::size_t i = 0; i < net.layers.size(); ++i) {
            readers_[net.layers[i].from].push_back(i);
            if (joins(net.layers[i].kind)) readers_[net.layers[i].plus].push_back(i);
        }
        for (const network_output& one : outputs_of(net)) is_output_[one.value] = true;
    }

    std::vector<draft> drafts() const {
        std::vector<draft> all;
        std::vector<bool> wide(shapes_.size());
        for (std::size_t i = 0; i < net_.layers.size();) {
            all.push_back(one(i));
            all.back().made.reads_wide = wide[all.back().from];
            wide[all.back().to] = all.back().made.widens;
        }
        return all;
    }

 private:
    /// The layer after `i` reads its output once, and nothing else does.
    bool only_next_reads(std::size_t i) const {
        const auto& readers = readers_[i + 1];
        return !is_output_[i + 1] && readers.size() == 1 && readers[0] == i + 1;
    }

    /// Whether the add after layer i can be part of its step.
    bool takes_add(std::size_t i) const {
        const layer& first = net_.layers[i];
        const bool in_place = first.kind == layer_kind::conv;
        const bool can =
            in_place || first.kind == layer_kind::multiply || first.kind == layer_kind::upsample;
        if (!can || !only_next_reads(i) || net_.layers[i + 1].kind != layer_kind::add) return false;
        const std::size_t other = addend(i);
        if (other == 0 || !(shapes_[other] == shapes_[i + 1])) return false;
        return !in_place ||
               (other != first.from && !is_output_[other] && readers_[other].back() == i + 1);
    }

    /// What the add after layer i adds to its output.
    std::size_t addend(std::size_t i) const {
        const layer& sum = net_.layers[i + 1];
        return sum.from == i + 1 ? sum.plus : sum.from;
    }

    /// The step that begins with layer i; i moves on to the first layer that is not in it.
    draft one(std::size_t& i) const {
        const layer& first = net_.layers[i];
        draft next;
        next.made.layer = i;
        next.from = first.from;
        next.joins = joins(first.kind);
        if (next.joins) next.plus = first.plus;
        if (takes_add(i)) {
            next.made.accumulate = true;
            next.addend = addend(i);
            ++i;
        }
        if (activates(first.kind) && only_next_reads(i)) {
            next.made.after = activation_of(net_.layers[i + 1].kind);
            if (next.made.after != activation::none) next.made.slopes = ++i;
        }
        next.to = ++i;
        next.made.in = shapes_[next.from];
        next.made.plus_shape = shapes_[next.plus];
        next.made.out = shapes_[next.to];
        next.made.widens = widens(next);
        return next;
    }

    /// Whether a step's output is to be float32 whatever the precision.
    bool widens(const draft& one) const {
        const auto& readers = readers_[one.to];
        return can_widen(net_.layers[one.made.layer].kind) &&
               std::all_of(readers.begin(), readers.end(), [&](std::size_t reader) {
                   return reads_floats(net_.layers[reader].kind);
               });
    }

    const network& net_;
    const std::vector<tensor_shape>& shapes_;
    std::vector<std::vector<std::size_t>> readers_;
    std::vector<bool> is_output_;
};

tensor_shape in_blocks(tensor_shape shape, long block) {
    shape.channels = (shape.channels + block - 1) / block * block;
    return shape;
}

/// The convolutions that make_plan() computes together.
std::vector<chain> chains_of(const network& net, const std::vector<draft>& drafts, long block,
                             std::size_t chained) {
    std::vector<std::size_t> readers(net.layers.size() + 1);
    for (const draft& one : drafts) {
        for (const std::size_t value : one.operands()) ++readers[value];
    }
    for (const network_output& one : outputs_of(net)) ++readers[one.value];
    const auto fits = [&](const draft& one) {
        return net.layers[one.made.layer].kind == layer_kind::conv && !one.made.widens;
    };
    const auto goes_on = [&](std::size_t i) {
        const draft &one = drafts[i], &next = drafts[i + 1];
        return fits(one) && fits(next) && next.from == one.to && readers[one.to] == 1 &&
               !one.made.accumulate && in_blocks(one.made.out, block).size() >= chained;
    };
    std::vector<chain> found;
    for (std::size_t i = 0; i + 1 < drafts.size(); ++i) {
        const std::size_t first = i;
        while (i + 1 < drafts.size() && goes_on(i)) ++i;
        if (i > first) found.push_back({first, i - first + 1});
    }
    return found;
}

/// Hands out buffers.
class shelf {
 public:
    explicit shelf(long block) : block_(block) {}

    std::size_t take(const tensor_shape& shape) {
        const tensor_shape rounded = in_blocks(shape, block_);
        if (free_.empty()) {
            sizes_.push_back(rounded.size());
            return sizes_.size() - 1;
        }
        // The largest free one: least is added to it.
        const auto best = std::max_element(free_.begin(), free_.end(),
                                           [&](auto a, auto b) { return sizes_[a] < sizes_[b]; });
        const std::size_t taken = *best;
        free_.erase(best);
        sizes_[taken] = std::max(sizes_[taken], rounded.size());
        return taken;
    }
    void give_back(std::size_t buffer) { free_.push_back(buffer); }
    void put_picture(const tensor_shape& shape) { sizes_ = {shape.size()}; }
    std::vector<std::size_t> sizes() const { return sizes_; }

 private:
    long block_;
    std::vector<std::size_t> sizes_, free_;
};

}  // namespace

activation activation_of(layer_kind kind) {
    switch (kind) {
        case layer_kind::relu:
            return activation::relu;
        case layer_kind::prelu:
            return activation::prelu;
        case layer_kind::sigmoid:
            return activation::sigmoid;
        default:
            return activation::none;
    }
}

result<plan> make_plan(const network& net, tensor_shape picture, long block, std::size_t chained) {
    VULTUS_REQUIRE(block == 8 || block == 16, "channels lie together by 8 or 16");
    const auto shapes = shapes_of(net, picture);
    if (!shapes) return fail(shapes.error());
    const std::vector<draft> drafts = drafter(net, *shapes).drafts();
    plan made;
    made.chains = chains_of(net, drafts, block, chained);
    // A chain reads its values until its last step.
    std::vector<std::size_t> ends(drafts.size());
    for (std::size_t i = 0; i < drafts.size(); ++i) ends[i] = i;
    for (const chain& one : made.chains) {
        const auto first = ends.begin() + static_cast<std::ptrdiff_t>(one.first);
        std::fill_n(first, one.count, one.first + one.count - 1);
    }

    const std::size_t never = drafts.size();
    std::vector<std::size_t> last_step(shapes->size(), 0), buffer_of(shapes->size(), 0);
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        last_step[drafts[i].to] = i;  // a value that nothing reads
        for (const std::size_t value : drafts[i].operands()) last_step[value] = ends[i];
    }
    const std::vector<network_output> outputs = outputs_of(net);
    for (const network_output& one : outputs) last_step[one.value] = never;
    shelf buffers(block);
    buffers.put_picture(picture);
    std::vector<std::size_t> over;  // read or written since the last step outside of a chain
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        const draft& one = drafts[i];
        step done = one.made;
        const bool ends_chain = i > 0 && ends[i - 1] == i;
        const bool in_place =
            done.accumulate && !ends_chain && net.layers[done.layer].kind == layer_kind::conv;
        done.from = buffer_of[one.from];
        done.plus = buffer_of[one.plus];
        done.addend = buffer_of[one.addend];
        done.to = ends[i] != i ? no_buffer : in_place ? done.addend : buffers.take(done.out);
        buffer_of[one.to] = done.to;
        made.steps.push_back(done);
        for (const std::size_t value : one.operands()) over.push_back(value);
        over.push_back(one.to);
        if (ends[i] != i) continue;
        std::sort(over.begin(), over.end());
        over.erase(std::unique(over.begin(), over.end()), over.end());
        for (const std::size_t value : over) {
            const std::size_t buffer = buffer_of[value];
            if (last_step[value] != i || value == 0 || buffer == no_buffer) continue;
            if (value == one.to || buffer != done.to) buffers.give_back(buffer);
        }
        over.clear();
    }
    made.buffer_sizes = buffers.sizes();
    for (const network_output& one : outputs) {
        const auto maker = std::find_if(drafts.begin(), drafts.end(),
                                        [&](const draft& from) { return from.to == one.value; });
        VULTUS_REQUIRE(maker != drafts.end(), "an output ends a step");
        const layer_kind kind = net.layers[maker->made.layer].kind;
        made.outputs.push_back({buffer_of[one.value], (*shapes)[one.value], maker->made.widens,
                                kind == layer_kind::column_sum});
    }
    return made;
}

}  // namespace vultus
