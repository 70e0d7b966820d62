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
//   dimension = 128            # or 256, 512
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {

struct own_model {
    std::string name;    ///< without "/unit"
    std::string file;    ///< its path
    std::string sha256;  ///< empty: not checked
    chip_form form;
    bool bgr = false;
    double mean = 0;
    double scale = 1;
    std::size_t dimension = 0;
};

/// The manifests of a folder, by name; empty if it cannot be read. At most limits::own_models.
std::vector<std::string> own_manifests(const std::string& folder);

/// errors    malformed: manifest:line:key and what is wrong
result<own_model> read_own_model(const std::string& manifest);

/// The embedder of it, "NAME/unit", by oneDNN on the calling thread.
/// errors    not_found, malformed: the file, or another SHA-256; bad_option: this CPU cannot
result<std::unique_ptr<embedder>> load_own_model(const own_model&);

}  // namespace vultus
