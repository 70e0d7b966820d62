// Who gets in when the links are encrypted: the answers that ZeroMQ is given, and what sockets of
// the real kind then do to peers of every kind.
#include "broker/zap_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "shared/security/secret.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string key_a(32, 'a'), key_b(32, 'b'), key_c(32, 'c');
const allow_list two{{"w", peer_role::worker, key_a}, {"api", peer_role::api, key_b}};

std::vector<std::string> request(const std::string& domain, const std::string& key) {
    return {"", "1.0", "1", domain, "10.0.0.7", "w.1", "CURVE", key};
}

TEST(zap_reply, admits_a_key_at_the_socket_of_its_role) {
    EXPECT_THAT(reply_to(two, request("worker", key_a)).answer,
                ElementsAre("", "1.0", "1", "200", "OK", "w", ""));
    EXPECT_TRUE(reply_to(two, request("api", key_b)).admitted);
}

TEST(zap_reply, admits_no_other_peer) {
    const auto refused = [](const std::vector<std::string>& asked, const char* status) {
        const zap_reply reply = reply_to(two, asked);
        EXPECT_FALSE(reply.admitted);
        EXPECT_EQ(reply.answer.size(), 7U);
        EXPECT_EQ(reply.answer.at(3), status);
        EXPECT_EQ(reply.answer.at(5), "") << "nobody has no name";
        return reply.why;
    };
    EXPECT_EQ(refused(request("worker", key_c), "400"), "key is not on the list");
    EXPECT_EQ(refused(request("worker", key_b), "400"), "key is for the other socket");
    EXPECT_EQ(refused(request("api", key_a), "400"), "key is for the other socket");
    EXPECT_EQ(refused(request("", key_a), "400"), "key is not on the list");
    EXPECT_EQ(refused(request("worker", ""), "400"), "key is not on the list");
    for (const char* mechanism : {"NULL", "PLAIN", "GSSAPI", ""}) {
        auto asked = request("worker", key_a);
        asked[6] = mechanism;
        EXPECT_EQ(refused(asked, "400"), "peer has no key");
        asked.pop_back();
        EXPECT_EQ(refused(asked, "400"), "peer has no key");
    }
    auto two_keys = request("worker", key_a);
    two_keys.push_back(key_b);
    EXPECT_EQ(refused(two_keys, "400"), "peer has no key");
    auto later = request("worker", key_a);
    later[1] = "2.0";
    refused(later, "500");
    refused({}, "500");
    refused({"", "1.0"}, "500");
    EXPECT_FALSE(reply_to({}, request("worker", key_a)).admitted);
}

TEST(zap_reply, names_the_origin_of_a_refusal) {
    const zap_reply reply = reply_to(two, request("worker", key_c));
    EXPECT_EQ(reply.address, "10.0.0.7");
    EXPECT_EQ(reply.key, hex_of(key_c));
}

struct peer {
    zmq_socket socket;
    std::string id;
};

/// A broker's two sockets with their zap_handler, and the secrets of whoever may connect.
class gate {
 public:
    explicit gate(const std::string& kind = "ipc") {
        settings.own = random_secret();
        settings.allow_list = folder_.path() + "/allowed";
        write({{"w", peer_role::worker, public_key_of(worker)},
               {"w2", peer_role::worker, public_key_of(other_worker)},
               {"api", peer_role::api, public_key_of(api)}});
        auto opened = zap_handler::open(context, settings);
        EXPECT_TRUE(opened) << opened.error().detail;
        keeper = std::move(*opened);
        const auto place = [&](const char* name) {
            return kind == "tcp" ? "tcp://127.0.0.1:*" : "ipc://" + folder_.path() + "/" + name;
        };
        workers.emplace(std::move(
            *zmq_socket::router(context, place("workers"), keeper->options(side::worker))));
        apis.emplace(
            std::move(*zmq_socket::router(context, place("apis"), keeper->options(side::api))));
    }

    void write(const allow_list& list, const std::string& more = "") {
        std::ofstream file(settings.allow_list);
        for (const allowed_peer& one : list) file << line_of(one);
        file << more << std::flush;
        chmod(settings.allow_list.c_str(), 0644);
    }

    peer come(zmq_socket& to, const std::string& own, std::string server = "") {
        static int count = 0;
        zmq_options options;
        options.linger = milliseconds(0);
        if (server.empty()) server = public_key_of(settings.own);
        if (!own.empty()) options.curve = {own, server, {}};
        const std::string id = "p." + std::to_string(++count);
        return {std::move(*zmq_socket::dealer(context, to.endpoint(), id, options)), id};
    }

