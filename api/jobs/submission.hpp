// The body of a submission, of any media type, as photos and fields, and the checks before 202.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "api/http/message.hpp"
#include "api/jobs/options.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus::api {

struct submitted {
    submission what;
    /// recognize, detect, embed: 1 · verify: 2, of a person 1 · train: 1 to 16 · calibrate: none.
    /// Views of the body; base64 is decoded. Given vectors are the only one, packed.
    std::vector<shared_bytes> images;
    /// Photos to be fetched (url_photos.hpp), which come behind the others; as they were sent
    std::vector<std::string> urls;
};

/// Reads and checks a submission. The request releases its body; the images keep what they view.
/// requires  type is a question (is_question) or train
/// errors    malformed, bad_option, bad_label, bad_collection, unsupported_media, too_large,
///           undecodable_image, truncated_image. For a train one valid photo is enough: the
///           worker has a verdict for each. With URLs the photos are not looked at.
result<submitted> read_submission(job_type type, request& req);

/// Whether the vectors of a submission can be of that model of the collection (of a collection
/// without faces: of the service).
/// errors    model_mismatch: they are said to be of another one · bad_option: they have another
///           length, or are not of length 1 where the model's are
result<void> check_model(const submitted& given, std::string_view model, std::size_t dimension);

/// The query and the fields of a small form: urlencoded, multipart or JSON. A body that cannot be
/// read is refused and not ignored, because it may name the collection to clear.
/// `known`   allowed names, separated by spaces
/// errors    malformed, bad_option
result<name_values> read_fields(const request& req, std::string_view known);

/// Whether at least one is a photo, by its header, or each if `all`. errors as of read_submission()
result<void> check_images(const std::vector<shared_bytes>& images, bool all);

/// SHA-256 of what must be equal in a repeated submission: route, options, decoded photos, and
/// URLs, not what they gave: a camera's URL gives another photo each time, and its retry is the
/// same call.
std::string fingerprint_of(const submitted& from);

}  // namespace vultus::api
