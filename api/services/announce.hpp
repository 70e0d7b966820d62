// What whoever started this api asks by its environment, so that it need not guess which process
// answers, and where: VULTUS_INSTANCE, a name that the health answers carry, and
// VULTUS_ADDRESS_FILE, a file into which the api writes its address once it listens
// (docs/operations.md).
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "shared/config/settings.hpp"

namespace vultus::api {

/// $VULTUS_INSTANCE: 1 to 64 of letters, digits, '-', '_'; empty: there is none, or it is no name.
std::string instance_of_environment();

/// Where this machine reaches an api that listens at `bind` and `port`: "http://127.0.0.1:5000".
/// An address that stands for all of them becomes loopback.
std::string own_url(const api_settings& settings, int port);

/// Writes own_url() and a newline into the file, all at once. No file named: does nothing.
/// errors    bad_option: it cannot be written
result<void> announce_address(const std::string& file, const std::string& url);

}  // namespace vultus::api
