// A submission's body as photos and fields, whatever its media type, and the checks before 202.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "api/http/message.hpp"
#include "api/jobs/options.hpp"

namespace vultus::api {

struct submitted {
    submission what;
    std::vector<std::string> images;  ///< recognize: 1 · train: 1 to 16 · calibrate: none
};

/// Reads and checks a whole submission; the body is used up.
/// requires  type is recognize or train
/// errors    malformed, bad_option, bad_label, bad_collection, unsupported_media, too_large,
///           undecodable_image, truncated_image. Of several photos of a train one that is good is
///           enough: the worker gives each its verdict.
result<submitted> read_submission(job_type type, request& req);

/// The query with the fields of a small form: urlencoded, multipart or JSON. What cannot be read is
/// refused and not ignored, for it may name the collection that is to be cleared.
/// `known`   names that may stand there, separated by spaces
/// errors    malformed, bad_option
result<name_values> read_fields(const request& req, std::string_view known);

/// SHA-256 of everything that makes two submissions the same: route, options, decoded photos.
std::string fingerprint_of(const submitted& from);

}  // namespace vultus::api
