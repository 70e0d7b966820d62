// How a supervisor identifies this api, by two environment variables: VULTUS_INSTANCE, a name that
// health answers contain, and VULTUS_ADDRESS_FILE, a file to which the api writes its address once
// it listens (docs/operations.md).
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "shared/config/settings.hpp"

namespace vultus::api {

/// $VULTUS_INSTANCE: 1 to 64 of letters, digits, '-', '_'; empty: not set, or not such a name.
std::string instance_of_environment();

/// The URL on this machine of an api that listens at `bind` and `port`: "http://127.0.0.1:5000". A
/// wildcard address becomes loopback.
std::string own_url(const api_settings& settings, int port);

/// Writes the URL and a newline to the file, atomically. Does nothing if `file` is empty.
/// errors    bad_option: it cannot be written
result<void> announce_address(const std::string& file, const std::string& url);

}  // namespace vultus::api
