# Puts shared/store/functions/*.lua, in the order of their names, into one header that the programs carry. A
# part is one literal, as compilers need not take one over 65,536 bytes:
#   cmake -D INTO=<header> -D FROM=<folder> -P join_functions.cmake
file(GLOB parts ${FROM}/*.lua)
list(SORT parts)
file(READ ${FROM}/00_library.lua first)
if(NOT first MATCHES "library = {major = ([0-9]+), minor = ([0-9]+)}")
  message(FATAL_ERROR "00_library.lua says no version")
endif()
set(text "// Made by the build from shared/store/functions/*.lua: the library of functions inside Redis.
#pragma once

#include <string>
#include <string_view>

namespace vultus {

inline constexpr unsigned vultus_lua_major = ${CMAKE_MATCH_1};
inline constexpr unsigned vultus_lua_minor = ${CMAKE_MATCH_2};
inline constexpr std::string_view vultus_lua_parts[] = {")
foreach(part ${parts})
  file(READ ${part} lua)
  string(APPEND text "\n    R\"vultus(${lua})vultus\",")
endforeach()
string(APPEND text "
};

inline const std::string vultus_lua = [] {
    std::string all;
    for (const std::string_view part : vultus_lua_parts) all += part;
    return all;
}();

}  // namespace vultus\n")
file(WRITE ${INTO} "${text}")
