// What vultus-api and vultus-fetcher tell each other over a socket pair: one order, one answer, and
// the fetcher ends. Texts of lines, because their values were checked to hold no line break. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/fetch/photo_url.hpp"

namespace vultus {

constexpr int fetcher_socket = 3;                   ///< the descriptor of the fetcher's end
constexpr std::size_t fetch_message_bytes = 8'192;  ///< of an order, and of an answer's first line

/// One request to one server; a redirect is an order of its own.
struct fetch_order {
    photo_url url;
    bool inside = false;        ///< addresses inside may be connected to (ip_range.hpp)
    std::size_t bytes_max = 0;  ///< of the body
    std::chrono::milliseconds time{0};
    std::string authorities;  ///< PEM file of certificate authorities; empty: the system's
};

std::string text_of(const fetch_order& order);
/// Whether all of an order has arrived.
bool is_whole_order(std::string_view text) noexcept;
/// errors    malformed
result<fetch_order> parse_fetch_order(std::string_view text);

/// The first line of an answer. Either a number of bytes follows, or `redirect`, or an error.
struct fetch_answer {
    std::size_t bytes = 0;  ///< of the photo; they follow
    std::string redirect;   ///< the absolute URL that the server names
    std::optional<error> why;
};

/// With its line break; other line breaks, which a server may have sent, become spaces.
std::string text_of(const fetch_answer& answer);
/// errors    malformed
result<fetch_answer> parse_fetch_answer(std::string_view line);

}  // namespace vultus
