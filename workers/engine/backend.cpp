// From the settings to the two networks: which backend, with which numbers.
#include "workers/engine/cuda/backend.hpp"
#include "shared/base/log.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/onednn/onednn.hpp"

namespace vultus {
namespace {

result<networks> both(result<std::unique_ptr<detector>> finder,
                      result<std::unique_ptr<embedder>> network) {
    if (!finder) return fail(finder.error());
    if (!network) return fail(network.error());
    return networks{std::move(*finder), std::move(*network), {}, {}};
}

}  // namespace

result<networks> load_networks(const model_paths& files, const std::string& backend,
                               const std::string& precision_wanted) {
    if (backend == "reference") {
        log::info("backend_chosen", {{"backend", backend}, {"precision", "fp32"}});
        return both(load_cnn_detector(files.detector), load_reference_embedder(files.embedder));
    }
    if (precision_wanted == "fp16" || precision_wanted == "tf32") {
        return fail(errc::bad_option, "worker.precision = " + precision_wanted +
                                          " requires a GPU, but this worker runs on the CPU");
    }
    const auto isa = onednn_cpu();
    if (!isa) return fail(isa.error());
    const bool bf16 = precision_wanted == "bf16";
    const precision numbers = bf16 ? precision::bf16 : precision::fp32;
    log::info("backend_chosen",
              {{"backend", backend}, {"precision", bf16 ? "bf16" : "fp32"}, {"isa", *isa}});
    return both(load_onednn_detector(files.detector, numbers),
                load_onednn_embedder(files.embedder, numbers));
}

result<networks> load_networks_on_gpu(const model_paths& files, const gpu_options& wanted) {
    const auto calls = cuda::load_table(cuda::library_file());
    if (!calls) return fail(calls.error());
    const auto gpu = cuda::gpu_context::open(**calls, wanted.index,
                                             static_cast<std::size_t>(wanted.memory_mib) << 20);
    if (!gpu) return fail(gpu.error());
    cuda::options part;
    part.numbers = wanted.precision == "tf32" ? precision::tf32 : precision::fp16;
    part.detect_side_max = wanted.detect_side_max;
    // The detector first: its buffers have one size, the embedder takes the batches that still fit.
    auto finder = cuda::load_detector(*gpu, files.detector, part);
    if (!finder) return fail(finder.error());
    auto made = both(std::move(finder), cuda::load_embedder(*gpu, files.embedder, part));
    if (!made) return made;
    const cuda::device_info& info = (*gpu)->info();
    made->gpu = {info.name, info.memory_bytes >> 20,
                 std::to_string(info.major) + "." + std::to_string(info.minor),
                 [gpu = *gpu] { return gpu->memory_now(); }};
    made->on_gpu = [gpu = *gpu, numbers = part.numbers](std::shared_ptr<const network> net,
                                                        const std::vector<warm_size>& warm,
                                                        const warm_size& largest) {
        return cuda::make_cuda_runner(gpu, std::move(net), numbers, warm, largest);
    };
    // Turing multiplies float32 as it is, many times slower than half precision.
    const bool has_tf32 = info.major >= 8;
    log::info("backend_chosen", {{"backend", "cuda"},
                                 {"precision", part.numbers == precision::fp16 ? "fp16"
                                               : has_tf32                      ? "tf32"
                                                                               : "fp32"},
                                 {"card", made->gpu.name},
                                 {"memory_mib", made->gpu.memory_mib},
                                 {"compute", made->gpu.compute}});
    return made;
}

}  // namespace vultus
