// Forms of names (trace_scan.hpp). The only file of vultusctl with utf8proc.
#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "clients/ctl/privacy/trace_scan.hpp"
#include "shared/base/utf8.hpp"

namespace vultus::ctl {
namespace {

bool is_space(char32_t one) {
    const auto kind = utf8proc_category(static_cast<utf8proc_int32_t>(one));
    return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL ||
           kind == UTF8PROC_CATEGORY_ZP || kind == UTF8PROC_CATEGORY_CF ||
           kind == UTF8PROC_CATEGORY_CC;
}

}  // namespace

std::string look_of(std::string_view label) {
    utf8proc_uint8_t* made = nullptr;
    const auto size = utf8proc_map(
        reinterpret_cast<const utf8proc_uint8_t*>(label.data()),
        static_cast<utf8proc_ssize_t>(label.size()), &made,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                       UTF8PROC_CASEFOLD | UTF8PROC_IGNORE));
    if (size < 0) return std::string(label);
    const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(made, std::free);
    std::string_view folded(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
    std::string out;
    while (!folded.empty()) {
        const auto before = folded;
        const auto character = take_character(folded);
        if (!character) return std::string(label);
        if (!is_space(*character)) out += before.substr(0, before.size() - folded.size());
    }
    return out;
}

}  // namespace vultus::ctl
