// What must be true, or the program is wrong. Always on, in every build: a broken precondition is
// a bug, and a bug that goes on writes wrong answers. Bad input is never a bug; see result.hpp.
#pragma once

namespace vultus {

/// Prints "file:line: requirement broken: why" on stderr and aborts.
[[noreturn]] void requirement_broken(const char* file, int line, const char* why) noexcept;

}  // namespace vultus

#define VULTUS_REQUIRE(condition, why) \
    ((condition) ? static_cast<void>(0) : ::vultus::requirement_broken(__FILE__, __LINE__, why))
