#include "shared/base/require.hpp"

#include <cstdio>
#include <cstdlib>

namespace vultus {

void requirement_broken(const char* file, int line, const char* why) noexcept {
    std::fprintf(stderr, "%s:%d: requirement broken: %s\n", file, line, why);
    std::abort();
}

}  // namespace vultus
