// Assertions, enabled in every build: after a broken precondition the program could only produce
// wrong answers, so it aborts. Bad input is not a bug; see result.hpp.
#pragma once

namespace vultus {

/// Prints "file:line: requirement broken: why" on stderr and aborts.
[[noreturn]] void requirement_broken(const char* file, int line, const char* why) noexcept;

}  // namespace vultus

#define VULTUS_REQUIRE(condition, why) \
    ((condition) ? static_cast<void>(0) : ::vultus::requirement_broken(__FILE__, __LINE__, why))
