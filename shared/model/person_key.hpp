// The key of a person: what the store, the workers and their votes name a person by. It is the
// name, or name, byte 31 and person_id where the name alone would not say who is meant. No name has
// a control character, so no name can imitate a key. Clients see name and person_id, never a key
// with an id. Pure.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

constexpr char key_separator = '\x1f';

std::string_view name_of_key(std::string_view key) noexcept;
std::string_view id_of_key(std::string_view key) noexcept;  ///< empty: the key is the name alone
std::string key_for(std::string_view name, std::string_view person_id);

/// The rule for a person_id: 1 to limits::person_id_bytes visible ASCII characters.
/// errors    bad_option
result<void> check_person_id(std::string_view id);

/// The rule for an external_id: 1 to limits::external_id_bytes bytes of UTF-8 without control
/// characters. errors bad_option
result<void> check_external_id(std::string_view id);

/// How the result of a worker names a person until it is stored or sent: "@" and the key in
/// hexadecimal, as the value of a member person_id. The store, or the api, puts the id in its place
/// when it knows that the result is current.
std::string person_placeholder(std::string_view key);

/// The key in a placeholder; empty for any other text.
std::string key_in_placeholder(std::string_view text);

}  // namespace vultus
