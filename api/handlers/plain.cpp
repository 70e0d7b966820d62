// Routes without waiting: health, the OpenAPI document, the files of the page, and the pages about
// problems.
#include "api/handlers/handlers.hpp"
#include "api/handlers/problem_pages.hpp"
#include "api/handlers/web_files.hpp"
#include "api/jobs/job_response.hpp"
#include "api/services/announce.hpp"

namespace vultus::api::handlers {
namespace {

response text_response(std::string body, std::string_view type = "text/plain; charset=utf-8") {
    response answer;
    answer.body = std::move(body);
    answer.with("Content-Type", std::string(type)).with("Cache-Control", "no-store");
    return answer;
}

/// Identifies the process: on one port another process may answer than the one that was started.
response with_instance(response answer) {
    static const std::string instance = instance_of_environment();
    if (!instance.empty()) answer.with("Vultus-Instance", instance);
    return answer;
}

std::string_view type_of(std::string_view path) {
    constexpr std::pair<std::string_view, std::string_view> types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
    };
    for (const auto& [ending, type] : types) {
        if (path.ends_with(ending)) return type;
    }
    return "application/octet-stream";
}

/// The address of the server in the OpenAPI document, as clients of a proxy see it.
void with_base_path(std::string& openapi, const std::string& base_path) {
    constexpr std::string_view root = "\"url\": \"/\"";
    const auto at = openapi.find(root);
    if (at != std::string::npos)
        openapi.replace(at, root.size(), "\"url\": \"" + base_path + "/\"");
}

}  // namespace

response live(services&) {
    return with_instance(text_response("alive\n"));
}

response ready(request& req, services& ctx) {
    if (ctx.draining) {
        return with_instance(refuse({errc::draining, "Service is stopping"}, req, ctx));
    }
    if (auto good = ctx.health.ready(); !good) {
        return with_instance(refuse(good.error(), req, ctx));
    }
    return with_instance(text_response("ready\n"));
}

/// returns   404 without fields for an unknown file; dispatch() turns it into a problem
response web(request& req, services& ctx) {
    std::string path = req.to == route::openapi ? "openapi.json" : "";
    for (const auto& segment : req.segments) path += (path.empty() ? "" : "/") + segment;
    if (path.empty()) path = "index.html";
    if (path == "docs") path = "docs.html";
    response answer;
    answer.status = 404;
    if (req.to == route::web && !req.segments.empty() && req.segments[0] == "problems") {
        const std::string page = problem_page(req.segments.size() > 1 ? req.segments[1] : "");
        return page.empty() ? answer : text_response(page, type_of(".html"));
    }
    for (const auto& file : web_files()) {
        if (file.path != path) continue;
        std::string content(file.content);
        if (req.to == route::openapi) with_base_path(content, ctx.settings.base_path);
        answer = text_response(std::move(content), type_of(path));
    }
    return answer;
}

}  // namespace vultus::api::handlers
