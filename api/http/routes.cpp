// See routes.hpp.
#include "api/http/routes.hpp"

#include <array>

#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"

namespace vultus::api {
namespace {

using enum body_kind;
using enum scope;
constexpr auto absent = access_rule::not_there();
constexpr auto anybody = access_rule::anybody();
constexpr auto whoever = access_rule::whoever();
constexpr auto any_key = access_rule::any_key();
constexpr access_rule any_maker(scope_set{recognize, train, admin});
constexpr method_rules for_all{anybody, absent, absent};

// The rules are in the order GET, POST, DELETE, PATCH.
constexpr std::array table{
    route_row{route::train,
              "train",
              "/api/train",
              {absent, train, absent},
              reach::by_field,
              photo,
              train_names},
    route_row{route::recognize,
              "recognize",
              "/api/recognize",
              {absent, recognize, absent},
              reach::by_field,
              photo,
              recognize_names},
    route_row{route::detect,
              "detect",
              "/api/detect",
              {absent, recognize, absent},
              reach::by_field,
              photo,
              detect_names},
    route_row{route::embed,
              "embed",
              "/api/embed",
              {absent, recognize, absent},
              reach::by_field,
              photo,
              embed_names},
    route_row{route::verify,
              "verify",
              "/api/verify",
              {absent, recognize, absent},
              reach::by_field,
              photo,
              verify_names},
    route_row{route::live_channel,
              "live_channel",
              "/api/live",
              {recognize, absent, absent},
              reach::by_field,
              none,
              live_names},
    route_row{route::faces,
              "faces",
              "/api/faces",
              {read, read, admin},
              reach::by_field,
              none,
              "collection page_size page_token label"},
    route_row{route::label,
              "label",
              "/api/faces/{}",
              {read, absent, admin},
              reach::by_field,
              none,
              "collection"},
    route_row{route::face,
              "face",
              "/api/faces/{}/{}",
              {absent, absent, admin},
              reach::by_field,
              none,
              "collection"},
    route_row{route::face_picture,
              "face_picture",
              "/api/faces/{}/{}/picture",
              {read, absent, absent},
              reach::by_field,
              none,
              "collection"},
    route_row{route::people,
              "people",
              "/api/people",
              {read, absent, absent},
              reach::by_field,
              none,
              "collection q name external_id page_size page_token"},
    route_row{route::person,
              "person",
              "/api/people/{}",
              {read, absent, admin, admin},
              reach::by_field,
              none,
              "collection"},
    route_row{route::person_faces,
              "person_faces",
              "/api/people/{}/faces",
              {read, absent, absent},
              reach::by_field,
              none,
              "collection"},
    route_row{route::person_face,
              "person_face",
              "/api/people/{}/faces/{}",
              {absent, absent, admin},
              reach::by_field,
              none,
              "collection"},
    route_row{route::person_picture,
              "person_picture",
              "/api/people/{}/faces/{}/picture",
              {read, absent, absent},
              reach::by_field,
              none,
              "collection"},
    route_row{route::calibrate,
              "calibrate",
              "/api/calibrate",
              {absent, admin, absent},
              reach::by_field,
              none,
              "collection"},
    route_row{route::clear,
              "clear",
              "/api/clear",
              {absent, admin, absent},
              reach::by_field,
              none,
              "collection"},
    route_row{route::rename,
              "rename",
              "/api/rename",
              {absent, admin, absent},
              reach::by_field,
              none,
              "collection label person_id label_to"},
    route_row{route::merge,
              "merge",
              "/api/merge",
              {absent, admin, absent},
              reach::by_field,
              none,
              "collection label person_id label_to person_id_to"},
    route_row{route::jobs,
              "jobs",
              "/api/jobs",
              {any_key, absent, absent},
              reach::listing,
              none,
              "state type page_size page_token"},
    route_row{route::job,
              "job",
              "/api/jobs/{}",
              {any_key, absent, any_maker},
              reach::by_job,
              none,
              "wait"},
    route_row{route::job_events,
              "job_events",
              "/api/jobs/{}/events",
              {any_key, absent, absent},
              reach::by_job,
              none,
              ""},
    route_row{route::job_image,
              "job_image",
              "/api/jobs/{}/image",
              {any_key, absent, absent},
              reach::by_job,
              none,
              ""},
    route_row{route::events,
              "events",
              "/api/events",
              {any_key, absent, absent},
              reach::listing,
              none,
              ""},
    route_row{route::collections,
              "collections",
              "/api/collections",
              {read, absent, absent},
              reach::listing,
              none,
              "page_size page_token"},
    route_row{route::collection,
              "collection",
              "/api/collections/{}",
              {absent, absent, admin},
              reach::by_path,
              none,
              ""},
    route_row{route::retention,
              "retention",
              "/api/collections/{}/retention",
              {read, admin, admin},
              reach::by_path,
              none,
              "days"},
    route_row{route::pictures,
              "pictures",
              "/api/collections/{}/pictures",
              {read, admin, admin},
              reach::by_path,
              none,
              "keep"},
    route_row{route::model,
              "model",
              "/api/collections/{}/model",
              {read, admin, absent},
              reach::by_path,
              none,
              "embedder without_pictures"},
    route_row{route::status,
              "status",
              "/api/status",
              {any_key, absent, absent},
              reach::listing,
              none,
              ""},
    route_row{route::models,
              "models",
              "/api/models",
              {any_key, absent, absent},
              reach::nothing,
              none,
              ""},
    route_row{route::session,
              "session",
              "/api/session",
              {whoever, anybody, whoever},
              reach::nothing,
              none,
              ""},
    route_row{
        route::setup, "setup", "/api/setup", {absent, anybody, absent}, reach::nothing, none, ""},
    route_row{route::live, "live", "/healthz/live", for_all, reach::nothing, none, "*"},
    route_row{route::ready, "ready", "/healthz/ready", for_all, reach::nothing, none, "*"},
    route_row{route::metrics,
              "metrics",
              "/metrics",
              {any_key, absent, absent},
              reach::nothing,
              none,
              "*"},
    route_row{route::openapi, "openapi", "/openapi.json", for_all, reach::nothing, none, "*"},
    route_row{route::web, "web", "/", for_all, reach::nothing, none, "*"},
    route_row{route::web, "web", "/{}", for_all, reach::nothing, none, "*"},
    route_row{route::web, "web", "/{}/{}", for_all, reach::nothing, none, "*"},
};

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

bool has_word(std::string_view words, std::string_view wanted) noexcept {
    while (!words.empty()) {
        const auto space = words.find(' ');
        if (words.substr(0, space) == wanted) return true;
        if (space == std::string_view::npos) return false;
        words.remove_prefix(space + 1);
    }
    return false;
}

std::span<const route_row> route_table() noexcept {
    return table;
}

result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return fail(errc::malformed, "truncated percent escape");
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0)
                return fail(errc::malformed, "percent escape is not two hexadecimal digits");
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return fail(errc::malformed, "contains a zero byte");
        out.push_back(c);
    }
    if (!is_utf8(out)) return fail(errc::malformed, "not UTF-8");
    return out;
}

