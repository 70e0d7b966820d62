// Places where a test can stop or end a process: VULTUS_FAILPOINT=name:action, with the actions
// stop (SIGSTOP), kill (SIGKILL) and exit (code 1), each once, the first time the place is reached.
// Compiled away unless VULTUS_FAILPOINTS is defined: a released program has none.
#pragma once

#include <string_view>

namespace vultus {

#ifdef VULTUS_FAILPOINTS
void failpoint(std::string_view name) noexcept;
#else
inline void failpoint(std::string_view) noexcept {}
#endif

}  // namespace vultus
