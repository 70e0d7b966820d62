// The client against a real redis-server: order, limits, and the errors of calls when the server is
// killed, frozen or slow.
#include "shared/store/redis_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "shared/base/limits.hpp"
#include "shared/store/redis_blocking.hpp"
#include "tests/support/redis_server_support.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;

constexpr redis_timeouts quick{milliseconds(2'000), milliseconds(300), milliseconds(15'000)};

void turn(redis_client& client) {
    pollfd one{client.fd(), 0, 0};
    if (client.wants_read()) one.events |= POLLIN;
    if (client.wants_write()) one.events |= POLLOUT;
    const auto wait = std::min(client.next_timer() - boot_now(), milliseconds(1'000));
    ::poll(&one, 1, std::max(0, static_cast<int>(wait.count())));
    client.on_polled((one.revents & ~POLLOUT) != 0, (one.revents & ~POLLIN) != 0, boot_now());
}

template <class Until>
void drive(redis_client& client, Until until) {
    const boot_time patience = boot_now() + std::chrono::seconds(20);
    while (!until()) {
        ASSERT_LT(boot_now(), patience) << "it did not come";
        turn(client);
    }
}

std::string code_of(const result<redis_reply>& reply) {
    return reply ? "reply" : std::string(name_of(reply.error().code));
}

struct connected_client {
    explicit connected_client(const redis_address& where, redis_timeouts timeouts = quick)
        : client(where, timeouts) {
        drive(client, [&] { return client.connected(); });
    }
    redis_client client;
};

TEST(redis_client, replies_come_in_the_order_of_their_commands) {
    redis_server server;
    redis_client client(server.address(), {});
    std::vector<int> order;
    for (int i = 0; i < 1'000; ++i) {  // given before the connection is there
        client.send({"ECHO", std::to_string(i)}, [&order, i](result<redis_reply> reply) {
            ASSERT_TRUE(reply);
            EXPECT_EQ(reply->text, std::to_string(i));
            order.push_back(i);
        });
    }
    drive(client, [&] { return order.size() == 1'000; });
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(redis_client, replies_of_every_kind_and_size) {
    redis_server server;
    redis_blocking redis(server.address());
    std::string large(12 * limits::mib, '\0');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3U);
    ASSERT_EQ(redis.call({"SET", "k", large})->text, "OK");
    EXPECT_TRUE(redis.call({"GET", "k"})->text == large);
    EXPECT_EQ(redis.call({"GET", "none"})->type, redis_reply::kind::nil);
    EXPECT_EQ(redis.call({"INCRBY", "n", "-5"})->integer, -5);
    EXPECT_TRUE(redis.call({"NONSENSE"})->is_error());
    const auto array = redis.call({"MGET", "n", "none"});
    ASSERT_EQ(array->items.size(), 2U);
    EXPECT_EQ(array->items[0].text, "-5");
    EXPECT_EQ(array->items[1].type, redis_reply::kind::nil);
}

TEST(redis_client, photos_follow_the_words_and_are_not_copied) {
    redis_server server;
    connected_client one(server.address());
    const shared_bytes large(std::string(3'000'000, 'x'));
    const shared_bytes small("short");
    int done = 0;
    const auto good = [&](const result<redis_reply>& reply) {
        EXPECT_TRUE(reply && !reply->is_error());
        ++done;
    };
    server.freeze();
    one.client.send({"RPUSH", "list", "word"}, good, {large, small, large});
    EXPECT_EQ(large.owner().use_count(), 3) << "the command shares them";
    server.resume();
    drive(one.client, [&] { return done == 1; });
    EXPECT_EQ(large.owner().use_count(), 1) << "released";
    std::optional<redis_reply> list;
    one.client.send({"LRANGE", "list", "0", "-1"},
                    [&](result<redis_reply> reply) { list = std::move(*reply); });
    drive(one.client, [&] { return list.has_value(); });
    ASSERT_EQ(list->items.size(), 4U);
    EXPECT_EQ(list->items[0].text, "word");
    EXPECT_TRUE(list->items[1].text == large.view() && list->items[3].text == large.view());
    EXPECT_EQ(list->items[2].text, "short");
}

TEST(redis_client, a_callback_may_send) {
    redis_server server;
    connected_client one(server.address());
    int left = 100;
    std::function<void(result<redis_reply>)> again = [&](result<redis_reply> reply) {
        ASSERT_TRUE(reply);
        if (--left > 0) one.client.send({"PING"}, again);
    };
    one.client.send({"PING"}, again);
    drive(one.client, [&] { return left == 0; });
}

TEST(redis_client, a_kill_makes_sent_commands_unknown_and_later_ones_unavailable) {
    redis_server server;
    connected_client one(server.address());
    std::vector<std::string> told;
    std::vector<bool> changes;
    one.client.set_on_change([&](bool now) { changes.push_back(now); });
    const auto note = [&](result<redis_reply> reply) { told.push_back(code_of(reply)); };
    server.freeze();
    one.client.send({"INCR", "n"}, note);
    while (one.client.wants_write()) turn(one.client);
    one.client.send({"INCR", "n"}, note);  // still here
    EXPECT_TRUE(told.empty());
    server.kill();
    drive(one.client, [&] { return told.size() == 2; });
    EXPECT_EQ(told, (std::vector<std::string>{"unknown_outcome", "store_unavailable"}));
    EXPECT_FALSE(one.client.connected());
    one.client.send({"INCR", "n"}, note);
    EXPECT_EQ(told.back(), "store_unavailable");
    EXPECT_EQ(told.size(), 3U);
    server.start();
    drive(one.client, [&] { return one.client.connected(); });
    EXPECT_EQ(changes, (std::vector<bool>{false, true}));
    one.client.send({"INCR", "n"}, note);
    drive(one.client, [&] { return told.size() == 4; });
    EXPECT_EQ(told.back(), "reply");
}

TEST(redis_client, a_frozen_server_is_noticed_by_the_command_timer) {
    redis_server server;
    connected_client one(server.address());
    std::vector<std::string> told;
    server.freeze();
    one.client.send({"INCR", "n"},
                    [&](result<redis_reply> reply) { told.push_back(code_of(reply)); });
    drive(one.client, [&] { return !told.empty(); });
    EXPECT_EQ(told.back(), "unknown_outcome");
    EXPECT_FALSE(one.client.connected());
    // The frozen server's socket still takes connections; nothing is sent into it.
    drive(one.client, [&] { return one.client.fd() >= 0; });
    one.client.send({"INCR", "n"},
                    [&](result<redis_reply> reply) { told.push_back(code_of(reply)); });
    drive(one.client, [&] { return told.size() == 2; });
    EXPECT_EQ(told.back(), "store_unavailable");
    server.resume();
    drive(one.client, [&] { return one.client.connected(); });
}

TEST(redis_client, a_paused_server_is_a_timeout_too) {
    redis_server server;
    connected_client one(server.address());
    redis_blocking other(server.address());
    ASSERT_TRUE(other.call({"CLIENT", "PAUSE", "3000", "WRITE"}));
    std::string told;
    one.client.send({"SET", "k", "v"}, [&](result<redis_reply> reply) { told = code_of(reply); });
    drive(one.client, [&] { return !told.empty(); });
    EXPECT_EQ(told, "unknown_outcome");
}

TEST(redis_client, the_number_of_waiting_commands_is_bounded) {
    redis_server server;
    connected_client one(server.address());
    std::size_t refused = 0, answered = 0;
    for (std::size_t i = 0; i < limits::redis_outstanding + 1; ++i) {
        EXPECT_EQ(refused, 0U);
        one.client.send({"PING"}, [&](result<redis_reply> reply) {
            (code_of(reply) == "store_unavailable" ? refused : answered) += 1;
        });
    }
    EXPECT_EQ(refused, 1U);
    drive(one.client, [&] { return answered == limits::redis_outstanding; });
    one.client.send({"PING"}, [&](result<redis_reply>) { ++answered; });
    EXPECT_EQ(refused, 1U) << "there is room again";
}

TEST(redis_client, the_bytes_of_waiting_commands_are_bounded) {
    redis_server server;
    connected_client one(server.address());
    std::string told;
    const auto note = [&](result<redis_reply> reply) { told = code_of(reply); };
    const std::string most(limits::redis_outstanding_bytes - 4, 'x');  // and "ECHO"
    one.client.send({"ECHO", most + "x"}, note);
    EXPECT_EQ(told, "store_unavailable");
    told.clear();
    one.client.send({"ECHO", most}, note);
    EXPECT_EQ(told, "");
    one.client.send({"PING"}, note);
    EXPECT_EQ(told, "store_unavailable");
}

TEST(redis_client, an_idle_connection_is_proven) {
    redis_server server;
    connected_client one(server.address(),
                         {milliseconds(2'000), milliseconds(200), milliseconds(50)});
    server.freeze();
    drive(one.client, [&] { return !one.client.connected(); });
    server.resume();
    drive(one.client, [&] { return one.client.connected(); });
}

TEST(redis_client, a_password_is_given_and_a_wrong_one_never_connects) {
    redis_server server;
    redis_blocking admin(server.address());
    ASSERT_EQ(admin.call({"CONFIG", "SET", "requirepass", "s3cret"})->text, "OK");
    redis_address right = server.address();
    right.password = "s3cret";
    EXPECT_EQ(redis_blocking(right).call({"PING"})->text, "PONG");
    redis_address wrong = right;
    wrong.password = "other";
    for (const redis_address& where : {wrong, server.address()}) {
        redis_blocking refused(where, {milliseconds(200), milliseconds(200), milliseconds(0)});
        EXPECT_EQ(code_of(refused.call({"PING"})), "store_unavailable");
    }
}

TEST(redis_client, over_tcp_and_where_nobody_is) {
    redis_address nobody;
    nobody.port = 1;  // tcpmux: not used here
    redis_blocking redis(nobody, {milliseconds(200), milliseconds(200), milliseconds(0)});
    EXPECT_EQ(code_of(redis.call({"PING"})), "store_unavailable");
    redis_address too_long;
    too_long.unix_socket = std::string(200, '/');
    redis_blocking other(too_long, {milliseconds(100), milliseconds(100), milliseconds(0)});
    EXPECT_EQ(code_of(other.call({"PING"})), "store_unavailable");
}

TEST(redis_blocking, finds_a_server_that_was_started_again) {
    redis_server server;
    redis_blocking redis(server.address());
    EXPECT_TRUE(redis.call({"SET", "k", "v"}));
    server.kill();
    server.start();
    const auto reply = redis.call({"GET", "k"});
    ASSERT_TRUE(reply) << reply.error().detail;
    EXPECT_EQ(reply->text, "v");
}

}  // namespace
}  // namespace vultus
