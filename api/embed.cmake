# Writes a C++ table of files: cmake -DOUT=file.cpp -DFILES="name=path;..." -P embed.cmake
set(rows "")
set(bytes "")
set(n 0)
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]+)=(.*)$" _ "${entry}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND bytes "constexpr unsigned char file_${n}[] = {${hex}0};\n")
  string(APPEND rows
    "    {\"${name}\", {reinterpret_cast<const char*>(file_${n}), sizeof(file_${n}) - 1}},\n")
  math(EXPR n "${n} + 1")
endforeach()
file(WRITE "${OUT}.new" "// Made by api/embed.cmake.
#include \"api/handlers/web_files.hpp\"
namespace vultus::api {
namespace {
${bytes}const web_file table[] = {
${rows}    {\"\", \"\"},
};
}  // namespace
std::span<const web_file> web_files() noexcept { return {table, ${n}}; }
}  // namespace vultus::api
")
file(RENAME "${OUT}.new" "${OUT}")
