// See query.hpp.
#include "api/query.hpp"

#include <charconv>

#include "api/routes.hpp"
#include "shared/job.hpp"
#include "shared/limits.hpp"

namespace vultus::api {

result<name_values> parse_query(std::string_view query, std::string_view known) {
    name_values parsed;
    if (known == "*") return parsed;
    while (!query.empty()) {
        const auto amp = query.find('&');
        const auto pair = query.substr(0, amp);
        query = amp == std::string_view::npos ? std::string_view{} : query.substr(amp + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        if (!name) return fail(name.error());
        const auto raw = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
        auto value = percent_decode(raw, true);
        if (!value) return fail(value.error());
        if (!has_word(known, *name)) {
            return fail(errc::bad_option, "the query has a name that this address does not know");
        }
        if (!parsed.emplace(std::move(*name), std::move(*value)).second) {
            return fail(errc::malformed, "the query has a name twice");
        }
    }
    return parsed;
}

result<page> parse_page(const name_values& query) {
    page wanted;
    if (const auto found = query.find("page_size"); found != query.end()) {
        const auto& text = found->second;
        const auto* last = text.data() + text.size();
        const auto [end, bad] = std::from_chars(text.data(), last, wanted.size);
        if (bad != std::errc{} || end != last || wanted.size < 1 ||
            wanted.size > limits::page_size) {
            return fail(errc::bad_option, "page_size is a whole number from 1 to 1000");
        }
    }
    if (const auto found = query.find("page_token"); found != query.end()) {
        wanted.token = found->second;
        if (wanted.token.empty() || wanted.token.size() > 512) {
            return fail(errc::bad_option, "page_token is not one that this service gave");
        }
    }
    return wanted;
}

result<std::string> parse_collection(const name_values& fields) {
    const auto found = fields.find("collection");
    if (found == fields.end()) return std::string("default");
    if (auto good = check_collection(found->second); !good) return fail(good.error());
    return found->second;
}

}  // namespace vultus::api
