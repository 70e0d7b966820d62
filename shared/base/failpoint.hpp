// Places where a test can end, stop or delay a process, and bugs seeded on purpose. Compiled out
// unless VULTUS_FAILPOINTS is defined: a release build has none.
//
// VULTUS_FAILPOINT=name:action     this process runs the action once, the first time it gets there
// VULTUS_FAILPOINT_DIR=folder      the first process that reaches the name of a file in this folder
//                                  removes the file and runs the action in it
// VULTUS_SEEDED_BUG=name           this process has the bug; a checker must detect it (nemesis)
//
// Actions: kill (SIGKILL) · exit (code 1) · stop (SIGSTOP until SIGCONT) · stop:MS (SIGSTOP,
// SIGCONT after MS) · delay:MS (this thread sleeps) · drop (all connections are shut down).
#pragma once

#include <string_view>

namespace vultus {

#ifdef VULTUS_FAILPOINTS
/// threads   any
void failpoint(std::string_view name) noexcept;
bool seeded_bug(std::string_view name) noexcept;
#else
inline void failpoint(std::string_view) noexcept {}
constexpr bool seeded_bug(std::string_view) noexcept {
    return false;
}
#endif

}  // namespace vultus
