// `vultusctl key create | list | revoke | rotate` (api/ACCESS.md). A key is printed once, when it
// is made; Redis and the reports have only its id.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/model/access_key.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// What the texts of the command line ask for.
/// errors    bad_option: a scope, quota or time that is none; bad_collection
result<access_key> wanted_key(const key_words& asked);

/// "600/min", "100MiB/min", "50": a number, for bytes with KiB, MiB or GiB, `/min` or nothing.
/// errors    bad_option
result<std::uint64_t> parse_amount(std::string_view text);

/// "90d", "24h", "30min", "10s".
/// errors    bad_option
result<std::chrono::milliseconds> parse_span(std::string_view text);

/// Who changes a key or a user, for the audit log: "vultusctl:user@host".
std::string who();

/// The secret in the file, which is made if it is not there and nothing was hashed under it yet.
/// errors    those of the job store; wrong_state: there are keys or users, but not the file;
///           malformed: the file cannot be used
result<std::string> secret_for(const std::string& file, redis_blocking& redis,
                               const store_context& store);

/// The secret in the file, for hash_of_label(); empty if it is not there: then the audit log gets
/// no label.
/// errors    malformed: the file cannot be used
result<std::string> label_secret(const std::string& file);

/// Makes the file of the secret too if it is not there and there is no key yet.
/// A new key that cannot be printed is revoked again (report::lost); so redis and store outlive the
/// report. After a rotate, where the old one ends soon, the report says which one is lost.
/// requires  asked.what is one of the four
/// errors    those of the job store; wrong_state: there are keys, but not the file of their secret;
///           malformed: the file cannot be used
result<report> keys(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
