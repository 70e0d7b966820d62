// Convolutions by oneDNN, each with its weights as it wants them. The only file that includes
// oneDNN. Activations are blocked by 16 channels on AVX-512 and by 8 on AVX2: with the wrong block,
// or with channels last, oneDNN falls to code that is 25 to 1000 times slower.
#include "workers/engine/onednn/convolution.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "shared/base/log.hpp"
#include "workers/engine/onednn/onednn.hpp"

// Of libgomp, which oneDNN runs its loops with; the compiler's OpenMP is not needed for it.
extern "C" void omp_set_num_threads(int);

namespace vultus {
namespace {

using dnnl::memory;

constexpr int exit_broken = 70;
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

/// Runs what may throw out of oneDNN.
template <typename Call>
auto guarded(Call&& call) -> decltype(call()) {
    try {
        omp_set_num_threads(1);
        return call();
    } catch (const dnnl::error& why) {
        if (why.status == dnnl_out_of_memory) throw std::bad_alloc();
        end_engine(why.what());
    }
}

/// What a step asks of oneDNN.
struct window_shape {
    long outputs = 0, inputs = 0, groups = 1, rows = 1, columns = 1, stride = 1;
    long padding_rows = 0, padding_columns = 0;
    bool grouped() const { return groups > 1 || (inputs == 1 && outputs == 1); }
    /// oneDNN has fast code for one channel in and out only as a group.
    memory::dims weights() const {
        if (!grouped()) return {outputs, inputs, rows, columns};
        return {groups, outputs / groups, inputs / groups, rows, columns};
    }
};

/// `planes`: it reads the picture. Else fewer channels than a block are as many as a block, the
/// others zero, as they are in memory: oneDNN has only its reference code for fewer.
window_shape shape_of(const layer& one, long block, bool planes) {
    if (one.kind == layer_kind::conv) {
        window_shape made{one.outputs, one.inputs, one.groups,       one.rows,
                          one.columns, one.stride, one.padding_rows, one.padding_columns};
        if (!planes && !made.grouped()) made.inputs = std::max(made.inputs, block);
        return made;
    }
    // Transposed: each place of the window is a channel, or rather as many as there are outputs.
    const long rounded = (one.outputs + block - 1) / block * block;
    return {rounded * one.rows * one.columns, one.inputs};
}

/// A convolution's weights with more inputs, those of zeros.
std::vector<float> more_inputs(const layer& one, long inputs) {
    const long places = one.rows * one.columns;
    std::vector<float> moved(static_cast<std::size_t>(one.outputs * inputs * places), 0.0f);
    for (long output = 0; output < one.outputs; ++output) {
        std::copy_n(one.weights.begin() + output * one.inputs * places, one.inputs * places,
                    moved.begin() + output * inputs * places);
    }
    return moved;
}

/// A transposed convolution's weights for window_shape: [place][output rounded up][input].
std::vector<float> places_first(const layer& one, long block) {
    const long places = one.rows * one.columns;
    const long rounded = (one.outputs + block - 1) / block * block;
    std::vector<float> moved(static_cast<std::size_t>(places * rounded * one.inputs), 0.0f);
    const float* from = one.weights.data();
    for (long output = 0; output < one.outputs; ++output) {
        for (long input = 0; input < one.inputs; ++input) {
            for (long place = 0; place < places; ++place) {
                const long to = (place * rounded + output) * one.inputs + input;
                moved[static_cast<std::size_t>(to)] = *from++;
            }
        }
    }
    return moved;
}

/// Whether oneDNN computes the activation behind the convolution.
bool fuses(const network& net, const step& one) {
    return net.layers[one.layer].kind == layer_kind::conv &&
           (one.after != activation::prelu || net.layers[one.slopes].weights.size() == 1);
}

/// oneDNN 3 dropped the factor of the result.
void append_activation(dnnl::post_ops& to, dnnl::algorithm which, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
    to.append_eltwise(which, alpha, 0.0f);
#else
    to.append_eltwise(1.0f, which, alpha, 0.0f);
#endif
}

/// A convolution as oneDNN 2 (Debian 12) or 3 (Debian 13) describes it: since 3 there is no
/// descriptor apart from the primitive's own.
template <typename... Shape>
dnnl::convolution_forward::primitive_desc describe(const dnnl::primitive_attr& attributes,
                                                   const Shape&... shape) {
    using made = dnnl::convolution_forward;
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    constexpr auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
    return made::primitive_desc(cpu(), kind, algorithm, shape..., attributes);
#else
    return made::primitive_desc(made::desc(kind, algorithm, shape...), attributes, cpu());
#endif
}

dnnl::post_ops after(const network& net, const step& one) {
    using dnnl::algorithm;
    dnnl::post_ops made;
    if (one.accumulate) made.append_sum(1.0f);
    if (!fuses(net, one) || one.after == activation::none) return made;
    if (one.after == activation::sigmoid) {
        append_activation(made, algorithm::eltwise_logistic, 0.0f);
    } else {
        const bool prelu = one.after == activation::prelu;
        const float slope = prelu ? net.layers[one.slopes].weights[0] : 0.0f;
        append_activation(made, algorithm::eltwise_relu, slope);
    }
    return made;
}

/// Weights of a layer in one layout. Written once, then read by all replicas.
struct packed {
    std::size_t layer;
    std::shared_ptr<const aligned_buffer> bytes;
    memory weights;
};

}  // namespace

void end_engine(const std::string& why) {
    log::error("engine_failed", {{"why", why}});
    std::_Exit(exit_broken);
}

result<std::string> onednn_cpu() {
    if (!has(dnnl::cpu_isa::avx2)) {
        return fail(errc::bad_option,
                    "oneDNN cannot use AVX2 (CPU or ONEDNN_MAX_CPU_ISA): worker.backend = "
                    "reference works without it");
    }
    if (has(dnnl::cpu_isa::avx512_core_bf16)) return std::string("avx512_bf16");
    return std::string(has(dnnl::cpu_isa::avx512_core) ? "avx512" : "avx2");
}

struct convolution::parts {
    dnnl::convolution_forward primitive;
    dnnl::stream* stream;
    memory from, to, scratch;
    std::unordered_map<int, memory> arguments;
    std::string implementation;
    bool activated = true;
};

convolution::convolution(std::unique_ptr<parts> made) : parts_(std::move(made)) {}
convolution::convolution(convolution&&) noexcept = default;
convolution& convolution::operator=(convolution&&) noexcept = default;
convolution::~convolution() = default;

std::size_t convolution::scratch_bytes() const {
    return parts_->scratch.get_desc().get_size();
}
std::size_t convolution::output_bytes() const {
    return parts_->to.get_desc().get_size();
}
const std::string& convolution::implementation() const {
    return parts_->implementation;
}
bool convolution::activated() const {
    return parts_->activated;
}

void convolution::bind(const void* from, void* to, void* scratch) {
    parts_->from.set_data_handle(const_cast<void*>(from));  // oneDNN takes what it only reads so
    parts_->to.set_data_handle(to);
    parts_->scratch.set_data_handle(scratch);
}

void convolution::run() {
    guarded([&] {
        parts_->primitive.execute(*parts_->stream, parts_->arguments);
        parts_->stream->wait();
    });
}

struct convolution_maker::state {
    std::shared_ptr<const network> net;
    kernels::format how;
    dnnl::stream stream{cpu()};
    std::vector<packed> weights;

