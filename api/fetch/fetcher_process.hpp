// Runs vultus-fetcher for one order: a fresh process each time, which sees nothing of other orders
// and is gone afterwards, whatever a server made of it. The loop never waits for it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "shared/base/result.hpp"
#include "shared/base/shared_bytes.hpp"
#include "shared/fetch/fetch_messages.hpp"

namespace vultus::api {

namespace asio = boost::asio;

struct fetch_reply {
    shared_bytes photo;
    std::string redirect;  ///< instead of a photo: an absolute URL, not checked
};

/// Room for so many bytes, held as long as the photo; null: there is none.
using room_for_bytes = std::function<std::shared_ptr<const void>(std::size_t bytes)>;

/// `program`  path of vultus-fetcher
/// errors    those of the fetcher (fetch_failed, url_refused, too_large, internal); fetch_failed
///           also: it took longer than the order's time and a second; queue_full: no room for the
///           bytes; internal: it cannot be started, or ended without an answer
asio::awaitable<result<fetch_reply>> run_fetcher(asio::io_context& io, std::string program,
                                                 fetch_order order, room_for_bytes room);

/// vultus-fetcher beside this program.
/// errors    not_found
result<std::string> find_fetcher();

}  // namespace vultus::api
