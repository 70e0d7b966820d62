// Routes without waiting: health, the OpenAPI document and the files of the page.
#include "api/handlers/handlers.hpp"
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
response web(request& req) {
    std::string path = req.to == route::openapi ? "openapi.json" : "";
    for (const auto& segment : req.segments) path += (path.empty() ? "" : "/") + segment;
    if (path.empty()) path = "index.html";
    response answer;
    answer.status = 404;
    for (const auto& file : web_files()) {
        if (file.path != path) continue;
        answer = text_response(std::string(file.content), type_of(path));
    }
    return answer;
}

}  // namespace vultus::api::handlers
