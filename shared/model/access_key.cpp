// See access_key.hpp.
#include "shared/model/access_key.hpp"

#include <algorithm>

#include "shared/security/secret.hpp"

namespace vultus {
namespace {

// vultus_<id>_<secret><check>
constexpr std::string_view beginning = "vultus_";
constexpr std::size_t id_digits = 12, secret_digits = 48, check_digits = 8;
constexpr std::size_t secret_at = beginning.size() + id_digits + 1;
constexpr std::size_t check_at = secret_at + secret_digits;
constexpr std::size_t key_bytes = check_at + check_digits;

bool is_hex(std::string_view text) noexcept {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const auto comma = text.find(',');
        words.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return words;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace

std::string_view name_of(scope one) noexcept {
    switch (one) {
        case scope::read:
            return "read";
        case scope::recognize:
            return "recognise";
        case scope::train:
            return "train";
        case scope::admin:
            return "admin";
    }
    return "";
}

result<scope_set> parse_scopes(std::string_view text) {
    scope_set scopes;
    for (const std::string& word : words_of(text)) {
        const auto found = std::find_if(all_scopes.begin(), all_scopes.end(),
                                        [&](scope one) { return name_of(one) == word; });
        if (found == all_scopes.end()) {
            return fail(errc::bad_option,
                        "unknown scope \"" + word + "\": read, recognise, train or admin");
        }
        scopes.add(*found);
    }
    return scopes;
}

std::string text_of(scope_set scopes) {
    std::string text;
    for (const scope one : all_scopes) {
        if (!scopes.has(one)) continue;
        if (!text.empty()) text += ',';
        text += name_of(one);
    }
    return text;
}

std::string stored_scopes(const access_key& key) {
    const std::string scopes = text_of(key.scopes);
    if (key.service == surface::native) return scopes;
    return std::string(name_of(key.service)) + ":" + scopes;
}

result<void> read_stored_scopes(std::string_view text, access_key& key) {
    if (const auto colon = text.find(':'); colon != text.npos) {
        const auto service = keyed_surface_named(text.substr(0, colon));
        if (!service) return fail(errc::bad_option, "unknown surface");
        key.service = *service;
        text.remove_prefix(colon + 1);
    }
    const auto scopes = parse_scopes(text);
    if (!scopes) return fail(scopes.error());
    key.scopes = *scopes;
    return {};
}

scope scope_to_make(job_type type) noexcept {
    switch (type) {
        case job_type::recognize:
        case job_type::detect:
        case job_type::embed:
        case job_type::verify:
            return scope::recognize;
        case job_type::train:
            return scope::train;
        default:
            return scope::admin;
    }
}

scope_set scopes_to_see(job_type type) noexcept {
    return {scope::read, scope_to_make(type)};
}

bool covers(const access_key& key, std::string_view collection) noexcept {
    return std::any_of(key.collections.begin(), key.collections.end(),
                       [&](const auto& one) { return one == "*" || one == collection; });
}

bool may_see(const access_key& key, job_type type, std::string_view collection) noexcept {
    return key.scopes.meets(scopes_to_see(type)) && covers(key, collection);
}

bool is_expired(const access_key& key, unix_time now) noexcept {
    return key.expires.count() != 0 && key.expires <= now;
}

result<std::vector<std::string>> parse_collections(std::string_view text) {
    auto names = words_of(text);
    for (const auto& name : names) {
        if (name == "*" && names.size() == 1) return names;
        if (auto good = check_collection(name); !good) return fail(good.error());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string text_of(const std::vector<std::string>& collections) {
    std::string text;
    for (const auto& name : collections) {
        if (!text.empty()) text += ',';
        text += name;
    }
    return text;
}

new_key make_key() {
    new_key made;
    made.id = random_hex(id_digits / 2);
    made.text = std::string(beginning) + made.id + '_' + random_hex(secret_digits / 2);
    made.text += plain_hash_hex(made.text, check_digits);
    return made;
}

new_key make_uuid_key(std::string_view secret) {
    new_key made;
    std::string digits = random_hex(16);
    digits[12] = '4';  // RFC 9562, 5.4: version 4, variant 10
    digits[16] = "89ab"[(digits[16] <= '9' ? digits[16] - '0' : digits[16] - 'a' + 10) & 3];
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) digits.insert(dash, 1, '-');
    made.text = std::move(digits);
    made.id = id_of_uuid_key(made.text, secret);
    return made;
}

std::string id_of_uuid_key(std::string_view text, std::string_view secret) {
    return keyed_hash_hex("id of " + std::string(text), secret).substr(0, id_digits);
}

bool is_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool digit =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !digit) return false;
    }
    return true;
}

result<std::string> id_in_key(std::string_view text) {
    const auto digits_of = [&](std::size_t at, std::size_t count) {
        return is_hex(text.substr(at, count));
    };
    const bool whole = text.size() == key_bytes && text.starts_with(beginning) &&
                       digits_of(beginning.size(), id_digits) && text[secret_at - 1] == '_' &&
                       digits_of(secret_at, secret_digits + check_digits);
    if (!whole || plain_hash_hex(text.substr(0, check_at), check_digits) != text.substr(check_at)) {
        return fail(errc::malformed, "Key is mistyped or truncated");
    }
    return std::string(text.substr(beginning.size(), id_digits));
}

bool is_key_id(std::string_view text) noexcept {
    return text.size() == id_digits && is_hex(text);
}

std::string hash_of_key(std::string_view text, std::string_view secret) {
    return keyed_hash_hex(text, secret);
}

}  // namespace vultus
