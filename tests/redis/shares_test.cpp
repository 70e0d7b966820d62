// Fair shares of stored data: unlimited until it is scarce, then at most an even share; and amounts
// are released with the data.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

class stored_shares : public redis_test {
 protected:
    words accept_by(int n, const std::string& client, accept_options options = {}) {
        auto given = accept_words(id_of(n), options);
        given[6] = client;
        return f("accept", given);
    }
    std::string held(const std::string& what, const std::string& holder) {
        return f.plain({"HGET", f.key("held:" + what), holder}).at(0);
    }
    /// How many are accepted before the first refusal, which is the answer's first two words.
    int until_refused(int from, const std::string& client, accept_options options,
                      std::string refusal = "full share") {
        for (int n = 0; n < 1'000; ++n) {
            if (!options.hash.empty()) options.hash = "h" + std::to_string(from + n);
            const auto answer = accept_by(from + n, client, options);
            if (answer.at(0) == "ok") continue;
            EXPECT_EQ(answer.at(0) + (answer.size() > 1 ? " " + answer[1] : ""), refusal);
            return n;
        }
        return -1;
    }
    void fill_memory(double part) {
        const auto info = f.plain({"INFO", "memory"}).at(0);
        const auto used = std::stod(info.substr(info.find("\nused_memory:") + 13));
        const auto most = static_cast<std::int64_t>(used / part);
        f.plain({"CONFIG", "SET", "maxmemory", std::to_string(most)});
    }
};

TEST_F(stored_shares, one_client_leaves_a_fourth_of_the_queue) {
    accept_options options;
    options.jobs_max = "16";
    EXPECT_EQ(until_refused(0, "a", options), 12);
    EXPECT_EQ(until_refused(100, "b", options, "full jobs"), 4);
}

TEST_F(stored_shares, one_client_leaves_a_fourth_of_the_bytes) {
    accept_options options;
    options.bytes_max = "80";  // 16 photos of 5 bytes
    EXPECT_EQ(until_refused(0, "a", options), 12);
    EXPECT_THAT(accept_by(50, "a", options), ElementsAre("full", "share", "60", "bytes"));
    EXPECT_EQ(until_refused(100, "b", options, "full bytes"), 4);
}

TEST_F(stored_shares, what_goes_is_counted_down) {
    accept_options options;
    options.hash = "h";
    accept_by(1, "a", options);
    accept_by(2, "a");
    EXPECT_EQ(held("jobs", "a"), "2");
    EXPECT_EQ(held("bytes", "a"), "10");
    EXPECT_EQ(held("keys", "a"), "1");
    f("cancel", {id_of(1)});
    EXPECT_EQ(held("jobs", "a"), "1");
    EXPECT_EQ(held("bytes", "a"), "5");
    f("cancel", {id_of(2)});
    EXPECT_EQ(held("jobs", "a"), "") << "absent, not 0";
    EXPECT_EQ(held("bytes", "a"), "");
    const auto known = f.plain({"ZRANGE", f.key("idempotency"), "0", "-1"});
    ASSERT_THAT(known, ElementsAre("h a"));
    f.plain({"ZADD", f.key("idempotency"), "1", "h a"});  // expired long ago
    accept_options next;
    next.hash = "i";
    accept_by(3, "b", next);
    EXPECT_EQ(held("keys", "a"), "");
    EXPECT_EQ(held("keys", "b"), "1");
}

TEST_F(stored_shares, a_dead_job_holds_its_bytes_and_no_place) {
    accept_by(1, "a");
    f("bury", {id_of(1)});
    EXPECT_EQ(held("jobs", "a"), "");
    EXPECT_EQ(held("bytes", "a"), "5");
    f("delete", {id_of(1)});
    EXPECT_EQ(held("bytes", "a"), "");
}