    memory::data_type number(bool wide) const {
        return how.bf16 && !wide ? memory::data_type::bf16 : memory::data_type::f32;
    }

    memory::desc values(long batch, long channels, long rows, long columns, bool wide) const {
        const auto tag = how.block == 16 ? memory::format_tag::nChw16c : memory::format_tag::nChw8c;
        return {{batch, channels, rows, columns}, number(wide), tag};
    }

    const memory& weights_for(std::size_t index, const window_shape& shape,
                              const memory::desc& wanted) {
        for (const packed& one : weights) {
            if (one.layer == index && one.weights.get_desc() == wanted) return one.weights;
        }
        const layer& from = net->layers[index];
        const memory::desc plain(
            shape.weights(), memory::data_type::f32,
            shape.grouped() ? memory::format_tag::goihw : memory::format_tag::oihw);
        std::vector<float> moved;
        if (from.kind == layer_kind::conv_transpose) {
            moved = places_first(from, how.block);
        } else if (shape.inputs != from.inputs) {
            moved = more_inputs(from, shape.inputs);
        }
        const float* numbers = moved.empty() ? from.weights.data() : moved.data();
        auto bytes = std::make_shared<aligned_buffer>();
        bytes->grow(wanted.get_size());
        memory source(plain, cpu(), const_cast<float*>(numbers));
        memory target(wanted, cpu(), bytes->data());
        dnnl::reorder(source, target).execute(stream, source, target);
        stream.wait();
        weights.push_back({index, std::move(bytes), target});
        return weights.back().weights;
    }

