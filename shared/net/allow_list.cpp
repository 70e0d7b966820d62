// See allow_list.hpp.
#include "shared/net/allow_list.hpp"

#include <algorithm>
#include <optional>
#include <sstream>

#include "shared/base/limits.hpp"
#include "shared/security/private_file.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

bool is_letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

result<allowed_peer> parse_line(const std::string& line) {
    std::istringstream words(line);
    std::string role, key, more;
    allowed_peer peer;
    words >> peer.name >> role >> key;
    if (key.empty() || (words >> more)) return fail(errc::malformed, "must be: name role key");
    if (!is_peer_name(peer.name)) {
        return fail(errc::malformed, "a name must be 1 to 64 letters, digits, '-', '_', '.'");
    }
    const auto as = parse_peer_role(role);
    if (!as) return fail(as.error());
    auto bytes = key_from_hex(key);
    if (!bytes) return fail(errc::malformed, "a public key must be 64 hexadecimal digits");
    peer.role = *as;
    peer.key = std::move(*bytes);
    return peer;
}

}  // namespace

std::string_view name_of(peer_role role) noexcept {
    return role == peer_role::api ? "api" : "worker";
}

result<peer_role> parse_peer_role(std::string_view text) {
    for (const peer_role one : {peer_role::api, peer_role::worker}) {
        if (text == name_of(one)) return one;
    }
    return fail(errc::malformed, "a role must be api or worker");
}

bool is_peer_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && is_letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

result<allow_list> parse_allow_list(std::string_view text) {
    allow_list list;
    std::istringstream lines{std::string(text)};
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::size_t first = line.find_first_not_of(" \t\r");
        if (first == std::string::npos || line[first] == '#') continue;
        const auto wrong = [&](const std::string& why) {
            return fail(errc::malformed, std::to_string(number) + ": " + why);
        };
        auto peer = parse_line(line);
        if (!peer) return wrong(peer.error().detail);
        for (const allowed_peer& other : list) {
            if (other.name == peer->name) return wrong("duplicate name");
            if (other.key == peer->key) return wrong("duplicate key");
        }
        if (list.size() == limits::allowed_peers) return wrong("too many keys");
        list.push_back(std::move(*peer));
    }
    return list;
}

result<allow_list> read_allow_list(const std::string& path) {
    const auto text = read_trusted_file(path, limits::allow_list_bytes);
    if (!text) return fail(text.error());
    auto list = parse_allow_list(*text);
    if (!list) return fail(errc::malformed, path + ":" + list.error().detail);
    return list;
}

const allowed_peer* find(const allow_list& list, peer_role role, std::string_view key) noexcept {
    const auto found = std::find_if(list.begin(), list.end(), [&](const allowed_peer& one) {
        return one.role == role && one.key == key;
    });
    return found == list.end() ? nullptr : &*found;
}

std::string line_of(const allowed_peer& peer) {
    return peer.name + " " + std::string(name_of(peer.role)) + " " + hex_of(peer.key) + "\n";
}

}  // namespace vultus
