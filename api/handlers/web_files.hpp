// The files of the web page and openapi.json, compiled into the program: no byte of a request ever
// reaches a file path. The table is made from api/web by api/embed.cmake.
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
