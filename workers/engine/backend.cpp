// From the settings to the two networks: which backend, with which numbers.
#include "shared/log.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/onednn.hpp"

namespace vultus {
namespace {

result<networks> both(result<std::unique_ptr<detector>> finder,
                      result<std::unique_ptr<embedder>> network) {
    if (!finder) return fail(finder.error());
    if (!network) return fail(network.error());
    return networks{std::move(*finder), std::move(*network)};
}

}  // namespace

result<networks> load_networks(const model_paths& files, const std::string& backend,
                               const std::string& precision_wanted) {
    if (backend == "reference") {
        log::info("backend_chosen", {{"backend", backend}, {"precision", "fp32"}});
        return both(load_cnn_detector(files.detector), load_reference_embedder(files.embedder));
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

}  // namespace vultus
