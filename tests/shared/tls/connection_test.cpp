// A connection accepts buffer sequences with any number of buffers and transfers each byte once.
#include "shared/tls/connection.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <vector>

namespace vultus::net {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Both ends of a plain connection over loopback.
struct both_ends {
    both_ends() : one(tcp::socket(io), nullptr), other(tcp::socket(io), nullptr) {
        tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        one.next_layer().connect(acceptor.local_endpoint());
        acceptor.accept(other.next_layer());
    }
    asio::io_context io{1};
    connection one, other;
};

TEST(connection, takes_the_first_pieces_that_hold_something) {
    const std::vector<std::string> texts{"", "a", "bc", "", "d", "e", "f", "g", "h", "i", "j"};
    std::vector<asio::const_buffer> all;
    for (const auto& text : texts) all.push_back(asio::buffer(text));
    const few_buffers<asio::const_buffer> first(all);
    EXPECT_EQ(first.end() - first.begin(), 8);
    EXPECT_EQ(asio::buffer_size(first), 9u);
    const few_buffers<asio::const_buffer> none(std::vector<asio::const_buffer>{});
    EXPECT_EQ(none.begin(), none.end());
}

TEST(connection, carries_every_byte_of_many_pieces_once) {
    both_ends ends;
    std::vector<std::string> texts;
    std::string whole;
    for (int i = 0; i < 100; ++i) {
        texts.emplace_back(static_cast<std::size_t>(i * 31 % 977), static_cast<char>('a' + i % 26));
        whole += texts.back();
    }
    std::vector<asio::const_buffer> pieces;
    for (const auto& text : texts) pieces.push_back(asio::buffer(text));
    std::size_t written = 0, got = 0;
    asio::async_write(ends.one, pieces, [&](auto bad, std::size_t size) {
        EXPECT_FALSE(bad);
        written = size;
    });
    std::string heard(whole.size(), ' ');
    asio::async_read(ends.other, asio::buffer(heard), [&](auto bad, std::size_t size) {
        EXPECT_FALSE(bad);
        got = size;
    });
    ends.io.run();
    EXPECT_EQ(written, whole.size());
    EXPECT_EQ(got, whole.size());
    EXPECT_EQ(heard, whole);
}

TEST(connection, what_waits_may_only_be_moved_and_is_told_when_it_breaks) {
    both_ends ends;
    std::string room(10, ' ');
    bool told = false;
    ends.one.async_read_some(asio::buffer(room),
                             [&told, only = std::make_unique<int>(7)](auto bad, std::size_t size) {
                                 EXPECT_EQ(bad, asio::error::eof);
                                 EXPECT_EQ(size, 0u);
                                 told = *only == 7;
                             });
    ends.other.next_layer().close();
    ends.io.run();
    EXPECT_TRUE(told);
    EXPECT_FALSE(ends.one.is_secure());
    EXPECT_EQ(ends.one.native_tls(), nullptr);
}

}  // namespace
}  // namespace vultus::net
