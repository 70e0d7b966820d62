// Measures the turns of the event loop. One thread serves all clients, so a long turn delays every
// request, including health checks.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "shared/base/metrics.hpp"
#include "shared/base/turn_watch.hpp"

namespace vultus::api {

namespace asio = boost::asio;

/// Sets vultus_api_loop_longest_turn_seconds of CPU and wall time, and counts and logs the
/// turns over slow_turn of CPU time.
///
/// threads   that of the io_context, which only run() runs
class loop_watch {
 public:
    static constexpr std::chrono::milliseconds slow_turn = turn_watch::slow;

    explicit loop_watch(metrics& measured);

    /// Runs the loop until it has no work left. For a turn after an idle wait only the CPU time is
    /// known.
    void run(asio::io_context& io);

 private:
    void note(std::chrono::nanoseconds cpu, std::chrono::nanoseconds wall);

    metrics& measured_;
    turn_watch turns_;
};

}  // namespace vultus::api
