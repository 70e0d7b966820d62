// dlopen, one symbol, one call.
#include "workers/engine/cuda/loader.hpp"

#include <dlfcn.h>

#include <array>
#include <filesystem>

namespace vultus::cuda {

std::string library_file() {
    const std::string name = "libvultus-cuda.so";
    std::error_code unreadable;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", unreadable);
    if (unreadable) return name;
    const auto beside = program.parent_path() / name;
    return std::filesystem::exists(beside, unreadable) ? beside.string() : name;
}

result<const table*> load_table(const std::string& file) {
    const auto refused = [](const std::string& why) {
        return fail(errc::bad_option, "cuda backend unusable: " + why);
    };
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return refused(dlerror());
    const auto make = reinterpret_cast<table_maker>(dlsym(library, table_symbol));
    if (make == nullptr) return refused(file + " is not the expected library");
    std::array<char, 200> why{};
    const table* found = make(why.data(), why.size());
    if (found == nullptr) return refused(why.data());
    if (found->version != table_version) return refused(file + " has another version");
    return found;
}

}  // namespace vultus::cuda
