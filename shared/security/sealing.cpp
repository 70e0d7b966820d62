// See sealing.hpp.
#include "shared/security/sealing.hpp"

#include <filesystem>

#include "shared/base/ids.hpp"
#include "shared/base/require.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

// No photo begins with these bytes, and read as the first number of a vector they are not finite.
constexpr std::string_view mark = "VS\xff\xff";
static_assert(mark.size() + encryption_overhead == sealing::extra_bytes);

bool lies_in(const std::filesystem::path& file, const std::filesystem::path& folder) {
    std::error_code none;
    const auto way = std::filesystem::weakly_canonical(file, none)
                         .lexically_relative(std::filesystem::weakly_canonical(folder, none));
    return !way.empty() && *way.begin() != "..";
}

}  // namespace

sealing::sealing(std::string key) : key_(std::move(key)) {
    VULTUS_REQUIRE(key_.empty() || key_.size() == secret_bytes, "a key has 32 bytes");
    wants_ = key_.empty() ? "plain" : keyed_hash_hex("the name of this key", key_).substr(0, 16);
}

std::string sealing::close(std::string bytes, std::string_view about) const {
    if (key_.empty()) return bytes;
    return std::string(mark) + encrypted(bytes, about, key_);
}

result<std::string> sealing::open(std::string stored, std::string_view about) const {
    if (!is_sealed(stored)) return stored;
    if (key_.empty()) return fail(errc::store_unavailable, "Stored value is encrypted: no key set");
    auto bytes = decrypted(std::string_view(stored).substr(mark.size()), about, key_);
    if (bytes) return *std::move(bytes);
    return fail(errc::store_unavailable, "Stored value was encrypted with another key");
}

std::string sealing::digest(std::string_view bytes) const {
    return (key_.empty() ? sha256_hex(bytes) : keyed_hash_hex(bytes, key_)).substr(0, 32);
}

std::string sealing::close_text(std::string text, std::string_view about) const {
    VULTUS_REQUIRE(text.find(' ') != text.npos, "the plain text can be told from base64");
    if (key_.empty()) return text;
    return base64_of(close(std::move(text), about));
}

bool sealing::is_sealed_text(std::string_view stored) noexcept {
    return !stored.empty() && stored.find(' ') == stored.npos;
}

result<std::string> sealing::open_text(std::string_view stored, std::string_view about) const {
    if (!is_sealed_text(stored)) return std::string(stored);
    auto bytes = bytes_of_base64(stored);
    if (!bytes) return fail(errc::store_unavailable, "Stored text is damaged");
    return open(*std::move(bytes), about);
}

result<sealing::opened> sealing::open(std::string stored, std::string_view about,
                                      std::string_view older) const {
    const bool sealed = is_sealed(stored);
    auto bytes = open(stored, about);
    if (bytes) return opened{*std::move(bytes), sealed};
    bytes = open(std::move(stored), older);
    if (bytes) return opened{*std::move(bytes), false};
    return fail(bytes.error());
}

bool sealing::is_sealed(std::string_view stored) noexcept {
    return stored.starts_with(mark);
}

result<std::string> read_encryption_key(const std::string& file, const std::string& data) {
    if (file.empty()) return std::string();
    if (lies_in(file, data)) {
        return fail(errc::malformed, file + " must not be inside " + data + ", which it protects");
    }
    return read_secret_file(file);
}

}  // namespace vultus
