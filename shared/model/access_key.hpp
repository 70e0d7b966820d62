// Access keys: their form, what they allow, and until when (api/ACCESS.md). Pure. The api checks
// them, vultusctl creates them, Redis stores a hash.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/result.hpp"
#include "shared/model/job.hpp"
#include "shared/model/surface.hpp"

namespace vultus {

enum class scope : std::uint8_t { read = 1, recognize = 2, train = 4, admin = 8 };
inline constexpr std::array all_scopes{scope::read, scope::recognize, scope::train, scope::admin};

std::string_view name_of(scope one) noexcept;

class scope_set {
 public:
    constexpr scope_set() = default;
    constexpr scope_set(std::initializer_list<scope> scopes) {
        for (const scope one : scopes) add(one);
    }
    constexpr void add(scope one) { bits_ |= static_cast<std::uint8_t>(one); }
    constexpr bool has(scope one) const { return meets({one}); }
    /// Whether the two sets have a scope in common.
    constexpr bool meets(scope_set other) const { return (bits_ & other.bits_) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr bool operator==(const scope_set&) const = default;

 private:
    std::uint8_t bits_ = 0;
};

/// "read,train" and back.
/// errors    bad_option: an unknown scope, or no scope
result<scope_set> parse_scopes(std::string_view text);
std::string text_of(scope_set scopes);

/// The scopes of which one is needed to see a job of that type, and the scope needed to create one.
scope_set scopes_to_see(job_type type) noexcept;
scope scope_to_make(job_type type) noexcept;

struct access_quota {               ///< 0: unlimited
    std::uint64_t requests = 0;     ///< per minute
    std::uint64_t image_bytes = 0;  ///< per minute
    std::uint64_t jobs = 0;         ///< unfinished at the same time
    bool operator==(const access_quota&) const = default;
};

struct access_key {
    std::string id;    ///< 12 hexadecimal digits
    std::string hash;  ///< hash_of_key(), 64 hexadecimal digits
    scope_set scopes;
    surface service = surface::native;     ///< where alone the key counts
    std::vector<std::string> collections;  ///< {"*"}: all
    access_quota quota;
    unix_time created{0};
    unix_time expires{0};  ///< 0: never
    std::string note;      ///< free text, such as the owner
};

/// The scopes as Redis stores them, with the surface before them if the key is for another one
/// than ours: "compreface:read,train". A program that knows no surfaces finds no scope in it, so
/// such a key allows nothing there.
std::string stored_scopes(const access_key& key);
/// Fills scopes and service. errors bad_option, as parse_scopes(); an unknown surface
result<void> read_stored_scopes(std::string_view text, access_key& key);

bool covers(const access_key& key, std::string_view collection) noexcept;
/// Whether the key may see the job.
bool may_see(const access_key& key, job_type type, std::string_view collection) noexcept;
bool is_expired(const access_key& key, unix_time now) noexcept;

/// "a,b" or "*" and back; sorted, without duplicates.
/// errors    bad_collection
result<std::vector<std::string>> parse_collections(std::string_view text);
std::string text_of(const std::vector<std::string>& collections);

struct new_key {
    std::string id;
    std::string text;  ///< the whole key: shown once, never stored
};
new_key make_key();

/// A key for a surface whose clients send a UUID: random, of version 4. Its id is a hash of it
/// under the secret, so the id tells nothing of the key.
/// requires  secret.size() == secret_bytes (secret.hpp)
new_key make_uuid_key(std::string_view secret);
std::string id_of_uuid_key(std::string_view text, std::string_view secret);

/// Whether the text has the form of a UUID, in either case.
bool is_uuid(std::string_view text) noexcept;

/// The id in a presented key. Only the form and the checksum are verified, not the secret.
/// errors    malformed: mistyped or truncated; the detail does not repeat it
result<std::string> id_in_key(std::string_view text);

bool is_key_id(std::string_view text) noexcept;

/// What Redis stores of a key.
/// requires  secret.size() == secret_bytes (secret.hpp)
std::string hash_of_key(std::string_view text, std::string_view secret);

}  // namespace vultus
