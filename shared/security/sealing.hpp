// Encryption at rest: vectors of faces, kept pictures and photos as they lie in Redis, under a key
// that is a file of the operator outside Redis. Names, results and logs stay plain. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// threads   any; const after construction
class sealing {
 public:
    /// So many bytes more than what is sealed: a mark of 4, the nonce of 24, the tag of 16.
    static constexpr std::size_t extra_bytes = 44;

    /// For who reads no photo and no vector: a broker, an operator's look.
    sealing() = default;

    /// For who does. Empty: nothing is sealed, and data that are cannot be used.
    /// requires  key is empty or has secret_bytes
    explicit sealing(std::string key);

    /// What the data have to be sealed with: "any", "plain", or 16 hexadecimal digits that tell
    /// keys apart and nothing about them.
    const std::string& wants() const noexcept { return wants_; }

    /// The bytes as they are to be stored.
    /// `about`   what they are, such as "vector <collection> <face id>"; they open as nothing else
    std::string close(std::string bytes, std::string_view about) const;

    /// What was stored, sealed or from before the key.
    /// errors    store_unavailable: there is no key, or another, or it is not what was stored
    result<std::string> open(std::string stored, std::string_view about) const;

    /// 32 hexadecimal digits that tell the same bytes again and, with a key, tell nothing to who
    /// has not the key.
    std::string digest(std::string_view bytes) const;
    /// The same, also for what was sealed as `older`, when less of its place was part of it.
    /// `bound`: it is sealed as `about`.
    struct opened {
        std::string bytes;
        bool bound = false;
    };
    result<opened> open(std::string stored, std::string_view about, std::string_view older) const;

    /// Whether there is a key. Without one, what is sealed is not damaged but out of reach.
    bool seals() const noexcept { return !key_.empty(); }

    /// Whether it bears the mark of what is sealed.
    static bool is_sealed(std::string_view stored) noexcept;

 private:
    std::string key_;
    std::string wants_ = "any";
};

/// The key in that file; no file named: "", which is plain.
/// errors    not_found, malformed: as read_secret_file(); malformed also for a file inside `data`,
///           the folder that is to be protected
result<std::string> read_encryption_key(const std::string& file, const std::string& data);

}  // namespace vultus