    template <class Until>
    bool turn_until(Until until, milliseconds patience = seconds(20)) {
        const boot_time end = boot_now() + patience;
        while (!until()) {
            if (boot_now() >= end) return false;
            if (keeper) keeper->answer();
            poll_item one{keeper ? &keeper->socket() : &*workers};
            poll(std::span(&one, 1), milliseconds(5));
        }
        return true;
    }

    /// Speaks and is heard, and hears the answer.
    bool speaks(peer& one, zmq_socket& with) {
        std::optional<std::vector<shared_bytes>> heard;
        return turn_until([&] { return one.socket.send({"hello"}) == sent::ok; }) &&
               turn_until([&] { return (heard = with.receive()).has_value(); }) &&
               *heard == std::vector<shared_bytes>{one.id, "hello"} &&
               with.send({one.id, "welcome"}) == sent::ok &&
               turn_until([&] { return (heard = one.socket.receive()).has_value(); }) &&
               heard->at(0) == "welcome";
    }

    /// The socket has refused it, and nothing of it was delivered.
    bool is_kept_out(peer& one, zmq_socket& by) {
        const auto before = by.handshakes();
        const bool refused = turn_until([&] {
            EXPECT_NE(one.socket.send({"let me in"}), sent::ok);
            return by.handshakes().refused > before.refused;
        });
        EXPECT_EQ(one.socket.handshakes().good, 0U);
        EXPECT_EQ(by.handshakes().good, before.good);
        EXPECT_EQ(by.receive(), std::nullopt);
        EXPECT_EQ(by.send({one.id, "secret"}), sent::unreachable);
        return refused;
    }

    zmq_context context;
    curve_settings settings;
    const std::string worker = random_secret(), other_worker = random_secret(),
                      api = random_secret();
    std::unique_ptr<zap_handler> keeper;  ///< before the sockets, so that it ends after them
    std::optional<zmq_socket> workers, apis;

 private:
    temporary_folder folder_;
};

class gate_over : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(transports, gate_over, testing::Values("ipc", "tcp"));

TEST_P(gate_over, known_keys_speak_at_their_own_socket) {
    gate g(GetParam());
    peer worker = g.come(*g.workers, g.worker), api = g.come(*g.apis, g.api);
    EXPECT_TRUE(g.speaks(worker, *g.workers));
    EXPECT_TRUE(g.speaks(api, *g.apis));
}

TEST_P(gate_over, nobody_else_is_heard_or_told_anything) {
    gate g(GetParam());
    for (zmq_socket* one : {&*g.workers, &*g.apis}) {
        peer plain = g.come(*one, "");
        EXPECT_TRUE(g.is_kept_out(plain, *one)) << "without a key";
        peer stranger = g.come(*one, random_secret());
        EXPECT_TRUE(g.is_kept_out(stranger, *one)) << "a key that nobody knows";
        peer astray = g.come(*one, one == &*g.workers ? g.api : g.worker);
        EXPECT_TRUE(g.is_kept_out(astray, *one)) << "a key of the other socket";
        peer misled =
            g.come(*one, one == &*g.workers ? g.worker : g.api, public_key_of(random_secret()));
        EXPECT_TRUE(g.is_kept_out(misled, *one)) << "it takes the broker for another";
    }
}

TEST(gate, a_peer_does_not_speak_to_a_false_broker) {
    gate real, fake;
    peer worker = real.come(*fake.workers, real.worker);  // it expects the real one's key
    EXPECT_TRUE(real.turn_until([&] {
        fake.keeper->answer();
        EXPECT_NE(worker.socket.send({"hello"}), sent::ok);
        return fake.workers->handshakes().refused > 0;
    }));
    EXPECT_EQ(worker.socket.handshakes().good, 0U);
}

TEST(gate, without_a_zap_handler_nobody_gets_in) {
    gate g;
    g.keeper.reset();
    peer worker = g.come(*g.workers, g.worker);
    EXPECT_TRUE(g.is_kept_out(worker, *g.workers));
}

TEST_P(gate_over, proves_that_both_sockets_are_shut) {
    gate g(GetParam());
    const auto proven = g.keeper->prove(*g.workers, *g.apis);
    EXPECT_TRUE(proven) << proven.error().detail;
    EXPECT_EQ(g.workers->receive(), std::nullopt);
    // What the proof came with opens nothing afterwards, and the list is as it was.
    peer worker = g.come(*g.workers, g.worker);
    EXPECT_TRUE(g.speaks(worker, *g.workers));
}

