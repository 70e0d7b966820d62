// See access_rule.hpp.
#include "api/http/access_rule.hpp"

#include "api/http/header_fields.hpp"

namespace vultus::api {

std::string text_of(const access_rule& rule) {
    if (!rule.is_there()) return "not there";
    if (!rule.looks()) return "anybody";
    if (!rule.needs_key()) return "whoever";
    if (rule.one_of() == access_rule::any_key().one_of()) return "any key";
    return vultus::text_of(rule.one_of());
}

result<std::string> presented_key(const std::vector<std::pair<std::string, std::string>>& fields) {
    std::string key;
    bool given = false;
    for (const auto& [name, value] : fields) {
        const bool bearer = same_text(name, "authorization");
        if (!bearer && !same_text(name, "x-api-key")) continue;
        if (given) return fail(errc::malformed, "The request has two keys");
        given = true;
        std::string_view text = value;
        if (bearer) {
            constexpr std::string_view scheme = "bearer ";
            if (!same_text(text.substr(0, scheme.size()), scheme)) {
                return fail(errc::unauthorized, "Authorization must be Bearer");
            }
            text.remove_prefix(scheme.size());
        }
        key = trimmed(text);
    }
    return key;
}

}  // namespace vultus::api
