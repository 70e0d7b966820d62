// See ids.hpp. Random numbers and SHA-256 by libsodium.
#include "shared/base/ids.hpp"

#include <sodium.h>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t id_length = 36;

bool is_dash_at(std::size_t i) noexcept {
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool is_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

unsigned value_of(char hex) noexcept {
    return static_cast<unsigned>(hex <= '9' ? hex - '0' : hex - 'a' + 10);
}

void fill_random(void* into, std::size_t bytes) {
    static const bool ready = sodium_init() >= 0;
    VULTUS_REQUIRE(ready, "libsodium is initialized");
    randombytes_buf(into, bytes);
}

std::string hex(const unsigned char* bytes, std::size_t count) {
    std::string text;
    text.reserve(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
        text += digits[bytes[i] >> 4U];
        text += digits[bytes[i] & 0x0FU];
    }
    return text;
}

}  // namespace

std::string new_job_id(unix_time now, unsigned shard) {
    VULTUS_REQUIRE(shard < 4096, "a shard fits into the 12 rand_a bits");
    std::array<unsigned char, 16> bytes{};
    fill_random(bytes.data(), bytes.size());
    // RFC 9562, 5.7: 48 bits of Unix milliseconds, version 7, rand_a, variant 10, rand_b.
    const auto ms = static_cast<std::uint64_t>(now.count());
    for (unsigned i = 0; i < 6; ++i) {
        bytes[i] = static_cast<unsigned char>((ms >> (40U - 8U * i)) & 0xFFU);
    }
    bytes[6] = static_cast<unsigned char>(0x70U | (shard >> 8U));
    bytes[7] = static_cast<unsigned char>(shard & 0xFFU);
    bytes[8] = static_cast<unsigned char>(0x80U | (bytes[8] & 0x3FU));
    std::string id = hex(bytes.data(), bytes.size());
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) id.insert(dash, 1, '-');
    return id;
}

bool is_job_id(std::string_view text) noexcept {
    if (text.size() != id_length) return false;
    for (std::size_t i = 0; i < id_length; ++i) {
        if (is_dash_at(i) ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return text[14] == '7' && (value_of(text[19]) & 0xCU) == 0x8U;
}

unix_time time_of(std::string_view job_id) {
    VULTUS_REQUIRE(is_job_id(job_id), "time_of() reads job ids only");
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 13; ++i) {
        if (!is_dash_at(i)) ms = ms * 16 + value_of(job_id[i]);
    }
    return unix_time(ms);
}

std::string new_worker_id(std::string_view host, long pid, std::string_view device) {
    std::array<unsigned char, 4> random{};
    fill_random(random.data(), random.size());
    const std::string tail = "-" + hex(random.data(), random.size());
    const std::string process = "-" + std::to_string(pid) + "-";
    const auto printable = [](std::string_view text, std::size_t most) {
        std::string clean;
        for (const char c : text.substr(0, most)) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                               (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
            clean += plain ? c : '_';
        }
        return clean.empty() ? std::string("unknown") : clean;
    };
    constexpr std::size_t device_bytes = 16;
    const std::string end = process + printable(device, device_bytes) + tail;
    return printable(host, limits::worker_id_bytes - end.size()) + end;
}

std::string random_hex32() {
    std::array<unsigned char, 16> random{};
    fill_random(random.data(), random.size());
    return hex(random.data(), random.size());
}

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> sum{};
    crypto_hash_sha256(sum.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size());
    return hex(sum.data(), sum.size());
}

}  // namespace vultus
