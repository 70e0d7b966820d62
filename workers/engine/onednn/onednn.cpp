// Programs of oneDNN's convolutions and our own kernels, one per batch and picture size. Weights
// lie as each convolution wants them, once per layout, shared by all replicas.
#include "workers/engine/onednn/onednn.hpp"

#include <algorithm>
#include <optional>

#include "shared/base/require.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/onednn/band.hpp"
#include "workers/engine/onednn/convolution.hpp"
#include "workers/engine/onednn/rewrite.hpp"
#include "workers/engine/plan.hpp"

namespace vultus {
namespace {

struct program {
    long batch = 0;
    tensor_shape picture;
    plan steps;
    std::vector<std::optional<convolution>> convolutions;  ///< one per step outside of chains
    std::vector<std::optional<banded_chain>> chains;       ///< one per step, where the first is
    std::vector<std::size_t> band_bytes;
    std::size_t scratch_bytes = 0, places_bytes = 0;
    std::uint64_t bound = 0;  ///< the generation of buffers that its memories point into
    std::uint64_t used = 0;   ///< when, for the cache
};

bool convolves(layer_kind kind) {
    return kind == layer_kind::conv || kind == layer_kind::conv_transpose;
}

}  // namespace

struct onednn_network::state {
    std::shared_ptr<const network> net;
    kernels::format how;  ///< batch of the current program
    banding bands_of;
    convolution_maker maker;
    std::vector<program> programs;
    program* current = nullptr;
    std::vector<aligned_buffer> buffers, bands;
    aligned_buffer scratch, places, narrow_picture;
    std::vector<std::vector<float>> planes;  ///< outputs that are not planes in their buffer
    std::vector<output_tensor> results;
    std::uint64_t generation = 1, clock = 0;

    state(std::shared_ptr<const network> list, const kernels::format& format, const banding& wanted,
          convolution_maker made)
        : net(std::move(list)), how(format), bands_of(wanted), maker(std::move(made)) {}

    result<void> add_chain(program& made, const chain& one) {
        kernels::format format = how;
        format.batch = made.batch;
        const auto steps = std::span<const step>(made.steps.steps).subspan(one.first, one.count);
        auto banded = banded_chain::make(maker, net, steps, format, bands_of);
        if (!banded) return fail(banded.error());
        made.scratch_bytes = std::max(made.scratch_bytes, banded->scratch_bytes());
        const auto sizes = banded->band_bytes();
        made.band_bytes.resize(std::max(made.band_bytes.size(), sizes.size()));
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            made.band_bytes[i] = std::max(made.band_bytes[i], sizes[i]);
        }
        made.chains[one.first] = std::move(*banded);
        return {};
    }

    result<program> compose(long batch, tensor_shape picture) {
        auto steps = make_plan(*net, picture, how.block, bands_of.chained_floats);
        if (!steps) return fail(steps.error());
        program made;
        made.batch = batch;
        made.picture = picture;
        made.steps = std::move(*steps);
        made.chains.resize(made.steps.steps.size());
        for (const chain& one : made.steps.chains) {
            if (auto done = add_chain(made, one); !done) return fail(done.error());
        }
        for (const step& one : made.steps.steps) {
            made.convolutions.emplace_back();
            if (one.from == no_buffer || one.to == no_buffer) continue;
            const layer_kind kind = net->layers[one.layer].kind;
            if (!convolves(kind)) continue;
            auto conv = maker.make(one, batch);
            if (!conv) return fail(conv.error());
            made.scratch_bytes = std::max(made.scratch_bytes, conv->scratch_bytes());
            if (kind == layer_kind::conv_transpose) {
                made.places_bytes = std::max(made.places_bytes, conv->output_bytes());
            }
            made.convolutions.back() = std::move(*conv);
        }
        return made;
    }

    /// The program for that size, made if there is none.
    result<program*> find(long batch, tensor_shape picture) {
        for (program& one : programs) {
            if (one.batch == batch && one.picture == picture) return &one;
        }
        auto made = compose(batch, picture);
        if (!made) return fail(made.error());
        if (programs.size() == programs_max) {
            programs.erase(std::min_element(
                programs.begin(), programs.end(),
                [](const program& a, const program& b) { return a.used < b.used; }));
        }
        programs.push_back(std::move(*made));
        return &programs.back();
    }

