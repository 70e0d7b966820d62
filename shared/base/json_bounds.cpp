// See json_bounds.hpp.
#include "shared/base/json_bounds.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <string>
#include <vector>

namespace vultus {
namespace {

namespace json = boost::json;

constexpr std::size_t step =
    64 * limits::kib;  // a long number is found after at most so many bytes

/// Counts the members of each object and the digits of each number; stores no text.
struct meter {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = limits::field_bytes;
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    using code = boost::system::error_code;
    using text = json::string_view;

    bool exceeded = false;
    std::vector<std::size_t> members;  ///< of each object that is open
    std::size_t digits = 0;

    bool too_many(code& bad) {
        exceeded = true;
        bad = json::error::object_too_large;
        return false;
    }
    bool number(text part, code& bad) {
        digits += part.size();
        return digits <= limits::json_number_bytes || too_many(bad);
    }
    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }
    bool on_object_begin(code&) {
        members.push_back(0);
        return true;
    }
    bool on_object_end(std::size_t, code&) {
        members.pop_back();
        return true;
    }
    bool on_array_begin(code&) { return true; }
    bool on_array_end(std::size_t, code&) { return true; }
    bool on_key_part(text, std::size_t, code&) { return true; }
    bool on_key(text, std::size_t, code& bad) {
        return ++members.back() <= limits::json_members || too_many(bad);
    }
    bool on_string_part(text, std::size_t, code&) { return true; }
    bool on_string(text, std::size_t, code&) { return true; }
    bool on_number_part(text part, code& bad) { return number(part, bad); }
    bool on_number_end(text part, code& bad) {
        const bool good = number(part, bad);
        digits = 0;
        return good;
    }
    bool on_int64(std::int64_t, text part, code& bad) { return on_number_end(part, bad); }
    bool on_uint64(std::uint64_t, text part, code& bad) { return on_number_end(part, bad); }
    bool on_double(double, text part, code& bad) { return on_number_end(part, bad); }
    bool on_bool(bool, code&) { return true; }
    bool on_null(code&) { return true; }
    bool on_comment_part(text, code&) { return true; }
    bool on_comment(text, code&) { return true; }
};

}  // namespace

result<void> check_json(std::string_view from) {
    json::parse_options strict;
    strict.max_depth = limits::json_depth;
    json::basic_parser<meter> parser(strict);
    boost::system::error_code bad;
    while (true) {
        const auto piece = from.substr(0, step);
        const bool more = piece.size() < from.size();
        const std::size_t used = parser.write_some(more, piece.data(), piece.size(), bad);
        if (!bad && used < piece.size()) bad = json::error::extra_data;
        from.remove_prefix(piece.size());
        if (bad || !more) break;
    }
    if (!bad) return {};
    if (parser.handler().exceeded || bad == json::error::key_too_large) {
        return fail(errc::too_large, "JSON has too many members or too long a number");
    }
    return fail(errc::malformed, "JSON cannot be read: " + bad.message());
}

}  // namespace vultus
