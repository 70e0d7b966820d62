// See serve.hpp.
#include "api/fetcher/serve.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace vultus::fetcher {
namespace {

bool write_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

result<fetched> carry_out(const fetch_order& order, const trust& trusted, const resolver& ask,
                          const narrowing& narrow) {
    const auto addresses = checked_addresses(order.url.host, order.inside, ask);
    // Also before a refusal: the answer is written by a process that can do no more.
    if (!narrow()) return fail(errc::internal, "vultus-fetcher cannot be confined on this kernel");
    if (!addresses) return fail(addresses.error());
    return transfer(order, *addresses, trusted);
}

result<fetch_order> read_order(int socket) {
    std::string text;
    std::array<char, 1'024> piece{};
    while (!is_whole_order(text) && text.size() <= fetch_message_bytes) {
        const auto came = ::recv(socket, piece.data(), piece.size(), 0);
        if (came < 0 && errno == EINTR) continue;
        if (came <= 0) return fail(errc::malformed, "No order");
        text.append(piece.data(), static_cast<std::size_t>(came));
    }
    return parse_fetch_order(text);
}

void write_answer(int socket, const result<fetched>& made) {
    fetch_answer answer;
    if (!made) {
        answer.why = made.error();
    } else if (!made->redirect.empty()) {
        answer.redirect = made->redirect;
    } else {
        answer.bytes = made->photo.size();
    }
    if (!write_all(socket, text_of(answer)) || !made || !made->redirect.empty()) return;
    write_all(socket, made->photo);
}

}  // namespace vultus::fetcher
