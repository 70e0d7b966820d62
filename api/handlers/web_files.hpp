// The files of the web page and openapi.json, compiled into the program: no byte of a request
// reaches a file path. api/embed.cmake generates the table from api/web.
#pragma once

#include <span>
#include <string_view>

namespace vultus::api {

struct web_file {
    std::string_view path;  ///< below api/web, "openapi.json" for the document
    std::string_view content;
};

std::span<const web_file> web_files() noexcept;

}  // namespace vultus::api
