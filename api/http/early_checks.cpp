// See early_checks.hpp.
#include "api/http/early_checks.hpp"

#include <algorithm>

#include "api/http/header_fields.hpp"
#include "api/http/json_submission.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t ignored_body_bytes = 64 * limits::kib;  // of a route without a body

/// The Accept field of a 415: the types that is_photo_type() takes, without those that leave the
/// kind of the bytes open.
constexpr const char* photo_types =
    "multipart/form-data, application/json, image/jpeg, image/png, image/webp, image/heic, "
    "image/avif";

/// A body without a type is bytes (RFC 9110, 8.3), here a picture. The bytes decide which image it
/// is, so any image/* passes.
bool is_photo_type(std::string_view type) {
    return type.empty() || type == "multipart/form-data" || is_json_type(type) ||
           type == "application/octet-stream" || type == "binary/octet-stream" ||
           type.starts_with("image/");
}

/// errors unsupported_media: the fields declare a content coding. The answer states what is
/// accepted
///        (RFC 9110, 15.5.16)
result<void> check_coding(request& req) {
    for (const auto& [name, value] : req.fields) {
        if (!same_text(name, "content-encoding")) continue;
        if (trimmed(value).empty() || same_text(trimmed(value), "identity")) continue;
        req.answer_fields.emplace_back("Accept-Encoding", "identity");
        return fail(errc::unsupported_media, "Content-Encoding " + in_quotes(trimmed(value)) +
                                                 " is not supported: send the body unencoded");
    }
    return {};
}

/// Removes "http://host" or "https://host" from the target; that host then replaces the Host field
/// (RFC 9112, 3.2.2).
std::string host_of(request& req) {
    const std::string_view target = req.target;
    std::size_t size = 0;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (same_text(target.substr(0, scheme.size()), scheme)) size = scheme.size();
    }
    if (size == 0) return std::string(req.header("host"));
    const auto rest = target.substr(size);
    const auto end = std::min(rest.size(), rest.find_first_of("/?"));
    std::string host(rest.substr(0, end));
    std::string path(rest.substr(end));
    if (path.empty() || path.front() != '/') path.insert(0, "/");
    req.target = std::move(path);
    return host;
}

/// A proxy and this server must agree where the body ends; otherwise the body can contain a request
/// that the proxy did not see. So ambiguous framing that a server may repair by RFC 9112 (6.3) is
/// refused here.
result<void> check_length(const request& req, const framing& body) {
    const auto times = [&](std::string_view name) {
        return std::count_if(req.fields.begin(), req.fields.end(),
                             [&](auto& field) { return same_text(field.first, name); });
    };
    const auto codings = times("transfer-encoding"), lengths = times("content-length");
    if (codings > 0 && (codings > 1 || !same_text(req.header("transfer-encoding"), "chunked"))) {
        return fail(errc::malformed, "Transfer-Encoding must be chunked");
    }
    if (codings > 0 && body.version == 10) {
        return fail(errc::malformed, "HTTP/1.0 does not allow Transfer-Encoding");
    }
    const auto length = req.header("content-length");
    if (codings + lengths > 1 ||
        (lengths > 0 && length.find_first_not_of("0123456789") != length.npos)) {
        return fail(errc::malformed, "Send exactly one body length: one Content-Length or chunked");
    }
    return {};
}

}  // namespace

based_target without_base(std::string_view target, std::string_view base_path) noexcept {
    if (base_path.empty() || !target.starts_with(base_path)) return {target};
    const auto rest = target.substr(base_path.size());
    if (rest.empty() || rest.front() == '?') return {target, true};
    return {rest.front() == '/' ? rest : target};
}

result<void> check_fields(request& req, const framing& body,
                          const std::vector<std::string>& allowed_hosts,
                          const std::vector<std::string>& cors_origins) {
    if (body.version != 11 && body.version != 10) {
        return fail(errc::malformed, "Not HTTP/1.1");
    }
    const auto hosts = std::count_if(req.fields.begin(), req.fields.end(),
                                     [](auto& field) { return same_text(field.first, "host"); });
    if (hosts > 1 || (hosts == 0 && body.version == 11)) {
        return fail(errc::malformed, "Exactly one Host header is required");
    }
    const auto host = host_of(req);
    if (!host.empty() && !is_our_host(host, body.local_address, allowed_hosts)) {
        return fail(errc::misdirected, "Unknown Host: not in api.allowed_hosts");
    }
    if (hosts > 0 && host.empty()) return fail(errc::malformed, "Host header is empty");
    if (!req.header("trailer").empty()) return fail(errc::malformed, "Trailers are not supported");
    if (auto good = check_length(req, body); !good) return good;
    const auto expect = req.header("expect");
    if (!expect.empty() && !is_list_of(expect, "100-continue")) {
        return fail(errc::malformed, "Expect must be 100-continue");
    }
    // A page of any site can open a WebSocket to this server; only Origin identifies the site.
    const bool changes = is_changing(req.method) || !req.header("upgrade").empty();
    if (changes &&
        is_foreign(req.header("origin"), req.header("sec-fetch-site"), host, cors_origins)) {
        return fail(errc::forbidden_origin, "Request comes from a page of another site");
    }
    return {};
}

result<std::size_t> check_body(request& req, const framing& body, const route_row& row) {
    const bool photo = row.body == body_kind::photo;
    const bool large = photo || row.body == body_kind::any;
    const auto given = trimmed(req.header("content-type"));
    const auto type = parse_media_type(given).type;
    if (photo && (!is_photo_type(type) || (type.empty() && !given.empty()))) {
        req.answer_fields.emplace_back("Accept", photo_types);
        return fail(errc::unsupported_media,
                    "Content-Type " + in_quotes(given) +
                        " is not supported: send multipart/form-data, image/jpeg or JSON");
    }
    if (body.chunked || body.length.value_or(0) > 0) {
        if (auto good = check_coding(req); !good) return fail(good.error());
    }
    const bool by_url = req.query.contains("url") || req.query.contains("urls");
    if (photo && !by_url && !body.length && !body.chunked) {
        return fail(errc::length_required, "Send Content-Length or Transfer-Encoding: chunked");
    }
    auto most = large ? limits::body_bytes : ignored_body_bytes;
    if (large && is_json_type(type)) most = limits::json_bytes;
    // Such a form has no photo, and each of its fields takes memory.
    if (large && type == "application/x-www-form-urlencoded") most = ignored_body_bytes;
    if (body.length.value_or(0) > most) {
        return fail(errc::too_large, "Body is larger than " + std::to_string(most) + " bytes");
    }
    return most;
}

}  // namespace vultus::api
