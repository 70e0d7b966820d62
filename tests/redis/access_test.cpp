// Keys and quotas in Redis: create, list, rotate, revoke; token buckets; unfinished jobs of a
// client.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

class access : public redis_test {
 protected:
    static std::string id(int n) { return "00000000000" + std::to_string(n); }
    static std::string hash(char filling) { return std::string(64, filling); }
    words create(int n, const std::string& requests = "0", const std::string& bytes = "0",
                 const std::string& jobs = "0", const std::string& expires = "0") {
        return f("key_create",
                 {id(n), hash('a'), "read,train", "a,b", requests, bytes, jobs, expires, "Ada"});
    }
    std::string changes() { return f("keys", {""}).at(1); }
    words accept_of(int n, const std::string& client) {
        auto given = accept_words(id_of(n), {});
        given[6] = client;
        return f("accept", given);
    }
    std::string in_hand(const std::string& client) {
        return f.plain({"HGET", f.key("clients"), client}).at(0);
    }
};

TEST_F(access, a_key_is_listed_as_it_was_made) {
    EXPECT_THAT(create(1, "600", "1000", "5", "99"), ElementsAre("ok"));
    EXPECT_THAT(create(1), ElementsAre("exists"));
    auto all = f("keys", {""});
    ASSERT_EQ(all.size(), 13u);
    EXPECT_GT(std::stoll(all[11]), 1'600'000'000'000) << "created";
    all[11] = "";
    EXPECT_THAT(all, ElementsAre("ok", changes(), "1", id(1), hash('a'), "read,train", "a,b", "600",
                                 "1000", "5", "99", "", "Ada"));
    EXPECT_THAT(f("keys", {changes()}), ElementsAre("same", changes()));
}

TEST_F(access, every_change_of_a_key_is_noticed) {
    create(1);
    const auto made = changes();
    EXPECT_EQ(f("key_rotate", {id(1), id(2), hash('b'), "1000"}).at(0), "ok");
    const auto rotated = changes();
    EXPECT_NE(rotated, made);
    EXPECT_THAT(f("key_revoke", {id(1)}), ElementsAre("ok"));
    EXPECT_NE(changes(), rotated);
    EXPECT_THAT(f("key_revoke", {id(1)}), ElementsAre("not_found"));
    EXPECT_EQ(f("keys", {""}).at(2), "1");
}

TEST_F(access, rotating_gives_the_new_key_the_same_and_ends_the_old) {
    create(1, "600", "0", "0", "0");
    const auto rotated = f("key_rotate", {id(1), id(2), hash('b'), "60000"});
    ASSERT_EQ(rotated.at(0), "ok");
    const auto all = f("keys", {""});
    ASSERT_EQ(all.size(), 23u);
    EXPECT_EQ(all[10], rotated.at(1));
    EXPECT_EQ(all[13], id(2));
    EXPECT_EQ(all[14], hash('b'));
    EXPECT_EQ(all[15], "read,train");
    EXPECT_EQ(all[20], "0") << "the new one has no end, as the old one had none";
    create(3, "0", "0", "0", "99");
    EXPECT_THAT(f("key_rotate", {id(3), id(4), hash('b'), "60000"}), ElementsAre("ok", "99"));
    EXPECT_THAT(f("key_rotate", {id(9), id(5), hash('b'), "0"}), ElementsAre("not_found"));
    EXPECT_THAT(f("key_rotate", {id(1), id(2), hash('b'), "0"}), ElementsAre("exists"));
}

TEST_F(access, there_is_a_most_of_keys) {
    for (int n = 0; n < 1000; ++n) {
        char text[13];
        std::snprintf(text, sizeof text, "%012x", static_cast<unsigned>(n));
        ASSERT_EQ(f("key_create", {text, hash('a'), "read", "*", "0", "0", "0", "0", ""}).at(0),
                  "ok");
    }
    EXPECT_THAT(f("key_create", {"fffffffffffe", hash('a'), "read", "*", "0", "0", "0", "0", ""}),
                ElementsAre("full"));
    EXPECT_THAT(f("key_rotate", {"000000000001", "fffffffffffe", hash('a'), "0"}),
                ElementsAre("full"));
}