TEST_F(stored_shares, without_a_key_the_network_counts) {
    const std::pair<const char*, const char*> networks[] = {
        {"1.2.3.4", "1.2.3.4"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
        {"2001::1:2:3:4:5:6", "2001:0:1:2::/64"},
        {"::1", "0:0:0:0::/64"},
    };
    int n = 0;
    for (const auto& [address, network] : networks) {
        f.plain({"FLUSHALL"});
        EXPECT_EQ(accept_by(++n, std::string("anonymous ") + address).at(0), "ok");
        EXPECT_EQ(held("jobs", network), "1") << address;
    }
    accept_by(++n, "key 9.9.9.9");
    EXPECT_EQ(held("jobs", "key"), "1");
}

TEST_F(stored_shares, one_key_leaves_a_fourth_of_the_idempotency_keys) {
    const auto table = f.key("idempotency");
    f.plain({"EVAL", "for n = 1, 750000 do redis.call('ZADD', KEYS[1], 9e15, n .. ' a') end", "1",
             table});
    f.plain({"HSET", f.key("held:keys"), "a", "750000"});
    accept_options options;
    options.hash = "h";
    EXPECT_THAT(accept_by(1, "a", options), ElementsAre("full", "share", "750000", "keys"));
    EXPECT_THAT(f("change", {id_of(2), "clear", "c", "", "", "a", "", "h", "f"}),
                ElementsAre("full", "share", "750000", "keys"));
    EXPECT_EQ(accept_by(3, "b", options).at(0), "ok");
    EXPECT_EQ(accept_by(4, "a").at(0), "ok") << "no key, no share of keys";
    f.plain({"UNLINK", table, f.key("held:keys")});
}

TEST_F(stored_shares, when_memory_is_scarce_nothing_that_stays_is_taken_and_shares_count) {
    accept_by(1, "a");
    accept_options train;
    train.type = "train";
    train.label = "Ada";
    fill_memory(0.80);
    EXPECT_EQ(accept_by(2, "a", train).at(0), "ok");
    fill_memory(0.87);
    EXPECT_EQ(accept_by(3, "b", train).at(0), "oom");
    EXPECT_EQ(accept_by(4, "a").at(1), "share");
    EXPECT_EQ(accept_by(5, "b").at(0), "ok");
    fill_memory(0.95);
    EXPECT_EQ(accept_by(6, "c").at(0), "oom");
    f.plain({"CONFIG", "SET", "maxmemory", "3gb"});
}

TEST_F(stored_shares, fsck_finds_what_disagrees) {
    accept_options with_key;
    with_key.hash = "h";
    accept_by(1, "a", with_key);
    accept_by(2, "b");
    accept_by(3, "b");
    f("bury", {id_of(3)});
    ASSERT_EQ(f.problems(1), words{}) << "in small steps";
    const auto after = [&](const words& damage, const words& undo) {
        f.plain(damage);
        const auto found = f.problems(1);
        f.plain(undo);
        return found;
    };
    const auto by = [&](const char* what, const char* who, const char* n) {
        return words{"HINCRBY", f.key(std::string("held:") + what), who, n};
    };
    EXPECT_THAT(after(by("jobs", "a", "1"), by("jobs", "a", "-1")),
                ElementsAre("sum jobs_held: seen 2, stored 3"));
    EXPECT_THAT(after(by("bytes", "b", "-1"), by("bytes", "b", "1")),
                ElementsAre("sum bytes_held: seen 15, stored 14"));
    EXPECT_THAT(after(by("keys", "gone", "2"), {"HDEL", f.key("held:keys"), "gone"}),
                ElementsAre("sum keys_held: seen 1, stored 3"));
    EXPECT_THAT(after({"DEL", f.key("held:keys")}, by("keys", "a", "1")),
                ElementsAre("sum keys_held: seen 1, stored 0"));
    EXPECT_THAT(
        after({"DEL", f.key("idempotency:h")}, {"SET", f.key("idempotency:h"), id_of(1) + " f"}),
        ElementsAre("idempotency holds h, of which there is no key"));
    EXPECT_THAT(after({"HSET", f.key("held:bytes"), "a", "4", "b", "11"},
                      {"HSET", f.key("held:bytes"), "a", "5", "b", "10"}),
                ElementsAre("held:bytes counts for others than those who hold them"));
    for (const char* bad : {"x", "0", "-2"}) {
        EXPECT_THAT(
            after({"HSET", f.key("held:jobs"), "c", bad}, {"HDEL", f.key("held:jobs"), "c"}),
            ElementsAre(std::string("held:jobs of c is ") + bad));
    }
    EXPECT_THAT(after({"SET", f.key("held:photos"), "1"}, {"DEL", f.key("held:photos")}),
                ElementsAre("left over " + f.key("held:photos")));
}

TEST_F(stored_shares, damage_of_what_somebody_holds_ends_no_call) {
    accept_by(1, "a");
    f.plain({"HSET", f.key("held:jobs"), "a", "x"});
    f.plain({"SET", f.key("held:bytes"), "x"});
    EXPECT_EQ(accept_by(2, "a").at(0), "ok");
    EXPECT_EQ(f("cancel", {id_of(1)}).at(0), "cancelled");
    EXPECT_EQ(f("cancel", {id_of(2)}).at(0), "cancelled");
    EXPECT_GE(f.stat("damaged"), 2u);
    EXPECT_EQ(held("jobs", "a"), "");
    f.plain({"DEL", f.key("damaged:held:bytes")});
}

}  // namespace
}  // namespace vultus::test