    result<std::unique_ptr<convolution::parts>> make(const step& one, long batch, edges zeros) {
        const layer& conv = net->layers[one.layer];
        const bool transposed = conv.kind == layer_kind::conv_transpose;
        const window_shape shape = shape_of(conv, how.block, one.from == 0);
        const memory::desc from =
            one.from == 0 ? memory::desc({batch, one.in.channels, one.in.rows, one.in.columns},
                                         number(false), memory::format_tag::nchw)
                          : values(batch, shape.inputs, one.in.rows, one.in.columns, false);
        const memory::desc to =
            transposed ? values(batch, shape.outputs, one.in.rows, one.in.columns, true)
                       : values(batch, conv.outputs, one.out.rows, one.out.columns, one.widens);
        const memory::desc wanted(shape.weights(), number(false), memory::format_tag::any);
        const memory::desc bias = transposed ? memory::desc()
                                             : memory::desc({conv.outputs}, memory::data_type::f32,
                                                            memory::format_tag::x);
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(after(*net, one));
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        const memory::dims padding{zeros == edges::all ? shape.padding_rows : 0,
                                   shape.padding_columns};
        const memory::dims strides{shape.stride, shape.stride};
        const auto made = describe(attributes, from, wanted, bias, to, strides, padding, padding);
        const std::string name = made.impl_info_str();
        if (name.find("ref") != std::string::npos) {
            return fail(errc::bad_option, "oneDNN has only slow reference code (" + name +
                                              ") for layer " + std::to_string(one.layer) +
                                              " on this CPU");
        }
        auto parts = std::make_unique<convolution::parts>(
            convolution::parts{dnnl::convolution_forward(made),
                               &stream,
                               memory(from, cpu(), nullptr),
                               memory(to, cpu(), nullptr),
                               memory(made.scratchpad_desc(), cpu(), nullptr),
                               {},
                               name,
                               one.after == activation::none || fuses(*net, one)});
        parts->arguments = {{DNNL_ARG_SRC, parts->from},
                            {DNNL_ARG_DST, parts->to},
                            {DNNL_ARG_SCRATCHPAD, parts->scratch},
                            {DNNL_ARG_WEIGHTS, weights_for(one.layer, shape, made.weights_desc())}};
        if (!transposed) {
            parts->arguments.emplace(DNNL_ARG_BIAS,
                                     memory(bias, cpu(), const_cast<float*>(conv.bias.data())));
        }
        return parts;
    }
};

convolution_maker::convolution_maker(std::shared_ptr<const network> net, const kernels::format& how)
    : state_(guarded([&] {
          auto made = std::make_unique<state>();
          made->net = std::move(net);
          made->how = how;
          return made;
      })) {}
convolution_maker::convolution_maker(convolution_maker&&) noexcept = default;
convolution_maker& convolution_maker::operator=(convolution_maker&&) noexcept = default;
convolution_maker::~convolution_maker() = default;

convolution_maker convolution_maker::clone() const {
    convolution_maker other(state_->net, state_->how);
    other.state_->weights = state_->weights;
    return other;
}

result<convolution> convolution_maker::make(const step& one, long batch, edges zeros) {
    return guarded([&]() -> result<convolution> {
        auto made = state_->make(one, batch, zeros);
        if (!made) return fail(made.error());
        return convolution(std::move(*made));
    });
}

}  // namespace vultus
