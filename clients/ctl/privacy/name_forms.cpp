// Forms of names (trace_scan.hpp). The only file of vultusctl with utf8proc.
#include <utf8proc.h>

#include <cstdlib>

#include "clients/ctl/privacy/trace_scan.hpp"

namespace vultus::ctl {
namespace {

/// Nothing if it is no UTF-8.
std::string mapped(std::string_view text, int how, bool& good) {
    utf8proc_uint8_t* made = nullptr;
    const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                                   static_cast<utf8proc_option_t>(how));
    good = size >= 0;
    std::string out;
    if (good) out.assign(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
    std::free(made);
    return out;
}

bool is_space(utf8proc_int32_t one) {
    const auto kind = utf8proc_category(one);
    return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL ||
           kind == UTF8PROC_CATEGORY_ZP || kind == UTF8PROC_CATEGORY_CF ||
           kind == UTF8PROC_CATEGORY_CC;
}

}  // namespace

std::string composed(std::string_view text) {
    bool good = false;
    std::string out = mapped(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, good);
    return good ? out : std::string(text);
}

std::string look_of(std::string_view label) {
    bool good = false;
    const std::string folded = mapped(
        label,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE,
        good);
    if (!good) return std::string(label);
    std::string out;
    auto* at = reinterpret_cast<const utf8proc_uint8_t*>(folded.data());
    auto left = static_cast<utf8proc_ssize_t>(folded.size());
    while (left > 0) {
        utf8proc_int32_t one = 0;
        const auto size = utf8proc_iterate(at, left, &one);
        if (size <= 0) return std::string(label);
        if (!is_space(one)) {
            out.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(size));
        }
        at += size;
        left -= size;
    }
    return out;
}

}  // namespace vultus::ctl
