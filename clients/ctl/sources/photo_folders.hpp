// The photos below a folder with one folder per person, for `vultusctl import`. Reads only names,
// no content.
#pragma once

#include <string>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::ctl {

struct found_photo {
    std::string path;       ///< below the folder: "Ada/1.jpg"
    std::string label;      ///< the person's folder: "Ada"
    std::string version{};  ///< changes with the content; empty: unknown
};
struct skipped_path {
    std::string path, why;
    bool failed = false;  ///< it may contain photos, and could not be read
};

/// Both sorted by their path.
struct photo_folders {
    std::string root;  ///< the folder with one folder per person
    std::vector<found_photo> photos;
    std::vector<skipped_path> skipped;  ///< hidden, in no person's folder, too deep, empty
};

/// Hidden files, and the folders that file servers and archives add.
bool is_hidden(const std::string& name);

/// `folder`/name/photo. Double Take has these folders in `train`, Frigate in `faces`, so if the
/// folder contains one of them with folders in it, that one is used; `train` in Frigate's `faces`
/// has unnamed faces and is skipped.
/// `kind`    "double-take": in `.storage/train` or `train` · "frigate": in `clips/faces` or `faces`
/// ·
///           "deepface": in the folder itself, and a person may have folders in folders · else: as
///           above
/// errors    not_found: no such folder, or it cannot be read
result<photo_folders> photos_below(const std::string& folder, const std::string& kind = "folder");

}  // namespace vultus::ctl
