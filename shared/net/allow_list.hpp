// The keys that may connect to the broker when its links are encrypted (CURVE.md): a text file with
// one line per key, read by the broker and written by `vultusctl curve`.
//     # name    role    public key, 64 hexadecimal digits
//     worker-1  worker  5f0c...
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

/// Which of the broker's two sockets the key may connect to. vultusctl connects as an api.
enum class peer_role { api, worker };
std::string_view name_of(peer_role) noexcept;
/// errors    malformed: unknown role
result<peer_role> parse_peer_role(std::string_view text);

struct allowed_peer {
    std::string name;  ///< id: 1 to 64 of letters, digits, '-', '_', '.'
    peer_role role = peer_role::worker;
    std::string key;  ///< public, 32 bytes
    bool operator==(const allowed_peer&) const = default;
};
using allow_list = std::vector<allowed_peer>;

/// 1 to 64 of letters, digits, '-', '_', '.'; begins with a letter or digit.
bool is_peer_name(std::string_view text) noexcept;

/// Empty lines and lines that begin with # are ignored. Names and keys are unique.
/// errors    malformed: with the line and the reason
result<allow_list> parse_allow_list(std::string_view text);

/// errors    those of read_trusted_file(), for limits::allow_list_bytes; malformed also: names file
///           and line
result<allow_list> read_allow_list(const std::string& path);

/// The peer that has this key and this role, or null.
const allowed_peer* find(const allow_list& list, peer_role role, std::string_view key) noexcept;

/// The line of the file, with its newline.
std::string line_of(const allowed_peer& peer);

}  // namespace vultus
