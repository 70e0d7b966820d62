// Linked with -Wl,--wrap=_Exit: a process that ends by _Exit, as after a device fault, first writes
// its coverage counters.
#include <cstdlib>

extern "C" {
void __gcov_dump();
[[noreturn]] void __real__Exit(int code);
[[noreturn]] void __wrap__Exit(int code) {
    __gcov_dump();
    __real__Exit(code);
}
}
