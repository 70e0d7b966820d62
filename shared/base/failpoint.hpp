// Places where a test can end, stop or hinder a process, and faults seeded on purpose. Compiled
// away unless VULTUS_FAILPOINTS is defined: a released program has none.
//
// VULTUS_FAILPOINT=name:action     this process, once, the first time it reaches the place
// VULTUS_FAILPOINT_DIR=folder      whoever first reaches the name of a file in there, at any time,
//                                  takes the file away and does what it says, an action
// VULTUS_SEEDED_BUG=name           the process has this fault; a checker must notice (nemesis)
//
// Actions: kill (SIGKILL) · exit (code 1) · stop (SIGSTOP, for somebody else to end) · stop:MS (and
// goes on by itself) · delay:MS (this thread sleeps) · drop (all connections are shut down).
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
