// The options of a recognize or a train: texts of the query, a form or JSON in, checked job_options
// out. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/http/query.hpp"
#include "shared/model/job.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::api {

/// A submission without its photos.
struct submission {
    job_type type = job_type::recognize;
    std::string collection = "default";  ///< may be empty if may_lack_collection(type)
    std::string label;  ///< train, verify of a person; in normal form (shared/model/label.hpp)
    new_person person;  ///< train only
    job_options options;
    bool durable = true;  ///< not of a train
};

/// Checks names and ranges of the fields.
/// `vectors`  that vectors were given instead of photos: options that need a photo are refused
/// requires  type is a question (is_question) or train
/// errors    bad_option: unknown name, wrong type, out of range, or two options that exclude
///           each other; bad_label; bad_collection
result<submission> parse_options(job_type type, const name_values& fields, bool vectors = false);

/// The options that a request of this type knows, separated by spaces.
/// requires  as parse_options()
std::string_view names_for(job_type type) noexcept;

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
