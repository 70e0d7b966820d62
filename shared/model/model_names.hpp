// How detectors and embedders are named between the processes, in Redis and in JSON, and what a
// worker tells of those that it has.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"

namespace vultus {

/// An embedder that a worker can run. Its name is stored with each gallery that it made, for
/// instance "dlib_resnet_v1/mirror_unit".
struct offered_embedder {
    std::string name;
    std::size_t dimension = limits::embedding_dimension_default;  ///< floats of a face
    bool operator==(const offered_embedder&) const = default;
};

/// One detector and one embedder; each may be empty: not known.
struct model_choice {
    std::string detector, embedder;
    bool operator==(const model_choice&) const = default;
    auto operator<=>(const model_choice&) const = default;
};

/// What the worker of a frame must have: models, and a type that it announced (empty: any worker).
struct frame_need {
    model_choice models;
    std::string type = {};
    bool operator==(const frame_need&) const = default;
    auto operator<=>(const frame_need&) const = default;
};

/// The detectors that a worker of an older version, which lists none, certainly has.
constexpr std::array<std::string_view, 2> older_detectors{"hog", "cnn"};
/// How the names of the embedders begin that use dlib's network, the only ones of older versions.
constexpr std::string_view dlib_embedders = "dlib_resnet_v1/";

/// Whether it can be the name of a detector or of an embedder: 1 to limits::model_name_bytes of
/// A-Z, a-z, 0-9, '-', '_', '.' and '/'. The names of a list are joined with ',' and '='.
bool is_model_name(std::string_view text) noexcept;

/// At most limits::models_of_worker names, each of them is_model_name().
bool are_model_names(const std::vector<std::string>& names) noexcept;

std::vector<std::string> names_of(const std::vector<offered_embedder>& all);

}  // namespace vultus