    /// Makes the current program's memories point into buffers that are large enough.
    void bind() {
        const auto& sizes = current->steps.buffer_sizes;
        if (buffers.size() < sizes.size()) buffers.resize(sizes.size());
        bool moved = scratch.grow(current->scratch_bytes);
        moved = places.grow(current->places_bytes) || moved;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const std::size_t bytes =
                sizes[i] * static_cast<std::size_t>(current->batch) * sizeof(float);
            moved = buffers[i].grow(bytes) || moved;
        }
        const std::size_t picture = current->picture.size() * static_cast<std::size_t>(how.batch);
        if (how.bf16) moved = narrow_picture.grow(picture * sizeof(std::uint16_t)) || moved;
        if (bands.size() < current->band_bytes.size()) bands.resize(current->band_bytes.size());
        for (std::size_t i = 0; i < current->band_bytes.size(); ++i) {
            moved = bands[i].grow(current->band_bytes[i]) || moved;
        }
        if (moved) ++generation;
        if (current->bound == generation) return;
        current->bound = generation;
        for (auto& one : current->chains) {
            if (one) one->bind(bands, scratch.data());
        }
        for (std::size_t i = 0; i < current->steps.steps.size(); ++i) {
            if (!current->convolutions[i]) continue;
            const step& one = current->steps.steps[i];
            const bool spread = net->layers[one.layer].kind == layer_kind::conv_transpose;
            current->convolutions[i]->bind(
                read_by(one), spread ? places.data() : buffers[one.to].data(), scratch.data());
        }
    }

    const char* read_by(const step& one) const {
        const bool narrowed = how.bf16 && one.from == 0;
        return narrowed ? narrow_picture.data() : buffers[one.from].data();
    }

    void execute(const chain& one) {
        const step& first = current->steps.steps[one.first];
        const step& last = current->steps.steps[one.first + one.count - 1];
        const char* addend = last.accumulate ? buffers[last.addend].data() : nullptr;
        current->chains[one.first]->run(read_by(first), addend, buffers[last.to].data());
    }

    void execute(const step& one, std::optional<convolution>& conv) {
        if (conv) conv->run();
        compute(one);
        // What neither oneDNN nor the kernel has done.
        const layer_kind kind = net->layers[one.layer].kind;
        const bool done = one.after == activation::none ||
                          (kind == layer_kind::conv && conv->activated()) ||
                          (kind == layer_kind::add && one.after == activation::relu);
        if (done) return;
        kernels::format stored = how;
        stored.bf16 = how.bf16 && !one.widens;
        void* to = buffers[one.to].data();
        kernels::activate(stored, one.after, net->layers[one.slopes], to, one.out, to);
    }

    /// The step's layer, unless it is a convolution.
    void compute(const step& one) {
        const layer& what = net->layers[one.layer];
        const void* from = buffers[one.from].data();
        const void* plus = buffers[one.plus].data();
        const void* addend = one.accumulate ? buffers[one.addend].data() : nullptr;
        char* to = buffers[one.to].data();
        const auto floats_to = reinterpret_cast<float*>(to);
        switch (what.kind) {
            case layer_kind::conv:
                return;
            case layer_kind::conv_transpose:
                return kernels::gather_windows(
                    how, what, reinterpret_cast<const float*>(places.data()), one.in, to, one.out);
            case layer_kind::average_pool:
                if (what.rows == one.in.rows && what.columns == one.in.columns) {
                    return kernels::average_all(how, from, one.in, to, one.widens);
                }
                return kernels::pool(how, what, from, one.in, to, one.out);
            case layer_kind::max_pool:
                return kernels::pool(how, what, from, one.in, to, one.out);
            case layer_kind::average_all:
                return kernels::average_all(how, from, one.in, to, one.widens);
            case layer_kind::add:
                return kernels::add(how, from, one.in, plus, one.plus_shape, to, one.out,
                                    one.after == activation::relu);
            case layer_kind::relu:
                return kernels::activate(how, activation::relu, what, from, one.in, to);
            case layer_kind::prelu:
                return kernels::activate(how, activation::prelu, what, from, one.in, to);
            case layer_kind::sigmoid:
                return kernels::activate(how, activation::sigmoid, what, from, one.in, to);
            case layer_kind::affine:
                return kernels::affine(how, what, from, one.in, to);
            case layer_kind::multiply:
                return kernels::multiply(how, from, one.in, plus, one.plus_shape, addend, to);
            case layer_kind::upsample:
                return kernels::upsample(how, what.stride, from, one.in, addend, to);
            case layer_kind::linear:
                return kernels::linear(how, what, from, one.in, one.reads_wide, to, one.widens);
            case layer_kind::column_sum:
                VULTUS_REQUIRE(one.reads_wide, "a column_sum reads float32");
                return kernels::column_sum(how, what, reinterpret_cast<const float*>(from), one.in,
                                           floats_to);
        }
    }

    /// The outputs as planes of float32.
    void collect() {
        const auto names = outputs_of(*net);
        const auto& outputs = current->steps.outputs;
        planes.resize(outputs.size());
        results.clear();
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const plan_output& one = outputs[i];
            const std::size_t count = one.shape.size() * static_cast<std::size_t>(how.batch);
            const char* from = buffers[one.buffer].data();
            if (one.planar) {
                const auto* numbers = reinterpret_cast<const float*>(from);
                results.push_back({names[i].name, one.shape, {numbers, count}});
                continue;
            }
            planes[i].resize(count);
            kernels::to_planes(how, from, one.shape, one.wide, planes[i].data());
            results.push_back({names[i].name, one.shape, planes[i]});
        }
    }
};

