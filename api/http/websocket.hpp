// Upgrades a connection to a WebSocket: Beast's stream on the connection's socket, which handlers
// use as a message_channel. No extension (compression) is offered, so a message has the size that
// was sent.
#pragma once

#include "api/http/connection.hpp"

namespace vultus::api {

/// Whether a request asks for a WebSocket.
bool is_handshake(const message& asked);

/// Answers the handshake, runs `use` and closes the connection.
/// threads   that of the io_context
asio::awaitable<void> become_websocket(
    http_connection& from, const std::function<asio::awaitable<void>(message_channel&)>& use);

}  // namespace vultus::api
