// The seam between the worker and the networks: a backend embeds chips. `reference` is dlib's own
// forward pass on the CPU, the oracle for every other backend.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/result.hpp"
#include "workers/geometry.hpp"

namespace vultus {

/// threads   one caller at a time, a compute thread; one object per lane (clone())
class embedder {
 public:
    virtual ~embedder() = default;
    /// Which numbers come out; stored with each gallery. Faces of two models are never compared.
    virtual std::string_view name() const noexcept = 0;
    /// Another one like this, for another lane.
    virtual std::unique_ptr<embedder> clone() const = 0;
    /// Embeds a batch of aligned faces.
    /// requires  1 <= chips.size() <= limits::batch_max; each chip::bytes long
    /// returns   chips.size() embeddings in the same order; 128 finite floats, compared by
    ///           Euclidean distance; the same for a chip alone and in company
    /// errors    none; a device fault ends the process
    virtual std::vector<embedding> embed(std::span<const chip> chips) = 0;
    /// One embedding out of those of several pictures of one face.
    /// requires  at least one
    virtual embedding combined(const std::vector<embedding>& of_one_face) const;
};

/// dlib_face_recognition_resnet_model_v1 by dlib; name "dlib_resnet_v1/plain".
/// errors    malformed if the file is not that network
result<std::unique_ptr<embedder>> load_reference_embedder(const std::string& file);

/// Gives the linear algebra library one thread: the worker is parallel over photos. Call once,
/// early.
void use_one_blas_thread();

}  // namespace vultus
