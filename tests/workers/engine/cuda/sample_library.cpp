// A library as vultus-cuda is one, for the tests of the loader: it refuses the first time, then
// gives a table of another version, then one of the right one, empty.
#include <cstdio>

#include "workers/engine/cuda/table.hpp"

extern "C" __attribute__((visibility("default"))) const vultus::cuda::table* vultus_cuda_table(
    char* why, std::size_t why_bytes) {
    static int asked = 0;
    static vultus::cuda::table given{};
    if (++asked == 1) {
        std::snprintf(why, why_bytes, "there is no driver");
        return nullptr;
    }
    given.version = vultus::cuda::table_version + (asked == 2 ? 1 : 0);
    return &given;
}
