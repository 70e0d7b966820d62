// The options of a recognize or a train: texts of the query, a form or JSON in, checked job_options
// out. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/query.hpp"
#include "shared/model/job.hpp"

namespace vultus::api {

/// A submission without its photos.
struct submission {
    job_type type = job_type::recognize;
    std::string collection = "default";
    std::string label;  ///< train only; in normal form (shared/model/label.hpp)
    job_options options;
    bool durable = true;  ///< recognize only
};

/// Checks names and ranges of the fields.
/// requires  type is recognize or train
/// errors    bad_option: unknown name, wrong type, out of range, or two options that exclude
///           each other; bad_label; bad_collection
result<submission> parse_options(job_type type, const name_values& fields);

/// What `detector` may be besides a name: the service's default, as if none were given.
constexpr std::string_view default_detector = "default";

/// Whether the option `rotate` suits the detector that is used; empty: not known yet.
/// errors    bad_option
result<void> check_rotate(const job_options& options, std::string_view used);

/// true, 1, yes, on; false, 0, no, off; in any case. errors bad_option
result<void> read_bool(const std::string& name, const std::string& text, bool& out);

/// The JSON text that is stored with the job and sent with a frame. Equal options, equal text.
std::string to_json(const job_options& options);

}  // namespace vultus::api
