// See secret.hpp.
#include "shared/security/secret.hpp"

#include <sodium.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "shared/base/require.hpp"
#include "shared/security/output_file.hpp"
#include "shared/security/private_file.hpp"

namespace vultus {
namespace {

constexpr std::size_t hash_bytes = 32;
constexpr int base64 = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
constexpr std::size_t secret_file_bytes_max = 4'096;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(nonce_bytes + tag_bytes == encryption_overhead);
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == secret_bytes);

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(const unsigned char* bytes, std::size_t count) {
    std::string text(2 * count + 1, '\0');  // with the byte 0 that sodium appends
    sodium_bin2hex(text.data(), text.size(), bytes, count);
    text.pop_back();
    return text;
}

std::string hash_hex(std::string_view text, std::string_view secret) {
    std::array<unsigned char, hash_bytes> sum{};
    crypto_generichash(sum.data(), sum.size(), bytes_of(text), text.size(),
                       secret.empty() ? nullptr : bytes_of(secret), secret.size());
    return hex(sum.data(), sum.size());
}

void require_sodium() {
    static const bool ready = sodium_init() >= 0;
    VULTUS_REQUIRE(ready, "libsodium is initialized");
}

tl::unexpected<error> unusable(const std::string& path, const char* why) {
    return fail(errc::malformed, path + " " + why);
}

}  // namespace

std::string random_hex(std::size_t bytes) {
    require_sodium();
    std::vector<unsigned char> random(bytes);
    randombytes_buf(random.data(), random.size());
    return hex(random.data(), random.size());
}

std::string random_secret() {
    require_sodium();
    std::string bytes(secret_bytes, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string plain_hash_hex(std::string_view text, std::size_t digits) {
    VULTUS_REQUIRE(digits <= 2 * hash_bytes, "a hash has that many digits");
    return hash_hex(text, {}).substr(0, digits);
}

std::string keyed_hash_hex(std::string_view text, std::string_view secret) {
    VULTUS_REQUIRE(secret.size() == secret_bytes, "a secret has 32 bytes");
    return hash_hex(text, secret);
}

std::string hash_of_label(std::string_view label, std::string_view secret) {
    if (secret.empty()) return {};
    return keyed_hash_hex("label " + std::string(label), secret);
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string slow_hash(std::string_view text) {
    require_sodium();
    std::array<char, crypto_pwhash_STRBYTES> hash{};
    const bool good =
        crypto_pwhash_str(hash.data(), text.data(), text.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
    VULTUS_REQUIRE(good, "64 MiB for a password hash are available");
    return hash.data();
}

bool is_slow_hash_of(const std::string& hash, std::string_view text) {
    require_sodium();
    return hash.size() < crypto_pwhash_STRBYTES &&
           crypto_pwhash_str_needs_rehash(hash.c_str(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0 &&
           crypto_pwhash_str_verify(hash.c_str(), text.data(), text.size()) == 0;
}

std::string base64_of(std::string_view bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), base64), '\0');
    sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), base64);
    text.pop_back();  // the byte 0 that ends it
    return text;
}

std::optional<std::string> bytes_of_base64(std::string_view text) {
    std::string bytes(text.size(), '\0');
    std::size_t size = 0;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &size, nullptr, base64) != 0) {
        return std::nullopt;
    }
    bytes.resize(size);
    return bytes;
}

std::string encrypted(std::string_view bytes, std::string_view about, std::string_view key) {
    VULTUS_REQUIRE(key.size() == secret_bytes, "a key has 32 bytes");
    require_sodium();
    std::string sealed(nonce_bytes + bytes.size() + tag_bytes, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
    randombytes_buf(out, nonce_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + nonce_bytes, nullptr, bytes_of(bytes),
                                               bytes.size(), bytes_of(about), about.size(), nullptr,
                                               out, bytes_of(key));
    return sealed;
}

std::optional<std::string> decrypted(std::string_view sealed, std::string_view about,
                                     std::string_view key) {
    VULTUS_REQUIRE(key.size() == secret_bytes, "a key has 32 bytes");
    if (sealed.size() < encryption_overhead) return std::nullopt;
    std::string bytes(sealed.size() - encryption_overhead, '\0');
    const bool good = crypto_aead_xchacha20poly1305_ietf_decrypt(
                          reinterpret_cast<unsigned char*>(bytes.data()), nullptr, nullptr,
                          bytes_of(sealed) + nonce_bytes, sealed.size() - nonce_bytes,
                          bytes_of(about), about.size(), bytes_of(sealed), bytes_of(key)) == 0;
    if (!good) return std::nullopt;
    return bytes;
}

std::string public_key_of(std::string_view secret) {
    VULTUS_REQUIRE(secret.size() == crypto_scalarmult_SCALARBYTES, "a secret has 32 bytes");
    std::string open(crypto_scalarmult_BYTES, '\0');
    VULTUS_REQUIRE(crypto_scalarmult_base(reinterpret_cast<unsigned char*>(open.data()),
                                          bytes_of(secret)) == 0,
                   "every secret has a public key");
    return open;
}

std::string hex_of(std::string_view bytes) {
    return hex(bytes_of(bytes), bytes.size());
}

std::optional<std::string> key_from_hex(std::string_view text) {
    std::string key(secret_bytes, '\0');
    std::size_t read = 0;
    const bool good = text.size() == 2 * secret_bytes &&
                      sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(),
                                     text.data(), text.size(), nullptr, &read, nullptr) == 0 &&
                      read == secret_bytes;
    if (!good) return std::nullopt;
    return key;
}

result<std::string> read_secret_file(const std::string& path) {
    const auto text = read_private_file(path, secret_file_bytes_max);
    if (!text) return fail(text.error());
    auto secret = key_from_hex(text->substr(0, text->find('\n')));
    if (!secret) return unusable(path, "does not hold 64 hexadecimal digits");
    return std::move(*secret);
}

result<std::string> make_secret_file(const std::string& path) {
    if (path == "-") return unusable(path, "cannot hold a secret");
    const auto made =
        write_output_file(path, random_hex(secret_bytes) + "\n", readers::owner, if_there::refuse);
    if (!made) return fail(made.error());
    return read_secret_file(path);
}

result<std::string> read_or_make_secret_file(const std::string& path) {
    auto secret = read_secret_file(path);
    if (secret || secret.error().code != errc::not_found) return secret;
    secret = make_secret_file(path);
    if (secret || secret.error().code != errc::wrong_state) return secret;
    return read_secret_file(path);
}

}  // namespace vultus
