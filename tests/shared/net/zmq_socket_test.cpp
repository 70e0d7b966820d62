// The sockets: whole messages over ipc and tcp, and every reason why one is not sent.
#include "shared/net/zmq_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clock.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using frames = std::vector<shared_bytes>;

std::string new_endpoint() {
    static int count = 0;
    return "ipc:///tmp/vultus-zmq-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

struct pair {
    explicit pair(const std::string& where, zmq_options options = {.linger = milliseconds(0)}) {
        auto made = zmq_socket::router(context, where, options);
        EXPECT_TRUE(made) << made.error().detail;
        router = std::make_unique<zmq_socket>(std::move(*made));
        endpoint = router->endpoint();
        dealer = connect("d.1", options);
    }
    ~pair() {
        if (endpoint.starts_with("ipc://")) unlink(endpoint.c_str() + 6);
    }
    std::unique_ptr<zmq_socket> connect(const std::string& id, zmq_options options) {
        auto made = zmq_socket::dealer(context, endpoint, id, options);
        EXPECT_TRUE(made) << made.error().detail;
        return std::make_unique<zmq_socket>(std::move(*made));
    }

    zmq_context context;
    std::unique_ptr<zmq_socket> router, dealer;
    std::string endpoint;
};

template <class Until>
void wait_for(zmq_socket& socket, Until until) {
    const boot_time patience = boot_now() + std::chrono::seconds(20);
    while (!until()) {
        ASSERT_LT(boot_now(), patience) << "it did not come";
        poll_item one{&socket};
        poll(std::span(&one, 1), milliseconds(20));
    }
}

frames received(zmq_socket& socket) {
    std::optional<frames> message;
    wait_for(socket, [&] { return (message = socket.receive()).has_value(); });
    return message.value_or(frames{});
}

/// A DEALER refuses until its connection is there (ZMQ_IMMEDIATE).
void send(zmq_socket& socket, const frames& message) {
    wait_for(socket, [&] { return socket.send(message) == sent::ok; });
}

TEST(zmq_socket, whole_messages_go_both_ways) {
    for (const std::string& where : {new_endpoint(), std::string("tcp://127.0.0.1:*")}) {
        pair two(where);
        const std::string binary("\0\xFF\0", 3);
        send(*two.dealer, {"a", binary, "", std::string(1'000'000, 'x')});
        EXPECT_THAT(received(*two.router),
                    ElementsAre("d.1", "a", binary, "", std::string(1'000'000, 'x')));
        EXPECT_EQ(two.router->send({"d.1", "b", ""}), sent::ok);
        EXPECT_THAT(received(*two.dealer), ElementsAre("b", ""));
        EXPECT_EQ(two.dealer->receive(), std::nullopt);
    }
}

TEST(zmq_socket, a_large_frame_is_shared_and_not_copied) {
    const shared_bytes photo(std::string(1'000'000, 'x'));
    pair two("inproc://one-buffer");  // without a network in between the buffer itself arrives
    send(*two.dealer, {"small", photo});
    auto arrived = received(*two.router);
    ASSERT_EQ(arrived.size(), 3U);
    EXPECT_EQ(arrived[2].data(), photo.data()) << "sent and received without a copy";
    EXPECT_GT(photo.owner().use_count(), 1) << "ZeroMQ keeps it";
    EXPECT_EQ(two.router->send({"d.1", "back", arrived[2]}), sent::ok);
    arrived.clear();
    EXPECT_EQ(received(*two.dealer).at(1).data(), photo.data()) << "forwarded without a copy";
    EXPECT_EQ(photo.owner().use_count(), 1) << "all released";
}

TEST(zmq_socket, a_large_frame_is_released_when_it_is_sent_or_dropped) {
    const shared_bytes photo(std::string(1'000'000, 'x'));
    {
        pair two(new_endpoint());
        send(*two.dealer, {photo});
        EXPECT_EQ(received(*two.router).at(1), photo);
        wait_for(*two.router, [&] { return photo.owner().use_count() == 1; });
        EXPECT_EQ(two.router->send({"nobody", photo}), sent::unreachable);
        EXPECT_EQ(photo.owner().use_count(), 1) << "nothing of a refused message is kept";
        for (int i = 0; i < 10; ++i) two.dealer->send({photo});
    }
    EXPECT_EQ(photo.owner().use_count(), 1) << "the sockets are gone";
}

TEST(zmq_socket, a_router_says_that_it_does_not_know_the_peer) {
    pair two(new_endpoint());
    EXPECT_EQ(two.router->send({"nobody", "x"}), sent::unreachable);
    send(*two.dealer, {"hello"});
    received(*two.router);
    EXPECT_EQ(two.router->send({"d.1", "x"}), sent::ok);
    two.dealer.reset();
    wait_for(*two.router, [&] { return two.router->send({"d.1", "x"}) == sent::unreachable; });
}

TEST(zmq_socket, a_dealer_without_a_peer_keeps_nothing) {
    zmq_context context;
    auto dealer = zmq_socket::dealer(context, new_endpoint(), "d", {.linger = milliseconds(0)});
    ASSERT_TRUE(dealer);
    EXPECT_EQ(dealer->send({"x"}), sent::full);
}

TEST(zmq_socket, a_full_queue_says_so_and_takes_no_part_of_a_message) {
    pair two(new_endpoint(), {.high_water = 2, .linger = milliseconds(0)});
    const std::string large(200'000, 'x');
    int taken = 0;
    send(*two.dealer, {"0", large});
    while (two.dealer->send({std::to_string(++taken), large}) == sent::ok) ASSERT_LT(taken, 1'000);
    for (int i = 0; i < taken; ++i) {
        EXPECT_THAT(received(*two.router), ElementsAre("d.1", std::to_string(i), large));
    }
    EXPECT_EQ(two.router->receive(), std::nullopt);
}

TEST(zmq_socket, what_is_larger_than_the_limit_does_not_arrive) {
    const zmq_options small{.linger = milliseconds(0), .message_bytes_max = 1'000};
    pair two(new_endpoint(), small);
    send(*two.dealer, {std::string(1'000, 'a')});
    EXPECT_EQ(received(*two.router).at(1).size(), 1'000U);
    send(*two.dealer, {std::string(1'001, 'b')});
    // The connection is cut for it; the same socket comes back and what it sends then arrives.
    wait_for(*two.router, [&] { return two.router->send({"d.1", "x"}) == sent::unreachable; });
    // Until the dealer has noticed, what it sends goes the broken way: so it says it again.
    std::optional<frames> message;
    wait_for(*two.router, [&] {
        two.dealer->send({"after"});
        return (message = two.router->receive()).has_value();
    });
    EXPECT_THAT(message.value_or(frames{}), ElementsAre("d.1", "after"));
}

TEST(zmq_socket, a_message_of_too_many_frames_is_dropped_whole) {
    pair two(new_endpoint());
    send(*two.dealer, frames(16, "x"));  // 17 with the routing id
    send(*two.dealer, frames(15, "y"));
    EXPECT_EQ(received(*two.router).at(1), "y");
    EXPECT_EQ(two.router->receive(), std::nullopt);
}

TEST(zmq_socket, bad_endpoints_and_taken_ones_are_errors) {
    pair two(new_endpoint());
    const auto code = [&](const std::string& where) {
        const auto made = zmq_socket::router(two.context, where, {});
        return made ? std::string("ok") : std::string(name_of(made.error().code));
    };
    EXPECT_EQ(code(two.endpoint), "store_unavailable")
        << "another broker's socket is not taken over";
    EXPECT_EQ(code(""), "malformed");
    EXPECT_EQ(code("http://x"), "malformed");
    EXPECT_EQ(code("tcp://nonsense"), "malformed");
    EXPECT_EQ(code("ipc://"), "malformed");
    EXPECT_EQ(code("ipc:///tmp/" + std::string(103, 'x')), "malformed");
    EXPECT_EQ(code("ipc:///nowhere/x"), "store_unavailable");
    pair over_tcp("tcp://127.0.0.1:*");
    EXPECT_EQ(code(over_tcp.endpoint), "store_unavailable");
}

TEST(zmq_socket, a_path_that_a_dead_process_left_is_used_again) {
    const std::string where = new_endpoint();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    where.copy(address.sun_path, sizeof address.sun_path - 1, 6);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(fd);  // the path stays
    ASSERT_EQ(access(where.c_str() + 6, F_OK), 0);
    zmq_context context;
    EXPECT_TRUE(zmq_socket::router(context, where, {.linger = milliseconds(0)}));
    unlink(where.c_str() + 6);
}

TEST(poll, tells_sockets_and_descriptors_apart) {
    pair two(new_endpoint());
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    std::vector<poll_item> items{{two.router.get()}, {nullptr, ends[0]}};
    EXPECT_EQ(poll(items, milliseconds(0)), 0);
    ASSERT_EQ(write(ends[1], "x", 1), 1);
    EXPECT_EQ(poll(items, std::chrono::seconds(20)), 1);
    EXPECT_TRUE(items[1].readable);
    EXPECT_FALSE(items[0].readable);
    send(*two.dealer, {"x"});
    wait_for(*two.router, [&] { return poll(items, milliseconds(20)) == 2; });
    EXPECT_TRUE(items[0].readable && items[1].readable);
    close(ends[0]);
    close(ends[1]);
}

}  // namespace
}  // namespace vultus
