// Ends a program in one line on a CPU that lacks what it is compiled for (x86-64-v3), instead of by
// SIGILL. Compiled for the oldest x86-64, and called before any constructor of the program, which
// may use newer instructions already. Linked into each program by vultus_program (CMakeLists.txt).
#include <unistd.h>

#include <cstring>

namespace {

constexpr int cannot_start = 2;

void write_text(const char* text) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) ::_exit(cannot_start);
}

/// The features of x86-64-v3 that both compilers can name; a CPU with these has the others.
void refuse_old_cpu(int count, char** words, char**) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
        __builtin_cpu_supports("fma")) {
        return;
    }
    const char* name = count > 0 ? words[0] : "vultus";
    if (const char* slash = std::strrchr(name, '/')) name = slash + 1;
    write_text(name);
    write_text(
        ": this CPU has no AVX2, BMI2 or FMA (x86-64-v3), which Vultus needs: run it on an Intel "
        "CPU "
        "since 2013 (Haswell), an AMD CPU since 2015, or a virtual machine that shows these\n");
    ::_exit(cannot_start);
}

using initializer = void (*)(int, char**, char**);
// Called by the loader before the constructors of the program, with the arguments of main().
__attribute__((section(".preinit_array"), used)) const initializer first = refuse_old_cpu;

}  // namespace
