// What is made of the network's floats before faces are compared. Which of the kinds below is a
// setting (worker.embedding) and the second half of an embedding model's name. Faces of two kinds
// are never compared, because their distances mean different things.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {

enum class embedding_kind {
    plain,        ///< the network's output, as dlib gives it
    mirror,       ///< the mean of the face's and its mirror image's: two passes
    unit,         ///< plain, scaled to length 1
    mirror_unit,  ///< mirror, scaled to length 1
};

/// The word of the setting and of the model's name.
std::string_view name_of(embedding_kind);
/// errors    bad_option: none of the four words
result<embedding_kind> parse_embedding_kind(std::string_view word);

/// The name of dlib's network with that kind of output: "dlib_resnet_v1/<kind>".
std::string dlib_embedder(std::string_view kind);

/// The chip with left and right exchanged.
chip mirrored(const chip&);

/// Scaled to Euclidean length 1; zeros stay zeros.
embedding unit_length(const embedding&);

/// The same network, its output made into this kind; its name ends in "/<kind>". Several kinds may
/// share a network, with one caller at a time for all of them; a clone has a network of its own.
/// requires  an embedder of kind plain, whose name ends in "/plain"
std::unique_ptr<embedder> with_kind(std::shared_ptr<embedder> network, embedding_kind kind);

}  // namespace vultus
