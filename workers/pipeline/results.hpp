// The JSON texts that a worker reads and writes: options of a job, results of recognize and train,
// what is stored with a trained face. Shapes: api/openapi.json. The only file with a JSON library
// in workers/ is results.cpp. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/job.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/calibration/gallery_calibration.hpp"
#include "workers/engine/detector.hpp"
#include "workers/gallery/gallery.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/pipeline/verification.hpp"
#include "workers/vision/face_quality.hpp"

namespace vultus {

/// The options of a job, checked again: those in Redis may be of an older program.
/// errors    bad_option, naming the option. Unknown names are ignored (a newer api may send them).
result<job_options> read_options(std::string_view json);

/// The label in the JSON text of a stored face. errors malformed
result<std::string> read_label(std::string_view face_json);

/// One face of a photo, between the stages.
struct found_face {
    detected_face detected;
    landmarks points{};
    embedding vector{};         ///< without floats: not embedded
    int known = -1;             ///< index of the frame's known box that it matches: not compared
    face_quality quality = {};  ///< unless known
};

/// A photo as it was searched.
struct searched_photo {
    std::uint32_t width = 0, height = 0;  ///< of the upright photo
    bool animated = false, truncated = false;
    int min_face_px = 0;              ///< smallest face that was searched for, pixels of the photo
    bool min_face_px_raised = false;  ///< larger than requested, because the photo is too large
    std::size_t faces_found = 0;
};

/// What was found in a photo, the last one if there are several.
struct recognized : searched_photo {
    std::string detector, embedding_model;
    std::size_t dimension = 0;   ///< floats of a vector by embedding_model; 0: not known
    bool without_photo = false;  ///< the vectors came with the job
    std::vector<searched_photo> photos = {};  ///< each, in order
    std::string gallery_model;                ///< of the gallery's faces; empty: no faces yet
    std::size_t gallery_dimension = 0;        ///< floats of each of them; 0: none yet
    gallery_version version = 0;
    std::size_t people = 0, faces_trained = 0;
    double distance_max = 0;  ///< used for the comparison
    double threshold = 0;     ///< the service's own for this gallery: where the similarity is 0.5
    std::optional<double> false_match_rate, stranger_rate;  ///< of that distance, if measured
    bool extrapolated = false;  ///< the gallery is larger than the measured ones
    std::vector<found_face> faces;
    std::vector<match> matches;  ///< one per face
    std::map<std::string, double> timing_ms;
    bool embeddings = false;  ///< include the floats
    bool person_ids = false;  ///< include placeholders for them (person_key.hpp)
};

/// Without a photo (vectors were given) there is neither `image` nor anything of a detector.
/// requires  as many matches as faces
/// returns   at most limits::result_bytes: candidates, then embeddings are omitted until it fits
std::string json_of(const recognized& what);

/// A result of detect, or with `vectors` of embed.
/// requires  the vectors, if they are wanted
std::string json_of_found(const recognized& what, bool vectors);

/// A result of verify. `what` has the photos, the threshold and the distance that was used.
std::string json_of(const recognized& what, const verification& outcome);

/// A trained face that is the nearest to a photo's. Its name is not stored with the job; the api
/// adds it for whoever may read names.
struct compared_face {
    std::string face_id;
    double distance = 0;
    double similarity = 0;
};

/// The verdict on one photo of a train.
struct train_file {
    std::string face_id;                       ///< accepted; empty: refused
    error why;                                 ///< refused
    std::optional<face_quality> quality = {};  ///< if there was one face
    std::optional<compared_face> other = {};   ///< looks_like_other
};

/// {"files": [...]}; the api adds the version, which is known only after the commit.
std::string json_of(const std::vector<train_file>& files);
/// The list in it.
std::string list_of(const std::vector<train_file>& files);

/// A result of calibrate, as in api/openapi.json.
std::string json_of(const gallery_calibration& found, bool person_ids = false);

/// One sentence that names the reason for each photo, for no_usable_photo.
std::string sentence_of(const std::vector<train_file>& files);

/// What is stored with a face; the Redis function adds the label.
/// `photo`    worker_store::photo_digest of the photo it was found in
/// `quality`  its score
std::string face_json(std::string_view job_id, unix_time created, const detected_face& face,
                      std::string_view photo, double quality);
/// The same of a vector that came with the job: there is no photo to tell of. `photo` is the digest
/// of its bytes.
std::string face_json(std::string_view job_id, unix_time created, std::string_view photo);

}  // namespace vultus