TEST(gate, sees_sockets_that_let_in_too_many_or_nobody) {
    gate g;
    const auto verdict = [&](const zmq_options& options) {
        const auto odd = zmq_socket::router(g.context, "tcp://127.0.0.1:*", options);
        const auto proven = g.keeper->prove(*odd, *g.apis);
        return proven ? "proven" : proven.error().detail;
    };
    // A plain one lets in who has no key and refuses the others; which is seen first is open.
    EXPECT_THAT(verdict({}), HasSubstr("at the socket for workers was"));
    zmq_options odd = g.keeper->options(side::worker);
    odd.curve.domain = "api";
    EXPECT_THAT(verdict(odd), HasSubstr("at the socket for workers was"));
    odd.curve.domain = "nonsense";
    EXPECT_THAT(verdict(odd), HasSubstr("a valid key at the socket for workers was "
                                        "refused"));
    odd = g.keeper->options(side::worker);
    odd.curve.own = random_secret();  // other keys than those that peers expect
    EXPECT_THAT(verdict(odd), HasSubstr("self-test of the links failed"));
}

TEST_P(gate_over, who_was_taken_off_the_list_is_cut_off) {
    gate g(GetParam());
    peer gone = g.come(*g.workers, g.worker), stays = g.come(*g.workers, g.other_worker);
    ASSERT_TRUE(g.speaks(gone, *g.workers));
    ASSERT_TRUE(g.speaks(stays, *g.workers));
    boot_time now = boot_now();
    EXPECT_FALSE(g.keeper->reread(now)) << "nothing changed";
    g.write({{"w2", peer_role::worker, public_key_of(g.other_worker)},
             {"api", peer_role::api, public_key_of(g.api)}});
    EXPECT_FALSE(g.keeper->reread(now)) << "it looks once in a second";
    EXPECT_TRUE(g.keeper->reread(now += seconds(1)));
    const std::string place = g.workers->endpoint();
    const auto open = g.workers->reopen();
    ASSERT_TRUE(open) << open.error().detail;
    EXPECT_EQ(g.workers->endpoint(), place);
    EXPECT_EQ(g.workers->send({gone.id, "a photo"}), sent::unreachable);
    std::optional<std::vector<shared_bytes>> heard;
    EXPECT_TRUE(g.turn_until([&] {
        stays.socket.send({"again"});
        return (heard = g.workers->receive()).has_value();
    }));
    EXPECT_EQ(*heard, (std::vector<shared_bytes>{stays.id, "again"}));
    EXPECT_TRUE(g.turn_until([&] {
        gone.socket.send({"still here?"});
        while ((heard = g.workers->receive())) EXPECT_EQ(heard->at(0), stays.id);
        return g.workers->handshakes().refused > 0;
    }));
    EXPECT_EQ(g.workers->send({gone.id, "a photo"}), sent::unreachable);
}

TEST(gate, a_list_that_grows_disturbs_nobody_and_a_broken_one_changes_nothing) {
    gate g;
    const std::string fresh = random_secret();
    const allow_list before = *read_allow_list(g.settings.allow_list);
    boot_time now = boot_now();
    g.write(before, "fresh worker " + hex_of(public_key_of(fresh)) + "\n");
    EXPECT_FALSE(g.keeper->reread(now += seconds(1)));
    peer one = g.come(*g.workers, fresh);
    EXPECT_TRUE(g.speaks(one, *g.workers));
    g.write({}, "nonsense\n");
    EXPECT_FALSE(g.keeper->reread(now += seconds(1)));
    std::filesystem::remove(g.settings.allow_list);
    EXPECT_FALSE(g.keeper->reread(now += seconds(1)));
    peer again = g.come(*g.workers, g.worker);
    EXPECT_TRUE(g.speaks(again, *g.workers));
    g.write({});
    EXPECT_TRUE(g.keeper->reread(now += seconds(1)));
    peer late = g.come(*g.workers, g.worker);
    EXPECT_TRUE(g.is_kept_out(late, *g.workers));
}

TEST(gate, who_was_refused_comes_again_and_gets_in_once_it_is_on_the_list) {
    gate g;
    const std::string fresh = random_secret();
    peer one = g.come(*g.workers, fresh);
    ASSERT_TRUE(g.is_kept_out(one, *g.workers));
    g.write({{"fresh", peer_role::worker, public_key_of(fresh)}});
    g.keeper->reread(boot_now() + seconds(1));
    EXPECT_TRUE(g.speaks(one, *g.workers));
}

TEST(gate, does_not_open_without_a_list_that_can_be_read) {
    gate g;
    zmq_context context;
    const auto why = [&] {
        const auto made = zap_handler::open(context, g.settings);
        return made ? "opened" : made.error().detail;
    };
    g.write({}, "nonsense\n");
    EXPECT_THAT(why(), HasSubstr("/allowed:1: must be: name role key"));
    std::filesystem::remove(g.settings.allow_list);
    EXPECT_THAT(why(), HasSubstr("/allowed does not exist"));
}

}  // namespace
}  // namespace vultus::broker
