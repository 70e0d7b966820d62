// The way from a request to a WebSocket: Beast's stream on the session's own socket, seen by
// handlers as a message_channel. No extension is offered, so a message is as large as it is sent.
#pragma once

#include "api/http/connection.hpp"

namespace vultus::api {

/// Whether a request asks for a WebSocket.
bool is_handshake(const message& asked);

/// Answers the handshake, lets `use` talk, closes. The session's socket is used up.
/// threads   that of the io_context
asio::awaitable<void> become_websocket(
    http_connection& from, const std::function<asio::awaitable<void>(message_channel&)>& use);

}  // namespace vultus::api
