// See query.hpp.
#include "api/http/query.hpp"

#include <charconv>

#include "api/http/json.hpp"
#include "api/http/routes.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"
#include "shared/model/page_token.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t quoted_bytes = 40;

}  // namespace

std::string in_quotes(std::string_view text) {
    if (text.size() <= quoted_bytes) return json_quoted(text);
    std::size_t end = quoted_bytes;  // not inside a character
    while (end > quoted_bytes - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    auto quoted = json_quoted(text.substr(0, end));
    quoted.insert(quoted.size() - 1, "...");
    return quoted;
}

error unknown_name(std::string_view where, std::string_view name, std::string_view known) {
    std::string detail = "Unknown option " + in_quotes(name) + " in " + std::string(where);
    detail += known.empty() ? "; it takes no options" : "; known options: ";
    for (const char c : known) detail += c == ' ' ? std::string(", ") : std::string(1, c);
    return {errc::bad_option, std::move(detail)};
}

error given_twice(std::string_view where, std::string_view name) {
    return {errc::malformed, in_quotes(name) + " occurs twice in " + std::string(where)};
}

result<name_values> parse_query(std::string_view query, std::string_view known,
                                std::string_view where) {
    name_values parsed;
    if (known == "*") return parsed;
    while (!query.empty()) {
        const auto amp = query.find('&');
        const auto pair = query.substr(0, amp);
        query = amp == std::string_view::npos ? std::string_view{} : query.substr(amp + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        const auto raw_name = pair.substr(0, equals);
        auto name = percent_decode(raw_name, true);
        if (!name || !has_word(known, *name)) {
            return fail(unknown_name(where, name ? *name : std::string(raw_name), known));
        }
        const auto raw = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
        auto value = percent_decode(raw, true);
        if (!value) {
            return fail(value.error().code,
                        *name + " in " + std::string(where) + ": " + value.error().detail);
        }
        if (parsed.contains(*name)) return fail(given_twice(where, *name));
        parsed.emplace(std::move(*name), std::move(*value));
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
            return fail(errc::bad_option,
                        "page_size must be an integer from 1 to 1000, not " + in_quotes(text));
        }
    }
    if (const auto found = query.find("page_token"); found != query.end()) {
        auto cursor = cursor_in(found->second);
        if (!cursor) {
            return fail(errc::bad_option, "page_token is invalid: " + in_quotes(found->second));
        }
        wanted.token = std::move(*cursor);
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
