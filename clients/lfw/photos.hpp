// From the folder of the images to the network's output for each face: files, threads, models. The
// rest of vultus-lfw computes with the result.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "clients/lfw/embedding_variants.hpp"
#include "clients/lfw/pairs.hpp"
#include "shared/base/result.hpp"
#include "workers/engine/detector.hpp"

namespace vultus::lfw {

/// All photos below a folder in the layout of LFW, <person>/<person>_NNNN.jpg; by name, then
/// number. Other files are ignored.
/// errors    not_found: the folder cannot be read, or has no such photo
result<std::vector<photo_id>> photos_below(const std::string& folder);

/// The photos of the pairs, each once, by name, then number. `file` is the pair file's name.
/// errors    not_found: "file:line: why", if a photo is not below the folder
result<std::vector<photo_id>> photos_of(const pair_list& pairs, const std::string& file,
                                        const std::string& folder);

struct look_settings {
    std::string images;
    std::string models = "build/models";
    /// One of detector_names; "auto": centerface if its file is there, else hog.
    std::string detector = "auto";
    /// Their full names; empty: what a new service would use, omz_0095 if its files and a detector
    /// with points are there, else dlib's with mirror_unit.
    std::vector<std::string> embedders;
    std::string precision = "auto";  ///< as the setting worker.precision
    int threads = 1;
    detector_options detecting;
};

struct looked_at {
    std::vector<std::optional<raw_face>> faces;  ///< one per photo; nothing where none was found
    std::string detector;                        ///< by which and for which they were found
    std::vector<std::string> embedders;
    double ms_per_photo = 0;  ///< CPU time from the file to the embedding; without models
    double seconds = 0;       ///< of the whole pass on all threads; without models
};

/// Reads each photo and embeds the face whose box is nearest the centre, where LFW photos show the
/// person they are named after. Uses the worker's detectors, alignment and networks. `on_photo` is
/// called now and then with the number of finished photos.
/// requires  threads >= 1
/// errors    those of find_models; bad_option, model_mismatch: a model that is not there;
/// not_found: a photo cannot be read; those of decode_image, with
///           the file's name
/// threads   called from one, starts settings.threads - 1 more; the caller's calls `on_photo`
result<looked_at> look_at(const std::vector<photo_id>& photos, const look_settings& settings,
                          const std::function<void(std::size_t)>& on_photo);

/// Leaves out what the quality gate refuses: the photos, their faces, and pairs with one of them.
/// returns   how many photos, by the reason
/// requires  photos and faces in the same order
std::map<errc, std::size_t> refuse_bad(quality_gate level, pair_list& pairs,
                                       std::vector<photo_id>& photos,
                                       std::vector<std::optional<raw_face>>& faces);

/// The face nearest the centre of the photo; of two at the same distance the larger; nothing
/// without a face.
std::optional<detected_face> middle_face(const detected_faces& found, const image& photo);

}  // namespace vultus::lfw
