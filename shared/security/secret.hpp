// Random texts, keyed hashes, password hashes, comparison in constant time and encryption, all by
// libsodium; and files with a secret: for the hashes of keys (api/ACCESS.md), for encryption at
// rest (sealing.hpp) and for the encrypted links (shared/CURVE.md).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

constexpr std::size_t secret_bytes = 32;

/// 32 bytes from the system's random source.
std::string random_secret();

/// Twice as many lower case hexadecimal digits as bytes, from the system's random source.
std::string random_hex(std::size_t bytes);

/// The first hexadecimal digits of the unkeyed BLAKE2b hash: for checksums only.
/// requires  digits <= 64
std::string plain_hash_hex(std::string_view text, std::size_t digits);

/// BLAKE2b under the secret: 64 hexadecimal digits.
/// requires  secret.size() == secret_bytes
std::string keyed_hash_hex(std::string_view text, std::string_view secret);

/// What the audit log stores instead of a person's name: keyed_hash_hex() of the name and of a
/// prefix that separates it from the other uses of the secret. Empty if `secret` is empty.
std::string hash_of_label(std::string_view label, std::string_view secret);

/// Whether the two are equal, in constant time for texts of equal length.
bool same_secret(std::string_view a, std::string_view b) noexcept;

/// Argon2id with a random salt, as ASCII text below 128 bytes. Slow by design: 64 MiB, 50 to 100
/// ms. source: crypto_pwhash_OPSLIMIT_INTERACTIVE and MEMLIMIT_INTERACTIVE
std::string slow_hash(std::string_view text);

/// Whether `hash` is slow_hash() of the text; takes as long. False at once for a hash with other
/// cost parameters, so that a forged hash cannot demand gigabytes.
bool is_slow_hash_of(const std::string& hash, std::string_view text);

constexpr std::size_t encryption_overhead = 24 + 16;  ///< nonce and tag

/// Base64 with the usual alphabet, without padding.
std::string base64_of(std::string_view bytes);
/// Nothing for a text that base64_of() does not return.
std::optional<std::string> bytes_of_base64(std::string_view text);

/// XChaCha20-Poly1305 with a random nonce in front.
/// `about`   additional data: decrypted() needs the same text; not contained in the result
/// requires  key.size() == secret_bytes
std::string encrypted(std::string_view bytes, std::string_view about, std::string_view key);

/// Nothing if the bytes, the key or `about` are not those of encrypted().
/// requires  key.size() == secret_bytes
std::optional<std::string> decrypted(std::string_view sealed, std::string_view about,
                                     std::string_view key);

/// The public key of a secret one (Curve25519). Any 32 bytes are a secret key.
/// requires  secret.size() == secret_bytes
/// returns   32 bytes
std::string public_key_of(std::string_view secret);

/// Two lower case hexadecimal digits a byte.
std::string hex_of(std::string_view bytes);

/// The 32 bytes of a key written as 64 hexadecimal digits; nothing if it is not one.
std::optional<std::string> key_from_hex(std::string_view text);

/// The secret in the file: its first line, 64 hexadecimal digits.
/// errors    those of read_private_file(); malformed also if it contains no secret
result<std::string> read_secret_file(const std::string& path);

/// read_secret_file(), or make_secret_file() if there is no file. Concurrent callers get the same
/// secret.
/// errors    malformed: it contains no secret, others may read it, or it cannot be written
result<std::string> read_or_make_secret_file(const std::string& path);

/// Makes the file, readable by its owner only, with a new secret, and returns the secret. The file
/// appears atomically and is synced; of several concurrent callers one succeeds.
/// errors    wrong_state: it exists; malformed: it cannot be written
result<std::string> make_secret_file(const std::string& path);

}  // namespace vultus
