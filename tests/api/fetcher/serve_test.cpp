// The fetcher's work without its process: names that change their address, and servers that do
// not keep to HTTP.
#include "api/fetcher/serve.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace vultus::fetcher {
namespace {

/// Answers each connection to 127.0.0.1 with a text, and counts them.
class server {
 public:
    explicit server(std::string text) : text_(std::move(text)) {
        listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        ::bind(listening_, reinterpret_cast<sockaddr*>(&at), size);
        ::listen(listening_, 8);
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size);
        port = ntohs(at.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~server() {
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        ::close(listening_);
    }

    std::uint16_t port = 0;
    std::atomic<int> connections{0};

 private:
    void serve() {
        for (int one = 0; (one = ::accept(listening_, nullptr, nullptr)) >= 0;) {
            ++connections;
            char request[4'096];
            if (::recv(one, request, sizeof request, 0) > 0) {
                ::send(one, text_.data(), text_.size(), MSG_NOSIGNAL);
            }
            ::close(one);
        }
    }
    std::string text_;
    int listening_ = -1;
    std::thread thread_;
};

fetch_order order_for(const std::string& host, std::uint16_t port, bool inside = true) {
    return {{false, host, port, "/a"}, inside, 1'000, std::chrono::milliseconds(3'000), {}};
}

result<fetched> carried_out(const fetch_order& order, const resolver& ask) {
    const auto trusted = prepare_transfer(order);
    EXPECT_TRUE(trusted);
    return carry_out(order, *trusted, ask, [] { return true; });
}

resolver always(std::vector<std::string> addresses) {
    return [addresses](const std::string&) -> result<std::vector<ip_address>> {
        std::vector<ip_address> found;
        for (const auto& one : addresses) found.push_back(*parse_ip_address(one));
        return found;
    };
}

constexpr const char* good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nphoto";

TEST(fetcher, a_name_is_looked_up_once_and_that_address_is_connected_to) {
    server there(good);
    int asked = 0;
    // The second look-up would lead elsewhere.
    const resolver rebinds = [&](const std::string&) -> result<std::vector<ip_address>> {
        return std::vector{*parse_ip_address(++asked == 1 ? "127.0.0.1" : "169.254.169.254")};
    };
    const auto made = carried_out(order_for("photos.example", there.port), rebinds);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->photo, "photo");
    EXPECT_EQ(asked, 1);
    // Each redirect is an order of its own, and its look-up is checked as the first was.
    const auto next = carried_out(order_for("photos.example", there.port), rebinds);
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().code, errc::url_refused);
    EXPECT_EQ(there.connections, 1);
}

TEST(fetcher, one_bad_address_among_good_ones_refuses_all) {
    server there(good);
    for (const char* bad :
         {"169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "ff02::1"}) {
        const auto made =
            carried_out(order_for("a.example", there.port), always({"127.0.0.1", bad}));
        ASSERT_FALSE(made) << bad;
        EXPECT_EQ(made.error().code, errc::url_refused) << bad;
    }
    const auto outside =
        carried_out(order_for("a.example", there.port, false), always({"127.0.0.1"}));
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error().code, errc::url_refused);
    EXPECT_EQ(there.connections, 0);
}

TEST(fetcher, a_socket_to_another_address_is_refused) {
    server there(good);
    // As if libcurl had looked the name up itself.
    const auto trusted = prepare_transfer(order_for("127.0.0.1", there.port));
    const auto made =
        transfer(order_for("127.0.0.1", there.port), {*parse_ip_address("192.0.2.1")}, *trusted);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::url_refused);
    EXPECT_EQ(there.connections, 0);
}

TEST(fetcher, the_body_has_a_limit_to_the_byte) {
    for (const std::size_t size : {999U, 1'000U, 1'001U}) {
        for (const bool told : {true, false}) {
            const std::string body(size, 'x');
            server there("HTTP/1.1 200 OK\r\n" +
                         (told ? "Content-Length: " + std::to_string(size) + "\r\n" : "") +
                         "Connection: close\r\n\r\n" + body);
            const auto made = carried_out(order_for("127.0.0.1", there.port), always({}));
            if (size <= 1'000) {
                ASSERT_TRUE(made) << made.error().detail;
                EXPECT_EQ(made->photo, body);
            } else {
                ASSERT_FALSE(made);
                EXPECT_EQ(made.error().code, errc::too_large);
            }
        }
    }
}

TEST(fetcher, servers_that_do_not_keep_to_http) {
    for (const char* text :
         {"", "x", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nphoto",
          "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
          "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "HTTP/0.9 200\r\n\r\n",
          "HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        server there(text);
        const auto made = carried_out(order_for("127.0.0.1", there.port), always({}));
        ASSERT_FALSE(made) << text;
        EXPECT_EQ(made.error().code, errc::fetch_failed) << text;
    }
}

TEST(fetcher, a_redirect_is_told_and_not_followed) {
    server there("HTTP/1.1 307 X\r\nLocation: ../b?c\r\nContent-Length: 0\r\n\r\n");
    const auto made = carried_out(order_for("127.0.0.1", there.port), always({}));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->redirect, "http://127.0.0.1:" + std::to_string(there.port) + "/b?c");
    EXPECT_EQ(there.connections, 1);
}

TEST(fetcher, without_its_confinement_nothing_is_transferred) {
    server there(good);
    const auto order = order_for("127.0.0.1", there.port);
    const auto made = carry_out(order, *prepare_transfer(order), always({}), [] { return false; });
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::internal);
    EXPECT_EQ(there.connections, 0);
}

}  // namespace
}  // namespace vultus::fetcher
