// The one order of a fetcher process: read it, look the host up, confine, transfer, answer.
#pragma once

#include <functional>

#include "api/fetcher/resolve.hpp"
#include "api/fetcher/transfer.hpp"

namespace vultus::fetcher {

/// Between looking up and connecting: gives up what only the first needs. False: it cannot.
using narrowing = std::function<bool()>;

/// errors    of checked_addresses(), prepare_transfer() and transfer(); internal: `narrow` failed
result<fetched> carry_out(const fetch_order& order, const trust& trusted, const resolver& ask,
                          const narrowing& narrow);

/// Reads one order from the socket.
/// errors    malformed: none, or one that cannot be read
result<fetch_order> read_order(int socket);

/// Writes the answer. What cannot be written nobody waits for.
void write_answer(int socket, const result<fetched>& made);

}  // namespace vultus::fetcher
