// Programs of oneDNN primitives and our own kernels, one per batch and picture size. The only file
// that includes oneDNN. Activations are blocked by 16 channels on AVX-512 and by 8 on AVX2: with
// the wrong block, or with channels last, oneDNN falls to code that is 25 to 1000 times slower.
// Weights lie as each primitive wants them, once per layout, shared by all lanes.
#include "workers/engine/onednn/onednn.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>

#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/plan.hpp"

// Of libgomp, which oneDNN runs its loops with; the compiler's OpenMP is not needed for it.
extern "C" void omp_set_num_threads(int);

namespace vultus {
namespace {

using dnnl::memory;

constexpr int exit_broken = 70;
constexpr std::size_t alignment = 64;  ///< of buffers, a cache line and a vector
/// Primitives that oneDNN itself keeps; a program of ours holds its own.
constexpr int library_cache = 128;

const dnnl::engine& cpu() {
    static const dnnl::engine only = [] {
        dnnl::set_primitive_cache_capacity(library_cache);
        return dnnl::engine(dnnl::engine::kind::cpu, 0);
    }();
    return only;
}

bool has(dnnl::cpu_isa wanted) {
    const auto present = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    return (present & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
}

[[noreturn]] void end_process(const std::string& why) {
    log::error("engine_failed", {{"why", why}});
    std::_Exit(exit_broken);
}

/// Runs what may throw out of oneDNN.
template <typename Call>
auto guarded(Call&& call) -> decltype(call()) {
    try {
        return call();
    } catch (const dnnl::error& why) {
        if (why.status == dnnl_out_of_memory) throw std::bad_alloc();
        end_process(why.what());
    }
}

/// Bytes on a cache line, kept and grown.
class buffer {
 public:
    char* data() const { return bytes_.get(); }
    /// True if they moved.
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

/// Weights of a layer in one layout. Written once, then read by all lanes.
struct packed {
    std::size_t layer;
    std::shared_ptr<const buffer> bytes;
    memory weights;
    memory bias;
};

struct prepared_conv {
    dnnl::convolution_forward primitive;
    memory from, to, weights, bias, scratch;
    std::string implementation;
};

struct program {
    long batch = 0;
    tensor_shape picture;
    plan steps;
    std::vector<std::optional<prepared_conv>> convolutions;  ///< one per step
    std::size_t scratch_bytes = 0;
    std::uint64_t bound = 0;  ///< the generation of buffers that its memories point into
    std::uint64_t used = 0;   ///< when, for the cache
};

}  // namespace

struct onednn_network::state {
    std::shared_ptr<const network> net;
    kernels::format how;  ///< batch of the current program
    dnnl::stream stream{cpu()};
    std::vector<packed> weights;
    std::vector<program> programs;
    program* current = nullptr;
    std::vector<buffer> buffers;
    buffer scratch, narrow_picture;
    std::uint64_t generation = 1, clock = 0;

    memory::data_type number() const {
        return how.bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    }

    memory::desc values(const tensor_shape& shape, long batch, memory::data_type type) const {
        const auto tag = how.block == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c;
        return {{batch, shape.channels, shape.rows, shape.columns}, type, tag};
    }

    const packed& weights_for(std::size_t index, const memory::desc& wanted) {
        for (const packed& one : weights) {
            if (one.layer == index && one.weights.get_desc() == wanted) return one;
        }
        const layer& from = net->layers[index];
        const memory::desc plain({from.outputs, from.inputs, from.rows, from.columns},
                                 memory::data_type::f32, memory::format_tag::oihw);
        auto bytes = std::make_shared<buffer>();
        bytes->grow(wanted.get_size());
        // oneDNN takes what it only reads as void* too.
        memory source(plain, cpu(), const_cast<float*>(from.weights.data()));
        memory target(wanted, cpu(), bytes->data());
        dnnl::reorder(source, target).execute(stream, source, target);
        stream.wait();
        const memory bias({{from.outputs}, memory::data_type::f32, memory::format_tag::x}, cpu(),
                          const_cast<float*>(from.bias.data()));
        weights.push_back({index, std::move(bytes), target, bias});
        return weights.back();
    }

    result<prepared_conv> prepare(const step& one, long batch) {
        const layer& conv = net->layers[one.layer];
        const bool first = one.from == 0;
        const memory::desc from =
            first ? memory::desc({batch, one.in.channels, one.in.rows, one.in.columns}, number(),
                                 memory::format_tag::nchw)
                  : values(one.in, batch, number());
        const memory::desc to =
            values(one.out, batch, one.widens ? memory::data_type::f32 : number());
        const memory::desc wanted({conv.outputs, conv.inputs, conv.rows, conv.columns}, number(),
                                  memory::format_tag::any);
        const memory::desc bias({conv.outputs}, memory::data_type::f32, memory::format_tag::x);
        dnnl::post_ops after;
        if (one.accumulate) after.append_sum(1.0f);
        if (one.relu) after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(after);
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        const memory::dims padding{conv.padding_rows, conv.padding_columns};
        const dnnl::convolution_forward::primitive_desc made({dnnl::prop_kind::forward_inference,
                                                              dnnl::algorithm::convolution_direct,
                                                              from,
                                                              wanted,
                                                              bias,
                                                              to,
                                                              {conv.stride, conv.stride},
                                                              padding,
                                                              padding},
                                                             attributes, cpu());
        const std::string name = made.impl_info_str();
        if (name.find("ref") != std::string::npos) {
            return fail(errc::bad_option, "oneDNN has only slow reference code (" + name +
                                              ") for layer " + std::to_string(one.layer) +
                                              " on this CPU");
        }
        const packed& numbers = weights_for(one.layer, made.weights_desc());
        return prepared_conv{dnnl::convolution_forward(made),
                             memory(from, cpu(), nullptr),
                             memory(to, cpu(), nullptr),
                             numbers.weights,
                             numbers.bias,
                             memory(made.scratchpad_desc(), cpu(), nullptr),
                             name};
    }

    result<program> compose(long batch, tensor_shape picture) {
        auto steps = make_plan(*net, picture, how.block);
        if (!steps) return fail(steps.error());
        program made;
        made.batch = batch;
        made.picture = picture;
        made.steps = std::move(*steps);
        for (const step& one : made.steps.steps) {
            made.convolutions.emplace_back();
            if (net->layers[one.layer].kind != layer_kind::conv) continue;
            auto conv = prepare(one, batch);
            if (!conv) return fail(conv.error());
            made.scratch_bytes = std::max(made.scratch_bytes, conv->scratch.get_desc().get_size());
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
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            const std::size_t bytes =
                sizes[i] * static_cast<std::size_t>(current->batch) * sizeof(float);
            moved = buffers[i].grow(bytes) || moved;
        }
        const std::size_t picture = current->picture.size() * static_cast<std::size_t>(how.batch);
        if (how.bf16) moved = narrow_picture.grow(picture * sizeof(std::uint16_t)) || moved;
        if (moved) ++generation;
        if (current->bound == generation) return;
        current->bound = generation;
        for (std::size_t i = 0; i < current->steps.steps.size(); ++i) {
            if (!current->convolutions[i]) continue;
            prepared_conv& conv = *current->convolutions[i];
            const step& one = current->steps.steps[i];
            const bool narrowed = how.bf16 && one.from == 0;
            conv.from.set_data_handle(narrowed ? narrow_picture.data() : buffers[one.from].data());
            conv.to.set_data_handle(buffers[one.to].data());
            conv.scratch.set_data_handle(scratch.data());
        }
    }

    void execute(const step& one, std::optional<prepared_conv>& conv) {
        const layer& what = net->layers[one.layer];
        const void* from = buffers[one.from].data();
        char* to = buffers[one.to].data();
        const auto floats_from = reinterpret_cast<const float*>(from);
        const auto floats_to = reinterpret_cast<float*>(to);
        switch (what.kind) {
            case layer_kind::conv:
                conv->primitive.execute(stream, {{DNNL_ARG_SRC, conv->from},
                                                 {DNNL_ARG_WEIGHTS, conv->weights},
                                                 {DNNL_ARG_BIAS, conv->bias},
                                                 {DNNL_ARG_DST, conv->to},
                                                 {DNNL_ARG_SCRATCHPAD, conv->scratch}});
                return;
            case layer_kind::max_pool:
            case layer_kind::average_pool:
                return kernels::pool(how, what, from, one.in, to, one.out);
            case layer_kind::average_all:
                return kernels::average_all(how, from, one.in, floats_to);
            case layer_kind::add:
                return kernels::add(how, from, one.in, buffers[one.plus].data(), one.plus_shape, to,
                                    one.out, one.relu);
            case layer_kind::relu:
                return kernels::relu(how, from, one.in, to);
            case layer_kind::linear:
                return kernels::linear(how, what, floats_from, floats_to);
            case layer_kind::column_sum:
                return kernels::column_sum(how, what, floats_from, one.in, floats_to);
            case layer_kind::conv_transpose:
            case layer_kind::prelu:
            case layer_kind::sigmoid:
            case layer_kind::affine:
            case layer_kind::upsample:
            case layer_kind::multiply:
                break;  // make() refuses them
        }
    }
};

result<std::string> onednn_cpu() {
    if (!has(dnnl::cpu_isa::avx2)) {
        return fail(errc::bad_option,
                    "oneDNN cannot use AVX2 (CPU or ONEDNN_MAX_CPU_ISA): worker.backend = "
                    "reference works without it");
    }
    if (has(dnnl::cpu_isa::avx512_core_bf16)) return std::string("avx512_bf16");
    return std::string(has(dnnl::cpu_isa::avx512_core) ? "avx512" : "avx2");
}

result<onednn_network> onednn_network::make(
    std::shared_ptr<const network> net, precision numbers,
    const std::vector<std::pair<long, tensor_shape>>& warm) {
    VULTUS_REQUIRE(!net->layers.empty() && (net->layers.back().kind == layer_kind::linear ||
                                            net->layers.back().kind == layer_kind::column_sum),
                   "a last layer whose output is not blocked");
    VULTUS_REQUIRE(numbers == precision::fp32 || numbers == precision::bf16, "a CPU's numbers");
    const auto isa = onednn_cpu();
    if (!isa) return fail(isa.error());
    if (numbers == precision::bf16 && *isa != "avx512_bf16") {
        return fail(errc::bad_option, "this CPU has no bfloat16 (AVX512_BF16); it has " + *isa);
    }
    for (const layer& one : net->layers) {
        const bool old = one.kind != layer_kind::conv_transpose && one.kind != layer_kind::prelu &&
                         one.kind != layer_kind::sigmoid && one.kind != layer_kind::affine &&
                         one.kind != layer_kind::upsample && one.kind != layer_kind::multiply &&
                         one.groups == 1;
        if (!old) return fail(errc::bad_option, "a layer that oneDNN is not asked for yet");
    }
    return guarded([&]() -> result<onednn_network> {
        omp_set_num_threads(1);
        auto made = std::make_unique<state>();
        made->net = std::move(net);
        made->how.bf16 = numbers == precision::bf16;
        made->how.block = *isa == "avx2" ? 8 : 16;
        for (const auto& [batch, picture] : warm) {
            const auto ready = made->find(batch, picture);
            if (!ready) return fail(ready.error());
        }
        return onednn_network(std::move(made));
    });
}

onednn_network::onednn_network(std::unique_ptr<state> made) : state_(std::move(made)) {}
onednn_network::onednn_network(onednn_network&&) noexcept = default;
onednn_network& onednn_network::operator=(onednn_network&&) noexcept = default;
onednn_network::~onednn_network() = default;

onednn_network onednn_network::clone() const {
    return guarded([&] {
        auto other = std::make_unique<state>();
        other->net = state_->net;
        other->how = state_->how;
        other->weights = state_->weights;
        return onednn_network(std::move(other));
    });
}

result<std::span<float>> onednn_network::input(long batch, tensor_shape picture) {
    VULTUS_REQUIRE(batch >= 1, "at least one picture");
    return guarded([&]() -> result<std::span<float>> {
        omp_set_num_threads(1);
        const auto found = state_->find(batch, picture);
        if (!found && !shapes_of(*state_->net, picture)) return fail(found.error());
        if (!found) end_process(found.error().detail);
        state_->current = *found;
        state_->current->used = ++state_->clock;
        state_->how.batch = batch;
        state_->bind();
        return std::span(reinterpret_cast<float*>(state_->buffers[0].data()),
                         picture.size() * static_cast<std::size_t>(batch));
    });
}

std::span<const float> onednn_network::run() {
    VULTUS_REQUIRE(state_->current != nullptr, "input() comes first");
    program& now = *state_->current;
    return guarded([&] {
        omp_set_num_threads(1);
        if (state_->how.bf16) {
            const auto* from = reinterpret_cast<const float*>(state_->buffers[0].data());
            kernels::narrow(from, now.picture.size() * static_cast<std::size_t>(now.batch),
                            reinterpret_cast<std::uint16_t*>(state_->narrow_picture.data()));
        }
        for (std::size_t i = 0; i < now.steps.steps.size(); ++i) {
            state_->execute(now.steps.steps[i], now.convolutions[i]);
        }
        state_->stream.wait();
        const auto* out = reinterpret_cast<const float*>(state_->buffers[now.steps.result].data());
        return std::span(out, now.steps.output.size() * static_cast<std::size_t>(now.batch));
    });
}

tensor_shape onednn_network::output() const {
    VULTUS_REQUIRE(state_->current != nullptr, "input() comes first");
    return state_->current->steps.output;
}

std::vector<std::string> onednn_network::implementations() const {
    std::vector<std::string> names;
    for (const auto& conv : state_->current->convolutions) {
        if (conv) names.push_back(conv->implementation);
    }
    return names;
}

std::size_t onednn_network::programs() const {
    return state_->programs.size();
}

}  // namespace vultus
