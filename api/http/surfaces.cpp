// The routes of the surfaces for clients of other services (docs/compat.md), and the search in all
// routes. See routes.hpp.
#include <algorithm>
#include <array>

#include "api/http/routes.hpp"

namespace vultus::api {
namespace {

using enum body_kind;
using enum scope;
constexpr auto absent = access_rule::not_there();
constexpr auto anybody = access_rule::anybody();

constexpr route_row row(surface of, std::string_view name, std::string_view pattern,
                        method_rules rules, body_kind body) {
    return {route::compat, name, pattern, rules, reach::by_field, body, "*", of};
}

/// Of no collection.
constexpr route_row public_row(surface of, std::string_view name, std::string_view pattern,
                               method_rules rules, body_kind body) {
    return {route::compat, name, pattern, rules, reach::nothing, body, "*", of};
}

// As in routes.cpp, with PUT as the fifth rule. Their clients send parameters that a service never
// knew, so each surface reads its query itself.
constexpr std::array table{
    row(surface::compreface, "compreface_subjects", "/api/v1/recognition/subjects",
        {read, train, admin}, any),
    row(surface::compreface, "compreface_subject", "/api/v1/recognition/subjects/{}",
        {absent, absent, admin, absent, admin}, any),
    row(surface::compreface, "compreface_faces", "/api/v1/recognition/faces", {read, train, admin},
        any),
    row(surface::compreface, "compreface_faces_delete", "/api/v1/recognition/faces/delete",
        {absent, admin, absent}, any),
    row(surface::compreface, "compreface_face", "/api/v1/recognition/faces/{}",
        {absent, absent, admin}, none),
    row(surface::compreface, "compreface_face_picture", "/api/v1/recognition/faces/{}/img",
        {read, absent, absent}, none),
    row(surface::compreface, "compreface_face_verify", "/api/v1/recognition/faces/{}/verify",
        {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_recognize", "/api/v1/recognition/recognize",
        {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_embeddings_recognize",
        "/api/v1/recognition/embeddings/recognize", {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_embeddings_face_verify",
        "/api/v1/recognition/embeddings/faces/{}/verify", {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_detect", "/api/v1/detection/detect",
        {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_verify", "/api/v1/verification/verify",
        {absent, recognize, absent}, any),
    row(surface::compreface, "compreface_embeddings_verify",
        "/api/v1/verification/embeddings/verify", {absent, recognize, absent}, any),
    public_row(surface::compreface, "compreface_config", "/api/v1/config",
               {anybody, absent, absent}, none),
    public_row(surface::compreface, "compreface_status", "/api/v1/consistence/status",
               {anybody, absent, absent}, none),
    row(surface::deepstack, "deepstack_detect", "/v1/vision/face", {absent, recognize, absent},
        any),
    row(surface::deepstack, "deepstack_recognize", "/v1/vision/face/recognize",
        {absent, recognize, absent}, any),
    row(surface::deepstack, "deepstack_register", "/v1/vision/face/register",
        {absent, train, absent}, any),
    row(surface::deepstack, "deepstack_list", "/v1/vision/face/list", {absent, read, absent}, any),
    row(surface::deepstack, "deepstack_delete", "/v1/vision/face/delete", {absent, admin, absent},
        any),
    row(surface::deepstack, "deepstack_match", "/v1/vision/face/match", {absent, recognize, absent},
        any),
    row(surface::deepstack, "deepstack_other", "/v1/vision/{}", {absent, recognize, absent}, any),
    row(surface::deepstack, "deepstack_other", "/v1/vision/{}/{}", {absent, recognize, absent},
        any),
    public_row(surface::nextcloud, "nextcloud_health", "/health", {anybody, absent, absent}, none),
    public_row(surface::nextcloud, "nextcloud_welcome", "/welcome", {anybody, absent, absent},
               none),
    row(surface::nextcloud, "nextcloud_open", "/open", {recognize, absent, absent}, none),
    row(surface::nextcloud, "nextcloud_detect", "/detect", {absent, recognize, absent}, any),
    row(surface::nextcloud, "nextcloud_compute", "/compute", {absent, recognize, absent}, any),
    public_row(surface::immich, "immich_ping", "/ping", {anybody, absent, absent}, none),
    public_row(surface::immich, "immich_predict", "/predict", {absent, anybody, absent}, any),
};

/// Whether `segments` match the pattern; the segments for {} are stored in `values`.
bool fits(std::string_view pattern, const std::vector<std::string>& segments,
          std::vector<std::string>& values) {
    values.clear();
    pattern.remove_prefix(1);
    std::size_t at = 0;
    while (!pattern.empty()) {
        const auto slash = pattern.find('/');
        const auto wanted = pattern.substr(0, slash);
        pattern = slash == std::string_view::npos ? "" : pattern.substr(slash + 1);
        if (at == segments.size()) return false;
        if (wanted == "{}") {
            values.push_back(segments[at]);
        } else if (wanted != segments[at]) {
            return false;
        }
        ++at;
    }
    return at == segments.size();
}

}  // namespace

std::span<const route_row> compat_table() noexcept {
    return table;
}

surface surface_of(std::string_view target) noexcept {
    const auto path = target.substr(0, target.find_first_of("?#"));
    struct beginning {
        std::string_view path;
        surface of;
    };
    static constexpr beginning beginnings[]{
        {"/api/v1", surface::compreface}, {"/v1", surface::deepstack},
        {"/health", surface::nextcloud},  {"/welcome", surface::nextcloud},
        {"/open", surface::nextcloud},    {"/detect", surface::nextcloud},
        {"/compute", surface::nextcloud}, {"/ping", surface::immich},
        {"/predict", surface::immich}};
    for (const auto& one : beginnings) {
        if (path == one.path || (path.starts_with(one.path) && path[one.path.size()] == '/')) {
            return one.of;
        }
    }
    return surface::native;
}

std::string without_last_slash(std::string_view target) {
    const auto end = std::min(target.find_first_of("?#"), target.size());
    std::string text(target);
    if (end > 1 && target[end - 1] == '/') text.erase(end - 1, 1);
    return text;
}

result<route_match> match_path(const std::vector<std::string>& segments, surface_set on) {
    route_match match;
    const bool api = !segments.empty() && segments.front() == "api";
    for (const auto& row : table) {
        if (!on.has(row.of) || !fits(row.pattern, segments, match.segments)) continue;
        match.row = &row;
        return match;
    }
    for (const auto& row : route_table()) {
        if (api && row.to == route::web) break;
        if (fits(row.pattern, segments, match.segments)) {
            match.row = &row;
            return match;
        }
    }
    return fail(errc::not_found, "No such route");
}

}  // namespace vultus::api
