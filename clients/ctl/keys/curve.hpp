// `vultusctl curve`: keys for the encrypted links between api, broker and workers, and the list of
// keys that may connect. Files only, no Redis. shared/CURVE.md describes the set-up.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus::ctl {

/// In the folder asked.curve.folder: make writes NAME.secret (0600) and NAME.public, and adds the
/// key to the list `allowed` if the folder also has the broker's secret; allow and remove change
/// the list; list shows it and the secrets in the folder. Concurrent changes of the list wait for
/// one another.
/// requires  check(asked) is good and asked.what is one of curve_*
/// errors    malformed: a file or the folder cannot be read or written; wrong_state: the file or
/// the
///           name exists already, or another process holds the list for 10 s; not_found: remove of
///           a name that is not on the list, or no such folder
result<report> curve(const arguments& asked);

bool is_curve(command what) noexcept;

/// The keys of vultusctl's own link to the broker: --curve-key and --broker-key, or ctl.secret and
/// broker.public in the folder of keys if both exist, or none (plain).
/// errors    malformed: one without the other, or a file that cannot be used
result<curve_keys> keys_for_broker(const arguments& asked);

}  // namespace vultus::ctl
