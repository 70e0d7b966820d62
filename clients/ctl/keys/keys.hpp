// `vultusctl key create | list | revoke | rotate` (api/ACCESS.md). A key is printed once, when it
// is created; Redis stores its id and a hash.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/model/access_key.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Parses the command line's texts.
/// errors    bad_option: an invalid scope, quota or time; bad_collection
result<access_key> wanted_key(const key_words& asked);

/// "600/min", "100MiB/min", "50": a number, for bytes with KiB, MiB or GiB, `/min` or nothing.
/// errors    bad_option
result<std::uint64_t> parse_amount(std::string_view text);

/// "90d", "24h", "30min", "10s".
/// errors    bad_option
result<std::chrono::milliseconds> parse_span(std::string_view text);

/// The actor for the audit log: "vultusctl:user@host".
std::string who();

/// The secret in the file, which is created if it is missing and no key or user exists.
/// errors    those of the job store; wrong_state: there are keys or users, but no file;
///           malformed: the file cannot be used
result<std::string> secret_for(const std::string& file, redis_blocking& redis,
                               const store_context& store);

/// The secret in the file, for hash_of_label(); empty if the file is missing: then the audit log
/// gets no hash of the label.
/// errors    malformed: the file cannot be used
result<std::string> label_secret(const std::string& file);

/// Also creates the file of the secret, as secret_for() does. A new key that cannot be printed is
/// revoked again (report::lost), so redis and store must outlive the report. After a rotate, where
/// the old key expires soon, the report says which one is lost.
/// requires  asked.what is one of the four
/// errors    those of the job store; wrong_state: there are keys, but no file with their secret;
///           malformed: the file cannot be used
result<report> keys(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
