// /api/session: log in, log out, and who is logged in (ACCESS.md, "Login").
#include <sstream>

#include "api/access/session_cookie.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/json_submission.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
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

response who_it_is(const request& req, const services& ctx) {
    json_object text;
    text.add("access", ctx.access.is_open() ? "open" : "keys");
    if (req.session) {
        text.add("user", req.session->user).add("role", name_of(req.session->as));
        text.add("csrf", req.session->csrf).add("ends_at", rfc3339(req.session->ends));
    } else {
        text.raw("user", "null").raw("role", "null").raw("csrf", "null").raw("ends_at", "null");
    }
    const bool open = ctx.access.is_open();
    text.raw("scopes", list_of_scopes(req.key ? req.key->scopes
                                      : open  ? everything.one_of()
                                              : scope_set{}));
    std::vector<std::string> collections;
    if (req.key) collections = req.key->collections;
    if (open) collections = {"*"};
    text.raw("collections", list_of(collections));
    auto answer = json_response(200, text.take());
    answer.with("Cache-Control", "no-store");
    return answer;
}

/// The members of a JSON body; each has to be there. A form on a page of another site cannot send
/// this type.
result<name_values> members(const request& req, const char* wanted) {
    if (parse_media_type(req.header("content-type")).type != "application/json") {
        return fail(errc::malformed, "Send " + std::string(wanted) + " as application/json");
    }
    auto given = parse_json_submission(req.body, wanted, false);
    if (!given) return fail(given.error());
    std::istringstream names(wanted);
    for (std::string name; names >> name;) {
        if (!given->fields.contains(name)) return fail(errc::malformed, name + " is missing");
    }
    return std::move(given->fields);
}

}  // namespace

response session(request& req, services& ctx) {
    return who_it_is(req, ctx);
}

asio::awaitable<response> log_in(request& req, services& ctx) {
    if (ctx.access.is_open()) {
        co_return refuse({errc::wrong_state, "Access is open: no login needed"}, req, ctx);
    }
    auto given = members(req, "name password");
    if (!given) co_return refuse(given.error(), req, ctx);
    const auto token = co_await ctx.access.log_in(req, given->at("name"), given->at("password"));
    if (!token) co_return refuse(token.error(), req, ctx);
    auto answer = who_it_is(req, ctx);
    co_return answer.with("Set-Cookie", session_cookie(*token, req.secure));
}

asio::awaitable<response> set_up(request& req, services& ctx) {
    auto given = members(req, "token name password");
    if (!given) co_return refuse(given.error(), req, ctx);
    first_user wanted{given->at("token"), given->at("name"), given->at("password")};
    const auto made = co_await ctx.access.set_up(req, std::move(wanted));
    if (!made) co_return refuse(made.error(), req, ctx);
    json_object text;
    text.add("user", given->at("name")).add("role", name_of(role::admin));
    auto answer = json_response(201, text.take());
    co_return answer.with("Cache-Control", "no-store");
}

asio::awaitable<response> log_out(request& req, services& ctx) {
    if (auto good = co_await ctx.access.log_out(req); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    response answer;
    answer.status = 204;
    answer.with("Cache-Control", "no-store");
    co_return answer.with("Set-Cookie", no_session_cookie(req.secure));
}

}  // namespace vultus::api::handlers
