// Keys: what they look like, what they allow, and until when (api/ACCESS.md). Pure. The api checks
// them, vultusctl makes them, Redis keeps a hash.
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
    /// Whether any is in both.
    constexpr bool meets(scope_set other) const { return (bits_ & other.bits_) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr bool operator==(const scope_set&) const = default;

 private:
    std::uint8_t bits_ = 0;
};

/// "read,train" and back.
/// errors    bad_option: a word that is no scope, or none at all
result<scope_set> parse_scopes(std::string_view text);
std::string text_of(scope_set scopes);

/// The scopes of which one is needed to see a job of that type, or to have made it.
scope_set scopes_to_see(job_type type) noexcept;
scope scope_to_make(job_type type) noexcept;

struct access_quota {               ///< 0: no bound
    std::uint64_t requests = 0;     ///< a minute
    std::uint64_t image_bytes = 0;  ///< a minute
    std::uint64_t jobs = 0;         ///< that have not ended, at a time
    bool operator==(const access_quota&) const = default;
};

struct access_key {
    std::string id;    ///< 12 hexadecimal digits
    std::string hash;  ///< hash_of_key(), 64 hexadecimal digits
    scope_set scopes;
    std::vector<std::string> collections;  ///< {"*"}: all
    access_quota quota;
    unix_time created{0};
    unix_time expires{0};  ///< 0: never
    std::string note;      ///< whose it is, for people
};

bool covers(const access_key& key, std::string_view collection) noexcept;
/// Whether the job is one that the key may see.
bool may_see(const access_key& key, job_type type, std::string_view collection) noexcept;
bool is_expired(const access_key& key, unix_time now) noexcept;

/// "a,b" or "*" and back; each once, in order.
/// errors    bad_collection
result<std::vector<std::string>> parse_collections(std::string_view text);
std::string text_of(const std::vector<std::string>& collections);

struct new_key {
    std::string id;
    std::string text;  ///< the whole key: shown once, never kept
};
new_key make_key();

/// The id in a key as it was presented. Whether the key is a good one is not known by that.
/// errors    malformed: mistyped or cut; the detail does not repeat it
result<std::string> id_in_key(std::string_view text);

bool is_key_id(std::string_view text) noexcept;

/// What Redis keeps of a key.
/// requires  secret.size() == secret_bytes (secret.hpp)
std::string hash_of_key(std::string_view text, std::string_view secret);

}  // namespace vultus
