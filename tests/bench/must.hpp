// Ends a bench with a message if a precondition fails.
#pragma once

#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vultus {

/// What `got` holds; ends the program with 1 if that is an error.
template <typename Result>
auto must(Result got) {
    if (!got) {
        std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, got.error().detail.c_str());
        std::exit(1);
    }
    return std::move(*got);
}

}  // namespace vultus
