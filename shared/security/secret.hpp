// Random texts, keyed hashes, hashes of passwords, comparison in constant time, encryption, all by
// libsodium; and the files that hold a secret: the one under which keys are hashed (api/ACCESS.md),
// that of encryption at rest (sealing.hpp), and those of the encrypted links (shared/CURVE.md).
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

/// The first hexadecimal digits of the BLAKE2b hash. No secret: for checks only.
/// requires  digits <= 64
std::string plain_hash_hex(std::string_view text, std::size_t digits);

/// BLAKE2b under the secret: 64 hexadecimal digits.
/// requires  secret.size() == secret_bytes
std::string keyed_hash_hex(std::string_view text, std::string_view secret);

/// What the audit log has in place of a person's name: keyed_hash_hex() of it and of a word that
/// keeps it apart from the other texts under the secret. Empty if `secret` is empty.
std::string hash_of_label(std::string_view label, std::string_view secret);

/// Whether the two are equal; takes the same time wherever they differ.
bool same_secret(std::string_view a, std::string_view b) noexcept;

/// Argon2id with a salt of its own, as one text of ASCII below 128 bytes. Slow by design: 64 MiB,
/// some 50 to 100 ms. source: crypto_pwhash_OPSLIMIT_INTERACTIVE and MEMLIMIT_INTERACTIVE
std::string slow_hash(std::string_view text);

/// Whether slow_hash() made `hash` of the text; as slow. False at once for a hash that was made by
/// another effort, so that nobody who writes hashes can ask for gigabytes.
bool is_slow_hash_of(const std::string& hash, std::string_view text);

constexpr std::size_t encryption_overhead = 24 + 16;  ///< nonce and tag

/// XChaCha20-Poly1305 under the key, with a random nonce of its own before it.
/// `about`   is checked by decrypted(), not held
/// requires  key.size() == secret_bytes
std::string encrypted(std::string_view bytes, std::string_view about, std::string_view key);

/// Nothing if anything about it is not as encrypted() was told.
/// requires  key.size() == secret_bytes
std::optional<std::string> decrypted(std::string_view sealed, std::string_view about,
                                     std::string_view key);

/// The public key that belongs to a secret one (Curve25519). Any secret will do.
/// requires  secret.size() == secret_bytes
/// returns   32 bytes
std::string public_key_of(std::string_view secret);

/// Two lower case hexadecimal digits a byte.
std::string hex_of(std::string_view bytes);

/// The bytes of a secret or public key written as 64 hexadecimal digits; nothing: it is none.
std::optional<std::string> key_from_hex(std::string_view text);

/// The secret in the file: its first line, 64 hexadecimal digits.
/// errors    those of read_private_file(); malformed also: it holds no secret
result<std::string> read_secret_file(const std::string& path);

/// read_secret_file(), or make_secret_file() if there is none, whoever of several makes it.
/// errors    malformed: it holds no secret, others may read it, or it cannot be written
result<std::string> read_or_make_secret_file(const std::string& path);

/// Makes the file, readable by its owner only, with a new secret; gives the secret. It appears
/// whole, in one step, and is on the disk: of several that make it at once one does.
/// errors    wrong_state: it exists; malformed: it cannot be written
result<std::string> make_secret_file(const std::string& path);

}  // namespace vultus
