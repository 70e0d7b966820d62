// Logging in and out on the page, and who one is: /api/session (ACCESS.md, "Login").
#include "api/jobs/job_response.hpp"
#include "api/http/header_fields.hpp"
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_view.hpp"
#include "api/http/json.hpp"
#include "api/http/json_submission.hpp"
#include "api/access/session_cookie.hpp"
#include "shared/base/rfc3339.hpp"

namespace vultus::api::handlers {
namespace {

constexpr access_rule everything = access_rule::any_key();

std::string list_of_scopes(scope_set scopes) {
    json_array list;
    for (const scope one : all_scopes) {
        if (scopes.has(one)) list.raw(json_quoted(name_of(one)));
    }
    return list.take();
}

std::string list_of(const std::vector<std::string>& words) {
    json_array list;
    for (const auto& one : words) list.raw(json_quoted(one));
    return list.take();
}

response who_it_is(const request& from, const services& with) {
    json_object text;
    text.add("access", with.access.is_open() ? "open" : "keys");
    if (from.session) {
        text.add("user", from.session->user).add("role", name_of(from.session->as));
        text.add("csrf", from.session->csrf).add("ends_at", rfc3339(from.session->ends));
    } else {
        text.raw("user", "null").raw("role", "null").raw("csrf", "null").raw("ends_at", "null");
    }
    const bool open = with.access.is_open();
    text.raw("scopes", list_of_scopes(from.key ? from.key->scopes
                                      : open   ? everything.one_of()
                                               : scope_set{}));
    std::vector<std::string> collections;
    if (from.key) collections = from.key->collections;
    if (open) collections = {"*"};
    text.raw("collections", list_of(collections));
    auto answer = json_response(200, text.take());
    answer.with("Cache-Control", "no-store");
    return answer;
}

}  // namespace

response session(request& from, services& with) { return who_it_is(from, with); }

asio::awaitable<response> log_in(request& from, services& with) {
    if (with.access.is_open()) {
        co_return refuse({errc::wrong_state, "Access is open: no login needed"}, from, with);
    }
    // A form of another site's page cannot send this type.
    if (parse_media_type(from.header("content-type")).type != "application/json") {
        co_return refuse({errc::malformed, "Send name and password as application/json"}, from,
                         with);
    }
    const auto given = parse_json_submission(from.body, "name password", false);
    if (!given) co_return refuse(given.error(), from, with);
    const auto& fields = given->fields;
    for (const char* wanted : {"name", "password"}) {
        if (fields.contains(wanted)) continue;
        co_return refuse({errc::malformed, std::string(wanted) + " is missing"}, from, with);
    }
    const auto token = co_await with.access.log_in(from, fields.at("name"), fields.at("password"));
    if (!token) co_return refuse(token.error(), from, with);
    auto answer = who_it_is(from, with);
    co_return answer.with("Set-Cookie", session_cookie(*token, from.secure));
}

asio::awaitable<response> log_out(request& from, services& with) {
    if (auto good = co_await with.access.log_out(from); !good) {
        co_return refuse(good.error(), from, with);
    }
    response answer;
    answer.status = 204;
    answer.with("Cache-Control", "no-store");
    co_return answer.with("Set-Cookie", no_session_cookie(from.secure));
}

}  // namespace vultus::api::handlers
