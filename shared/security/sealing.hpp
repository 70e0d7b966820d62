// Encryption at rest of face vectors, face pictures and photos in Redis, with a key from a file of
// the operator outside Redis. Names, results and logs are not encrypted. Pure, except
// read_encryption_key().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// threads   any; const after construction
class sealing {
 public:
    /// Size of the sealed bytes minus the plain ones: a mark (4), the nonce (24), the tag (16).
    static constexpr std::size_t extra_bytes = 44;

    /// For a process that reads no photo and no vector: a broker, most commands of vultusctl.
    sealing() = default;

    /// For one that does. Empty key: nothing is encrypted, and encrypted data cannot be read.
    /// requires  key is empty or has secret_bytes
    explicit sealing(std::string key);

    /// What the stored data must be encrypted with: "any", "plain", or 16 hexadecimal digits that
    /// identify the key and reveal nothing of it.
    const std::string& wants() const noexcept { return wants_; }

    /// The bytes in the form in which they are stored.
    /// `about`   what they are, such as "vector <collection> <face id>"; open() needs the same text
    std::string close(std::string bytes, std::string_view about) const;

    /// The plain bytes of what was stored, encrypted or before there was a key.
    /// errors    store_unavailable: no key, another key, another `about`, or damaged bytes
    result<std::string> open(std::string stored, std::string_view about) const;

    /// A digest of the bytes, 32 hexadecimal digits; keyed if there is a key.
    std::string digest(std::string_view bytes) const;
    /// open() that also accepts what an earlier version encrypted with `older` as its `about`.
    /// `bound`: it was encrypted with `about`.
    struct opened {
        std::string bytes;
        bool bound = false;
    };
    result<opened> open(std::string stored, std::string_view about, std::string_view older) const;

    /// For text that is stored inside JSON: unchanged without a key, else close() in base64.
    /// requires  `text` contains a space, which base64 does not
    std::string close_text(std::string text, std::string_view about) const;
    /// errors    as open()
    result<std::string> open_text(std::string_view stored, std::string_view about) const;
    /// Whether close_text() encrypted it.
    static bool is_sealed_text(std::string_view stored) noexcept;

    /// Whether there is a key. Without one, encrypted data are intact but cannot be read.
    bool seals() const noexcept { return !key_.empty(); }

    /// Whether the bytes begin with the mark of encrypted ones.
    static bool is_sealed(std::string_view stored) noexcept;

 private:
    std::string key_;
    std::string wants_ = "any";
};

/// The key in that file; "" (no encryption) if `file` is empty.
/// errors    not_found, malformed: as read_secret_file(); malformed also for a file inside `data`,
///           the folder that the key protects
result<std::string> read_encryption_key(const std::string& file, const std::string& data);

}  // namespace vultus
