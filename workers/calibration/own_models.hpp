// Embedders that a user brings: ONNX files with a manifest each, *.toml in the folder
// worker.models.
//
//   [embedder]
//   name = "sface"             # its galleries have the model "sface/unit"
//   file = "sface.onnx"        # in the same folder
//   sha256 = "..."             # optional: checked if it is there
//   alignment = "arcface112"   # or omz: which template the faces are cut out by, and which side
//   order = "rgb"              # or bgr
//   mean = 127.5               # the network gets (v - mean) * scale of each byte v
//   scale = 0.0078125
//   dimension = 128            # or 256, 512; without it the network says it
//   distance = 1.1             # optional: the threshold, where worker.distances and
//                              # worker.calibration have none
//   licence = "..."            # optional, like `training`: shown with the model
#pragma once

#include <cstddef>

#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/calibration/calibration.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/layers.hpp"

namespace vultus {

struct own_model {
    std::string name;    ///< without "/unit"
    std::string file;    ///< its path
    std::string sha256;  ///< empty: not checked
    chip_form form;
    bool bgr = false;
    double mean = 0;
    double scale = 1;
    std::size_t dimension = 0;  ///< 0: what the network has
    double distance = 0;        ///< 0: none
    std::string licence, training;
};

/// The manifests of a folder, by name; empty if it cannot be read. At most limits::own_models.
std::vector<std::string> own_manifests(const std::string& folder);

/// errors    malformed: manifest:line:key and what is wrong
result<own_model> read_own_model(const std::string& manifest);

/// Its file as a layer list that ends in one vector for a chip of its form; sets the dimension
/// where that is 0. errors    not_found, malformed: the file, another SHA-256, or outputs that are
/// no embedding
result<network> import_own_model(own_model&);

/// The embedder of it, "NAME/unit", by oneDNN on the calling thread.
/// errors    not_found, malformed: the file, or another SHA-256; bad_option: this CPU cannot
result<std::unique_ptr<embedder>> load_own_model(own_model);

/// Adds the distances of the folder's manifests for embedders that have no rule.
void add_own_distances(threshold_rules&, const std::string& folder);

}  // namespace vultus