result<target_parts> split_target(std::string_view target) {
    if (target.size() > limits::target_bytes) {
        return fail(errc::too_large, "Request target is longer than 4096 bytes");
    }
    if (target.empty() || target.front() != '/') {
        return fail(errc::malformed, "Request target is not a path");
    }
    target_parts parts;
    target = target.substr(0, target.find('#'));
    if (const auto mark = target.find('?'); mark != std::string_view::npos) {
        parts.query = target.substr(mark + 1);
        target = target.substr(0, mark);
    }
    target.remove_prefix(1);
    if (target.empty()) return parts;
    while (true) {
        const auto slash = target.find('/');
        auto segment = percent_decode(target.substr(0, slash), false);
        if (!segment) {
            return fail(segment.error().code, "Request path: " + segment.error().detail);
        }
        if (segment->empty()) return fail(errc::not_found, "Request path has an empty segment");
        parts.segments.push_back(std::move(*segment));
        if (slash == std::string_view::npos) return parts;
        target.remove_prefix(slash + 1);
    }
}

const access_rule& rule_for(const route_row& row, std::string_view method) noexcept {
    static constexpr access_rule unknown = absent;
    if (method == "GET" || method == "HEAD") return row.rules.get;
    if (method == "POST") return row.rules.post;
    if (method == "DELETE") return row.rules.remove;
    if (method == "PATCH") return row.rules.patch;
    if (method == "PUT") return row.rules.put;
    return unknown;
}

bool is_changing(std::string_view method) noexcept {
    return method == "POST" || method == "PATCH" || method == "PUT" || method == "DELETE";
}

bool allows(const route_row& row, std::string_view method) noexcept {
    return method == "OPTIONS" || rule_for(row, method).is_there();
}

std::string allow_header(const route_row& row) {
    std::string list;
    for (const std::string_view method :
         {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
        if (!allows(row, method)) continue;
        if (!list.empty()) list += ", ";
        list += method;
    }
    return list;
}

}  // namespace vultus::api
