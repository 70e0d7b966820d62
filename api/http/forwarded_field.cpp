// See forwarded_field.hpp.
#include "api/http/forwarded_field.hpp"

#include <algorithm>

#include "api/http/header_fields.hpp"

namespace vultus::api {
namespace {

/// RFC 9110, 5.6.2. In values more is accepted: proxies write 1.2.3.4:80 and [::1] without quotes.
bool is_token_char(char c) noexcept {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_value_char(char c) noexcept {
    return is_token_char(c) || c == ':' || c == '[' || c == ']';
}

class reader {
 public:
    explicit reader(std::string_view text) : rest_(text) {}
    bool at_end() const noexcept { return rest_.empty(); }
    void skip_spaces() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) step();
    }
    bool take(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        step();
        return true;
    }
    std::string_view take_while(bool (*belongs)(char) noexcept) {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), belongs);
        const auto taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
        rest_.remove_prefix(taken.size());
        return taken;
    }
    /// The contents of a quoted string, after its first quote.
    std::optional<std::string> take_quoted() {
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\') {
                step();
                if (rest_.empty()) return std::nullopt;
            }
            text.push_back(rest_.front());
            step();
        }
        if (!take('"')) return std::nullopt;
        return text;
    }

 private:
    void step() { rest_.remove_prefix(1); }
    std::string_view rest_;
};

/// 1 to 5 digits, or an obfuscated name (RFC 7239, 6.2).
bool is_port(std::string_view text) noexcept {
    if (text.empty()) return false;
    if (text.front() == '_') return text.size() > 1;
    return text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
}

/// 1.2.3.4, 1.2.3.4:80, [::1], [::1]:80; anything else is not an address.
std::string node_in(std::string_view value) {
    const bool brackets = !value.empty() && value.front() == '[';
    const auto end = brackets ? value.find(']') : value.find(':');
    if (brackets && end == value.npos) return {};
    const auto name = brackets ? value.substr(1, end - 1) : value.substr(0, end);
    auto rest = value.substr(std::min(value.size(), brackets ? end + 1 : end));
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return {};
    if (name.find('%') != name.npos) return {};  // a zone is valid only on its own host
    // An IPv6 address must be in brackets, an IPv4 address must not.
    if (brackets != (name.find(':') != name.npos)) return {};
    return std::string(name);
}

struct parameters {
    std::optional<std::string> node, protocol;
    bool any = false;
};

/// False: not a parameter, or repeated.
bool take_parameter(reader& from, parameters& into) {
    const auto name = from.take_while(is_token_char);
    if (name.empty() || !from.take('=')) return false;
    std::optional<std::string> value;
    if (from.take('"')) {
        value = from.take_quoted();
    } else if (const auto word = from.take_while(is_value_char); !word.empty()) {
        value = std::string(word);
    }
    if (!value) return false;
    into.any = true;
    for (auto [known, place] : {std::pair{"for", &into.node}, {"proto", &into.protocol}}) {
        if (!same_text(name, known)) continue;
        if (*place) return false;
        *place = *value;
    }
    return true;
}

}  // namespace

std::optional<std::vector<forwarded_element>> read_forwarded(std::string_view field) {
    std::vector<forwarded_element> elements;
    reader from(field);
    do {
        parameters found;
        from.skip_spaces();
        do {
            from.skip_spaces();
            const reader here = from;
            if (!take_parameter(from, found)) {
                from = here;  // an element or a parameter may be empty
                if (!from.take_while(is_value_char).empty()) return std::nullopt;
            }
            from.skip_spaces();
        } while (from.take(';'));
        if (found.any) {
            elements.push_back({node_in(found.node.value_or("")), found.protocol.value_or("")});
        }
    } while (from.take(','));
    if (!from.at_end()) return std::nullopt;
    return elements;
}

}  // namespace vultus::api
