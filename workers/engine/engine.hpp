// The seam between the worker and the networks: a backend embeds chips and finds faces. `reference`
// is dlib's own forward pass on the CPU, the oracle for every other backend; `onednn` is the faster
// one; `cuda` (engine/cuda) runs them on a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/face_template.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// The numbers that a backend computes with.
enum class precision {
    fp32,  ///< equal to dlib's results
    bf16,  ///< bfloat16 weights and activations, float32 sums: faster, nearly the same
    fp16,  ///< half precision, float32 sums; GPUs only
    tf32   ///< float32 in memory, products of 10 bits on GPUs that have them; GPUs only
};

/// threads   one caller at a time, a compute thread; one object per lane (clone())
class embedder {
 public:
    virtual ~embedder() = default;
    /// Which numbers come out; stored with each gallery. Faces of two models are never compared.
    virtual std::string_view name() const noexcept = 0;
    /// How many floats come out: a limits::embedding_dimensions.
    virtual std::size_t dimension() const noexcept = 0;
    /// The chips that it takes: their side, and how faces are aligned for them.
    virtual chip_form form() const noexcept { return {}; }
    /// Another one like this, for another lane.
    virtual std::unique_ptr<embedder> clone() const = 0;
    /// Embeds a batch of aligned faces.
    /// requires  1 <= chips.size() <= limits::batch_max; each whole, with the side of form()
    /// returns   chips.size() embeddings in the same order; dimension() finite floats each,
    ///           compared by Euclidean distance; the same for a chip alone and in a batch. On a GPU
    ///           within 1e-3: passes of other sizes may be computed in another order
    /// errors    none; a device fault ends the process
    virtual std::vector<embedding> embed(std::span<const chip> chips) = 0;
    /// One embedding out of those of several pictures of one face.
    /// requires  at least one
    virtual embedding combined(const std::vector<embedding>& of_one_face) const;
};

/// The floats of dlib_face_recognition_resnet_model_v1.
constexpr std::size_t dlib_dimension = 128;

/// dlib_face_recognition_resnet_model_v1 by dlib; name "dlib_resnet_v1/plain".
/// errors    malformed if the file is not that network
result<std::unique_ptr<embedder>> load_reference_embedder(const std::string& file);

/// The same by oneDNN, on the calling thread only. fp32: the same name, for its numbers are dlib's
/// to 2e-6 of the largest; bf16: the same name, as distances move by less than 0.002.
/// errors    malformed as above; bad_option if this CPU cannot (engine/onednn.hpp)
result<std::unique_ptr<embedder>> load_onednn_embedder(const std::string& file, precision numbers);

/// The `cnn` detector by oneDNN, on the calling thread only. fp32: dlib's boxes; bf16: boxes a few
/// pixels off.
/// errors    malformed: not that network; bad_option if this CPU cannot (engine/onednn.hpp)
result<std::unique_ptr<detector>> load_onednn_detector(const std::string& file, precision numbers);

/// Memory of a GPU.
struct gpu_memory {
    std::uint64_t bytes = 0;
    std::uint64_t free_bytes = 0;  ///< what nobody has taken, in this process or another
    bool operator==(const gpu_memory&) const = default;
};

/// The GPU that a worker runs on.
struct gpu_info {
    std::string name;  ///< empty: none
    std::uint64_t memory_mib = 0;
    std::string compute;  ///< compute capability, "9.0"
    /// As it is, or as it was before the pass that is under way. Any thread; waits for no pass.
    /// Empty: no GPU.
    std::function<gpu_memory()> memory = {};
};

class runner;
struct network;
struct warm_size;
/// Makes runners (runner.hpp) on one device.
/// requires  check() of the network found nothing
/// warm      sizes that are made ready at start
/// largest   a GPU takes memory for canvases of its rows x columns pixels; larger ones need not
///           run. Larger batches go in several passes, as do smaller ones if there is little memory
/// errors    bad_option: the device cannot, or a size does not fit; malformed: a weight that the
///           precision cannot hold; device_fault
using runner_maker = std::function<result<std::unique_ptr<runner>>(
    std::shared_ptr<const network>, const std::vector<warm_size>& warm, const warm_size& largest)>;

/// What a worker runs.
struct networks {
    std::unique_ptr<detector> finder;  ///< the `cnn` detector
    std::unique_ptr<embedder> network;
    gpu_info gpu;
    runner_maker on_gpu = {};  ///< runners beside them; empty: no GPU
};

/// Both networks by one backend, as the settings worker.backend and worker.precision say; the log
/// says which and what of the CPU it uses.
/// requires  values that the settings take
/// errors    those of the loading above, and what is to be set instead
result<networks> load_networks(const model_paths& files, const std::string& backend,
                               const std::string& precision_wanted);

/// What a worker wants of a GPU.
struct gpu_options {
    int index = 0;
    std::string precision = "auto";  ///< or fp16, tf32
    int memory_mib = 0;              ///< at most; 0: what is free
    int detect_side_max = 2'000;     ///< longest side of a picture for the detector
};

/// Both networks on a GPU, by libvultus-cuda.so; the log says which GPU.
/// errors    bad_option: no such library, driver or GPU, or too little memory; malformed, as
///           above; device_fault
result<networks> load_networks_on_gpu(const model_paths& files, const gpu_options&);

/// Gives the linear algebra library one thread: the worker is parallel over photos. Call once,
/// early.
void use_one_blas_thread();

}  // namespace vultus
