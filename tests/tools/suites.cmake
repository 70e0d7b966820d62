# Gives ctest one entry a suite of a GoogleTest program: run after the program is linked, it asks the program for its
# suites. A process with sanitizers takes a third of a second to start, and a suite may load its models once.
#
#   cmake -D PROGRAM=… -D NAME=… -D OUT=… -D TIMEOUT=… [-D ALONE=…] [-D MORE=…] -P suites.cmake
#
# ALONE    regular expressions of `suite.test`, separated by `|`: each test that one matches has an entry, and so a process,
#          of its own. tests/CMakeLists.txt gives them, each with its reason.
# MORE     properties of each entry
# Entries  <name>.<suite>; <name>.<suite>.<test> for those alone
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE listed RESULT_VARIABLE code ERROR_VARIABLE said)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} --gtest_list_tests: ${code}\n${listed}${said}")
endif()
string(REGEX REPLACE "[][;]" " " listed "${listed}")  # in parameters; they would end a list or an entry
string(REPLACE "\n" ";" lines "${listed}")

set(text "")
function(entry name filter)
  string(APPEND text "add_test([=[${NAME}.${name}]=] [=[${PROGRAM}]=] [=[--gtest_filter=${filter}]=])\n"
    "set_tests_properties([=[${NAME}.${name}]=] PROPERTIES TIMEOUT ${TIMEOUT} ${MORE})\n")
  set(text "${text}" PARENT_SCOPE)
endfunction()
macro(end_suite)
  if(shared GREATER 0)
    list(JOIN alone ":" without)
    set(filter "${suite}.*")
    if(alone)
      string(APPEND filter "-${without}")
    endif()
    entry("${suite}" "${filter}")
  endif()
endmacro()

set(suite "")
set(shared 0)
foreach(line IN LISTS lines)
  if(line MATCHES "^([A-Za-z_][A-Za-z_0-9/]*)\\.( |$)")
    set(found "${CMAKE_MATCH_1}")
    end_suite()
    set(suite "${found}")
    set(shared 0)
    set(alone "")
  elseif(line MATCHES "^  ([^ ]+)")
    set(test "${CMAKE_MATCH_1}")
    if(ALONE AND "${suite}.${test}" MATCHES "^(${ALONE})$")
      list(APPEND alone "${suite}.${test}")
      entry("${suite}.${test}" "${suite}.${test}")
    else()
      math(EXPR shared "${shared} + 1")
    endif()
  endif()
endforeach()
end_suite()
if(text STREQUAL "")
  message(FATAL_ERROR "${PROGRAM} has no tests")
endif()
file(WRITE ${OUT} "${text}")