result<onednn_network> onednn_network::make(std::shared_ptr<const network> net, precision numbers,
                                            const std::vector<std::pair<long, tensor_shape>>& warm,
                                            const banding& wanted) {
    VULTUS_REQUIRE(numbers == precision::fp32 || numbers == precision::bf16, "a CPU's numbers");
    const auto isa = onednn_cpu();
    if (!isa) return fail(isa.error());
    if (numbers == precision::bf16 && *isa != "avx512_bf16") {
        return fail(errc::bad_option, "this CPU has no bfloat16 (AVX512_BF16); it has " + *isa);
    }
    kernels::format how;
    how.bf16 = numbers == precision::bf16;
    how.block = *isa == "avx2" ? 8 : 16;
    auto list = rewritten(std::move(net), how.block);
    if (!list) return fail(list.error());
    auto made = std::make_unique<state>(*list, how, wanted, convolution_maker(*list, how));
    for (const auto& [batch, picture] : warm) {
        const auto ready = made->find(batch, picture);
        if (!ready) return fail(ready.error());
    }
    return onednn_network(std::move(made));
}

onednn_network::onednn_network(std::unique_ptr<state> made) : state_(std::move(made)) {}
onednn_network::onednn_network(onednn_network&&) noexcept = default;
onednn_network& onednn_network::operator=(onednn_network&&) noexcept = default;
onednn_network::~onednn_network() = default;

onednn_network onednn_network::clone() const {
    return onednn_network(
        std::make_unique<state>(state_->net, state_->how, state_->bands_of, state_->maker.clone()));
}

result<std::span<float>> onednn_network::input(long batch, tensor_shape picture) {
    VULTUS_REQUIRE(batch >= 1 && picture.channels == 3, "pictures of three planes");
    const auto found = state_->find(batch, picture);
    if (!found && !shapes_of(*state_->net, picture)) return fail(found.error());
    if (!found) end_engine(found.error().detail);
    state_->current = *found;
    state_->current->used = ++state_->clock;
    state_->how.batch = batch;
    state_->bind();
    return std::span(reinterpret_cast<float*>(state_->buffers[0].data()),
                     picture.size() * static_cast<std::size_t>(batch));
}

std::span<const float> onednn_network::run() {
    VULTUS_REQUIRE(state_->current != nullptr, "input() comes first");
    program& now = *state_->current;
    if (state_->how.bf16) {
        const auto* from = reinterpret_cast<const float*>(state_->buffers[0].data());
        kernels::narrow(from, now.picture.size() * static_cast<std::size_t>(now.batch),
                        reinterpret_cast<std::uint16_t*>(state_->narrow_picture.data()));
    }
    auto banded = now.steps.chains.begin();
    for (std::size_t i = 0; i < now.steps.steps.size(); ++i) {
        if (banded != now.steps.chains.end() && banded->first == i) {
            state_->execute(*banded);
            i += banded->count - 1;
            ++banded;
        } else {
            state_->execute(now.steps.steps[i], now.convolutions[i]);
        }
    }
    state_->collect();
    return state_->results[0].values;
}

std::span<const output_tensor> onednn_network::outputs() const {
    return state_->results;
}

tensor_shape onednn_network::output() const {
    VULTUS_REQUIRE(state_->current != nullptr, "input() comes first");
    return state_->current->steps.outputs[0].shape;
}

std::vector<std::string> onednn_network::implementations() const {
    std::vector<std::string> names;
    for (const auto& conv : state_->current->convolutions) {
        if (conv) names.push_back(conv->implementation());
    }
    for (const auto& one : state_->current->chains) {
        if (!one) continue;
        const auto more = one->implementations();
        names.insert(names.end(), more.begin(), more.end());
    }
    return names;
}

std::size_t onednn_network::programs() const {
    return state_->programs.size();
}

}  // namespace vultus
