// Two passes: layers to steps (a convolution takes the relu and the add that follow it), then
// values to buffers (a buffer is free again after the last step that reads its value).
#include "workers/engine/plan.hpp"

#include <algorithm>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

/// A step before buffers are known: its operands are values of the list.
struct draft {
    step made;
    std::size_t from = 0, plus = 0, to = 0;
};

class drafter {
 public:
    drafter(const network& net, const std::vector<tensor_shape>& shapes)
        : net_(net), shapes_(shapes), readers_(shapes.size()), last_reader_(shapes.size()) {
        for (std::size_t i = 0; i < net.layers.size(); ++i) {
            note(net.layers[i].from, i);
            if (net.layers[i].kind == layer_kind::add) note(net.layers[i].plus, i);
        }
    }

    std::vector<draft> drafts() const {
        std::vector<draft> all;
        for (std::size_t i = 0; i < net_.layers.size();) all.push_back(one(i));
        return all;
    }

 private:
    void note(std::size_t value, std::size_t layer) {
        ++readers_[value];
        last_reader_[value] = layer;
    }

    /// The layer after `i` reads its output, and nothing else does.
    bool only_next_reads(std::size_t i) const {
        return i + 1 < net_.layers.size() && readers_[i + 1] == 1 && last_reader_[i + 1] == i + 1;
    }

    bool takes_add(std::size_t i) const {
        if (net_.layers[i].kind != layer_kind::conv || !only_next_reads(i)) return false;
        const layer& next = net_.layers[i + 1];
        if (next.kind != layer_kind::add) return false;
        const std::size_t other = next.from == i + 1 ? next.plus : next.from;
        return other != 0 && other != net_.layers[i].from && last_reader_[other] == i + 1 &&
               shapes_[other] == shapes_[i + 1];
    }

    /// The step that begins with layer i; i moves on to the first layer that is not in it.
    draft one(std::size_t& i) const {
        const layer& first = net_.layers[i];
        draft next;
        next.made.layer = i;
        next.from = first.from;
        next.plus = first.plus;
        if (takes_add(i)) {
            const layer& sum = net_.layers[i + 1];
            next.made.accumulate = true;
            next.plus = sum.from == i + 1 ? sum.plus : sum.from;
            ++i;
        }
        const bool can_relu = first.kind == layer_kind::conv || first.kind == layer_kind::add;
        if (can_relu && only_next_reads(i) && net_.layers[i + 1].kind == layer_kind::relu) {
            next.made.relu = true;
            ++i;
        }
        next.to = ++i;
        next.made.in = shapes_[next.from];
        next.made.plus_shape = shapes_[next.plus];
        next.made.out = shapes_[next.to];
        next.made.widens = i == net_.layers.size() || reader_widens(i);
        return next;
    }

    bool reader_widens(std::size_t layer) const {
        const layer_kind kind = net_.layers[layer].kind;
        return net_.layers[layer].from == layer &&
               (kind == layer_kind::linear || kind == layer_kind::column_sum);
    }

    const network& net_;
    const std::vector<tensor_shape>& shapes_;
    std::vector<std::size_t> readers_, last_reader_;
};

/// Hands out buffers.
class shelf {
 public:
    explicit shelf(long block) : block_(block) {}

    std::size_t take(const tensor_shape& shape) {
        tensor_shape rounded = shape;
        rounded.channels = (shape.channels + block_ - 1) / block_ * block_;
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

result<plan> make_plan(const network& net, tensor_shape picture, long block) {
    VULTUS_REQUIRE(block == 8 || block == 16, "channels lie together by 8 or 16");
    const auto shapes = shapes_of(net, picture);
    if (!shapes) return fail(shapes.error());
    std::vector<draft> drafts = drafter(net, *shapes).drafts();

    std::vector<std::size_t> last_step(shapes->size(), 0), buffer_of(shapes->size(), 0);
    const auto operands = [&](const draft& one) {
        std::vector<std::size_t> values{one.from};
        const bool two = one.made.accumulate || net.layers[one.made.layer].kind == layer_kind::add;
        if (two && one.plus != one.from) values.push_back(one.plus);
        return values;
    };
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        for (const std::size_t value : operands(drafts[i])) last_step[value] = i;
    }
    shelf buffers(block);
    buffers.put_picture(picture);
    plan made;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        const draft& one = drafts[i];
        step done = one.made;
        done.from = buffer_of[one.from];
        done.plus = buffer_of[one.plus];
        done.to = done.accumulate ? done.plus : buffers.take(done.out);
        buffer_of[one.to] = done.to;
        for (const std::size_t value : operands(one)) {
            const bool over = last_step[value] == i && value != 0;
            if (over && buffer_of[value] != done.to) buffers.give_back(buffer_of[value]);
        }
        made.steps.push_back(done);
    }
    made.buffer_sizes = buffers.sizes();
    made.result = buffer_of[shapes->size() - 1];
    made.output = shapes->back();
    return made;
}

}  // namespace vultus
