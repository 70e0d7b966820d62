// The photos below a folder with a folder for each person: what `vultusctl import` takes. Only
// names are looked at, no content.
#pragma once

#include <string>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::ctl {

struct found_photo {
    std::string path;   ///< below the folder: "Ada/1.jpg"
    std::string label;  ///< the person's folder: "Ada"
};
struct skipped_path {
    std::string path, why;
    bool failed = false;  ///< it may hold photos, and could not be looked at
};

/// Both sorted by their path.
struct photo_folders {
    std::string root;  ///< the folder whose folders are people
    std::vector<found_photo> photos;
    std::vector<skipped_path> skipped;  ///< hidden, in no person's folder, too deep, empty
};

/// `folder`/name/photo. Double Take keeps such folders below `train`, Frigate below `faces`, so a
/// folder that holds one of these with folders in it is taken for theirs; `train` in Frigate's
/// `faces` holds faces that nobody has named yet and is skipped.
/// errors    not_found: no such folder, or it cannot be read
result<photo_folders> photos_below(const std::string& folder);

}  // namespace vultus::ctl
