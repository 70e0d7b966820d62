// dlib's two networks and imported ones on a GPU, behind the worker's interfaces. The table is
// vultus-cuda's or, in the tests, the stand-in's.
#pragma once

#include <memory>
#include <string>

#include "workers/engine/cuda/gpu_context.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/runner.hpp"

namespace vultus::cuda {

struct options {
    precision numbers = precision::fp16;  ///< or tf32: float32 in memory
    long chips_max = 128;                 ///< largest bucket; one of bucket_sizes
    long detect_side_max = 2'000;         ///< longest side of a picture that the detector sees
};

/// dlib's embedding network on that GPU; distances lie within 0.01 of dlib's. Takes the largest
/// buckets for which there is memory; the log says which. clone() shares the GPU's memory: one
/// pass after the other.
/// errors    malformed: not that network; bad_option: too little memory; device_fault
result<std::unique_ptr<embedder>> load_embedder(std::shared_ptr<gpu_context>,
                                                const std::string& file, const options&);

/// The `cnn` detector on that GPU: boxes within a pixel of dlib's. clone() as above. It sees
/// pictures of up to detect_side_max or, if that is less, countable_side() pixels.
/// errors    as above
result<std::unique_ptr<detector>> load_detector(std::shared_ptr<gpu_context>,
                                                const std::string& file, const options&);

/// The longest side of a picture, at most `wanted`, of which no value of the detector has 2^31
/// bytes.
long countable_side(const detector_layers&, precision, long wanted);

/// The network on that GPU, as runner_maker (engine.hpp) has it. Takes the largest buckets up to
/// largest.batch for which there is memory. clone() as above.
/// requires  check(net) found nothing; precision fp16 or tf32; the thread has no turn
/// errors    bad_option: too little memory, or a size does not fit; malformed: a weight beyond half
///           precision; device_fault
result<std::unique_ptr<runner>> make_cuda_runner(std::shared_ptr<gpu_context>,
                                                 std::shared_ptr<const network>, precision,
                                                 const std::vector<warm_size>& warm,
                                                 const warm_size& largest);

}  // namespace vultus::cuda
