// Ids that the service generates: job ids and worker ids; and the SHA-256 of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/clock.hpp"

namespace vultus {

/// A new job id: UUIDv7 text (RFC 9562), 36 characters, lower case; its 12 rand_a bits are the
/// shard.
/// requires  shard < 4096
std::string new_job_id(unix_time now, unsigned shard);

/// Whether the text is a UUIDv7 in the form of new_job_id().
bool is_job_id(std::string_view text) noexcept;

/// The time in a job id. requires is_job_id(id)
unix_time time_of(std::string_view job_id);

/// "host-pid-device-rand32": printable, at most limits::worker_id_bytes; unique to one
/// registration.
std::string new_worker_id(std::string_view host, long pid, std::string_view device);

/// 32 hexadecimal digits from the system's random source, for trace ids and the like.
std::string random_hex32();

/// SHA-256 of the bytes, 64 lower case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace vultus