TEST_F(access, wrong_arguments_are_errors) {
    EXPECT_THAT(f("key_create", {"x", hash('a'), "read", "*", "0", "0", "0", "0", ""}).at(0),
                StartsWith("ERROR"));
    EXPECT_THAT(f("key_create", {id(1), "a", "read", "*", "0", "0", "0", "0", ""}).at(0),
                StartsWith("ERROR"));
    EXPECT_THAT(create(1, "-1").at(0), StartsWith("ERROR"));
    EXPECT_EQ(f("keys", {""}).at(2), "0");
}

TEST_F(access, requests_are_counted_until_none_is_left) {
    create(1, "3");
    EXPECT_THAT(f("spend", {id(1), "0"}), ElementsAre("ok", "3", "2", "20", "0", "0", "0"));
    EXPECT_EQ(f("spend", {id(1), "0"}).at(2), "1");
    EXPECT_EQ(f("spend", {id(1), "0"}).at(2), "0");
    const auto over = f("spend", {id(1), "0"});
    ASSERT_EQ(over.size(), 9u);
    EXPECT_EQ(over[0], "over");
    EXPECT_EQ(over[1], "requests");
    EXPECT_GT(std::stoi(over[2]), 15'000);
    EXPECT_LE(std::stoi(over[2]), 20'000) << "a third of a minute";
    EXPECT_THAT(f("spend", {id(2), "0"}), ElementsAre("not_found"));
}

TEST_F(access, a_bucket_fills_evenly_and_not_beyond_a_minute) {
    create(1, "6000");
    for (int n = 0; n < 50; ++n) f("spend", {id(1), "0"});
    const auto now = f.plain({"HGET", f.key("quota:" + id(1)), "at_ms"}).at(0);
    f.plain({"HSET", f.key("quota:" + id(1)), "at_ms", std::to_string(std::stoll(now) - 30'000),
             "requests", "10"});
    const auto half = std::stoi(f("spend", {id(1), "0"}).at(2));
    EXPECT_GE(half, 3'009);
    EXPECT_LE(half, 3'200);
    f.plain({"HSET", f.key("quota:" + id(1)), "at_ms", "1"});
    EXPECT_EQ(f("spend", {id(1), "0"}).at(2), "5999");
    f.plain({"HSET", f.key("quota:" + id(1)), "at_ms", "9999999999999", "requests", "7"});
    EXPECT_EQ(f("spend", {id(1), "0"}).at(2), "6") << "the clock went back: nothing is given";
}

TEST_F(access, a_photo_may_overdraw_its_bucket_and_is_paid_for) {
    create(1, "0", "1000");
    EXPECT_THAT(f("spend", {id(1), "400"}), ElementsAre("ok", "0", "0", "0", "1000", "600", "24"));
    EXPECT_EQ(f("spend", {id(1), "5000"}).at(0), "ok");
    const auto over = f("spend", {id(1), "1"});
    EXPECT_EQ(over.at(1), "image_bytes");
    EXPECT_GT(std::stoi(over.at(2)), 250'000) << "4,400 bytes at 1,000 a minute";
    EXPECT_EQ(f("spend", {id(1), "0"}).at(0), "ok") << "what sends no photo is not held up";
}

TEST_F(access, spending_writes_nothing_to_the_file) {
    create(1, "6000");
    const auto size = [&] {
        const auto info = f.plain({"INFO", "persistence"}).at(0);
        const auto at = info.find("aof_current_size:");
        return info.substr(at, info.find('\r', at) - at);
    };
    const auto before = size();
    EXPECT_THAT(before, StartsWith("aof_current_size:"));
    for (int n = 0; n < 20; ++n) f("spend", {id(1), "10"});
    EXPECT_EQ(size(), before);
    create(2);
    EXPECT_NE(size(), before) << "the size is looked at in the right place";
}

TEST_F(access, a_client_has_so_many_unfinished_jobs_and_no_more) {
    create(1, "0", "0", "2");
    EXPECT_EQ(accept_of(1, id(1)).at(0), "ok");
    EXPECT_EQ(accept_of(2, id(1)).at(0), "ok");
    EXPECT_THAT(accept_of(3, id(1)), ElementsAre("full", "client", "2"));
    EXPECT_EQ(accept_of(3, "anonymous").at(0), "ok") << "others are not held up";
    EXPECT_EQ(in_hand(id(1)), "2");
    enlist("w");
    EXPECT_EQ(lease("w"), id_of(1));
    EXPECT_THAT(accept_of(4, id(1)), ElementsAre("full", "client", "2")) << "running is in hand";
    complete(1, "w");
    EXPECT_EQ(in_hand(id(1)), "1");
    EXPECT_EQ(accept_of(4, id(1)).at(0), "ok");
    f("cancel", {id_of(2)});
    f("bury", {id_of(4)});
    EXPECT_EQ(in_hand(id(1)), "") << "none left: no field";
    f("kick", {id_of(4)});
    EXPECT_EQ(in_hand(id(1)), "1");
}

TEST_F(access, every_change_that_took_effect_is_in_the_audit_log) {
    const auto log = [&] {
        words lines;
        const words all = f.plain({"XRANGE", f.key("audit"), "-", "+"});
        for (std::size_t i = 0; i + 11 < all.size(); ++i) {
            if (all[i] != "who") continue;
            lines.push_back(all[i + 1] + "|" + all[i + 3] + "|" + all[i + 5] + "|" + all[i + 7] +
                            "|" + all[i + 9].substr(0, 6) + "|" + all[i + 11]);
        }
        return lines;
    };
    create(1);
    f("key_rotate", {id(1), id(2), hash('b'), "0", "ctl"});
    f("key_revoke", {id(1), "ctl"});
    f("key_revoke", {id(1), "ctl"});
    accept_options photo;
    accept(1, photo);
    photo.type = "train";
    photo.label = "Ada";
    auto given = accept_words(id_of(2), photo);
    given[6] = id(2) + " 10.0.0.7 " + hash('5');
    f("accept", given);
    f("accept", given);
    f("change", {id_of(3), "forget", "default", "Ada", "", "anonymous ::1", "t", "", ""});
    f("change", {id_of(4), "rename", "default", "Ada", "Bob",
                 "anonymous  " + hash('5') + " " + hash('6'), "t", "", ""});
    EXPECT_THAT(log(), ElementsAre("||key_create|a,b||" + id(1),
                                   "ctl||key_rotate|a,b||" + id(1) + " " + id(2),
                                   "ctl||key_revoke|||" + id(1),
                                   id(2) + "|10.0.0.7|train|default|555555|" + id_of(2),
                                   "anonymous|::1|forget|default||" + id_of(3),
                                   "anonymous||rename|default|555555|" + id_of(4)));
    const words newest = f.plain({"XREVRANGE", f.key("audit"), "+", "-", "COUNT", "1"});
    EXPECT_EQ(newest.at(newest.size() - 2), "label_to");
    EXPECT_EQ(newest.back(), hash('6'));
    EXPECT_EQ(f.field(id_of(2), "client"), id(2)) << "the address is kept in the log alone";
}

TEST_F(access, fsck_finds_what_belongs_to_no_key_and_wrong_counts) {
    create(1);
    EXPECT_EQ(f.problems(), words{});
    f.plain({"ZREM", f.key("keys"), id(1)});
    EXPECT_EQ(f.problems().size(), 1u);
    f.plain({"ZADD", f.key("keys"), "1", id(1)});
    accept(1);
    f.plain({"HSET", f.key("clients"), "anonymous", "7"});
    EXPECT_EQ(f.problems(), words{"sum open: seen 1, stored 7"});
    f.plain({"HSET", f.key("clients"), "anonymous", "1"});
}

}  // namespace
}  // namespace vultus::test
