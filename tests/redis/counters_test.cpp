// Counters that must never restart: epochs, the order of trains and changes, versions, the change
// counter of keys; and what fsck reports about them.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::int64_t epoch_of_one = 1'000'000'000;

class counters : public redis_test {
 protected:
    std::int64_t epoch(const std::string& collection) {
        return std::stoll(version(collection)) / epoch_of_one;
    }
    std::string counter(const std::string& name) { return f.plain({"GET", f.key(name)}).at(0); }
};

/// One form of damage of a counter: "" removes it.
class damaged_epochs : public counters, public testing::WithParamInterface<const char*> {
 protected:
    void damage(const std::string& name) {
        const std::string to = GetParam();
        f.plain({"DEL", f.key(name)});
        if (to == "list") {
            f.plain({"RPUSH", f.key(name), "x"});
        } else if (!to.empty()) {
            f.plain({"SET", f.key(name), to});
        }
    }
    void TearDown() override {
        for (const auto& name : f.plain({"KEYS", f.key("damaged:*")})) f.plain({"DEL", name});
        counters::TearDown();
    }
};

TEST_P(damaged_epochs, are_known_by_the_second_counter) {
    for (int n = 1; n <= 4; ++n) {  // two epochs each, and nothing shows them any more
        teach(n, "Ada", "c");
        change(10 + n, "delete_collection", "", "", "c");
    }
    for (int n = 1; n <= 4; ++n) f("delete", {id_of(n)});
    for (int n = 11; n <= 14; ++n) f("delete", {id_of(n)});
    damage("epochs");
    teach(20, "Ada");
    EXPECT_EQ(epoch("default"), 9);
    damage("epochs_taken");
    teach(21, "Ada", "d");
    EXPECT_EQ(epoch("d"), 10);
}

TEST_P(damaged_epochs, are_derived_from_all_that_shows_one) {
    teach(1, "Ada", "a");
    teach(2, "Ada", "b");
    const auto both = [&] {
        damage("epochs");
        damage("epochs_taken");
    };
    both();
    teach(3, "Ada", "c");
    EXPECT_EQ(epoch("c"), 3) << "galleries show 1 and 2";
    change(4, "clear", "", "", "c");
    EXPECT_EQ(epoch("c"), 4);
    change(5, "delete_collection", "", "", "c");
    both();
    teach(6, "Ada", "d");
    EXPECT_EQ(epoch("d"), 5) << "the job of the clear shows 4";
    for (const int n : {4, 5}) f("delete", {id_of(n)});
    enlist("w");
    f.plain({"HSET", f.key("worker:w"), "gallery:gone", "7000000003"});
    both();
    teach(7, "Ada", "e");
    EXPECT_EQ(epoch("e"), 8) << "a worker holds 7";
    f("bye", {"w"});
    f.plain({"HSET", f.key("gallery:x:11:vectors"), "a", "b"});
    both();
    change(8, "clear", "", "", "a");
    EXPECT_EQ(epoch("a"), 12) << "something is left over of 11";
    f.plain({"DEL", f.key("gallery:x:11:vectors")});
    f.plain({"HSET", f.key("job:" + id_of(8)), "version", "99999999999999999999"});
    both();
    teach(9, "Ada", "f");
    EXPECT_EQ(epoch("f"), 13) << "a damaged number shows nothing";
    f.plain({"HSET", f.key("job:" + id_of(8)), "version", "12000000000"});
}

INSTANTIATE_TEST_SUITE_P(damages, damaged_epochs,
                         testing::Values("", "x", "-3", "1.5", "0", "99999999999999999999", "list"),
                         [](const auto& one) {
                             std::string name = one.param;
                             for (char& c : name) {
                                 if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                             }
                             return name.empty() ? "absent" : name;
                         });

TEST_F(counters, epochs_of_data_with_one_counter_go_on) {
    teach(1, "Ada");
    f.plain({"SET", f.key("epochs"), "40"});
    f.plain({"DEL", f.key("epochs_taken")});
    teach(2, "Ada", "b");
    EXPECT_EQ(epoch("b"), 41);
    EXPECT_EQ(f.stat("damaged"), 0u);
}

TEST_F(counters, a_seq_that_is_no_number_is_read_from_the_log) {
    for (int n = 1; n <= 3; ++n) teach(n, "p" + std::to_string(n));
    for (const char* damage : {"x", "-1"}) {
        const auto before = std::stoll(version());
        f.plain({"HSET", f.key("gallery:default"), "seq", damage});
        EXPECT_EQ(std::stoll(version()), before);
        EXPECT_THAT(f.problems(), Contains(HasSubstr("seq is no number")));
        teach(static_cast<int>(before % 100) + 10, "q");
        EXPECT_EQ(std::stoll(version()), before + 1);
    }
    f("erase_log", {"default", "ctl"});
    f.plain({"HDEL", f.key("gallery:default"), "seq"});
    EXPECT_EQ(version(), "1000000005") << "log_from has it";
    f.plain({"HSET", f.key("gallery:default"), "seq", "5"});
}

TEST_F(counters, a_fence_that_is_no_number_lets_the_present_version_pass_alone) {
    teach(1, "Ann");
    teach(2, "Bob");
    accept(3);
    enlist("w");
    lease("w");
    f.plain({"HSET", f.key("gallery:default"), "removed_version", "x"});
    f.plain({"HSET", f.key("job:" + id_of(3)), "min_version", "0"});
    EXPECT_EQ(complete(3, "w", "1000000001").at(0), "old_version");
    EXPECT_EQ(complete(3, "w", "1000000002").at(0), "succeeded");
}

TEST_F(counters, a_clear_after_damage_overtakes_the_trains_before_it) {
    for (const char* damage : {"", "x", "-5", "0", "9223372036854775807"}) {
        f.plain({"FLUSHALL"});
        for (int n = 1; n <= 3; ++n) accept(n);
        for (int n = 4; n <= 6; ++n) train(n, "p");
        f.plain({"DEL", f.key("mseq")});
        if (*damage != '\0') f.plain({"SET", f.key("mseq"), damage});
        EXPECT_EQ(change(7, "clear").at(0), "ok") << damage;
        EXPECT_EQ(train(8, "q").at(0), "ok") << damage;
        enlist("w");
        for (int n = 1; n <= 3; ++n) {
            lease("w");
            complete(n, "w");
        }
        for (int n = 4; n <= 6; ++n) {
            ASSERT_EQ(lease("w"), id_of(n));
            EXPECT_EQ(commit(n, "w").at(0), "superseded") << damage;
        }
        ASSERT_EQ(lease("w"), id_of(8));
        EXPECT_EQ(commit(8, "w").at(0), "succeeded") << damage << ", the clear was before it";
    }
}

TEST_F(counters, the_number_of_changes_of_keys_does_not_come_again) {
    const auto key = [](char id) {
        return words{
            std::string(12, id), std::string(64, 'a'), "read", "*", "0", "0", "0", "0", ""};
    };
    f("key_create", key('1'));
    const auto until_later_than = [&](const std::string& number) {
        while (f("stats").at(1) <= number) {  // the time is what makes it another
        }
    };
    const auto loaded = f("keys", {""}).at(1);
    until_later_than(loaded);
    f.plain({"DEL", f.key("key_changes")});
    f("key_create", key('2'));
    EXPECT_EQ(f("keys", {loaded}).at(0), "ok");
    const auto next = f("keys", {""}).at(1);
    until_later_than(next);
    for (const char* damage : {"x", "-1", "0", "9223372036854775807"}) {
        f.plain({"SET", f.key("key_changes"), damage});
        EXPECT_EQ(f("key_revoke", {std::string(12, '2')}).at(0), "ok") << damage;
        EXPECT_EQ(f("keys", {next}).at(0), "ok") << damage;
        f("key_create", key('2'));
    }
    const auto last = f("keys", {""}).at(1);
    f("user_add", {"ada", "$argon2id$v=19$x", "viewer", "*"});
    EXPECT_GT(std::stoll(f("keys", {""}).at(1)), std::stoll(last));
}

TEST_F(counters, fsck_finds_those_that_are_behind) {
    teach(1, "Ada");
    change(2, "clear");
    train(3, "Bob");
    const auto after = [&](const std::string& name, const std::string& value) {
        const auto was = counter(name);
        f.plain(value.empty() ? words{"DEL", f.key(name)} : words{"SET", f.key(name), value});
        const auto found = f.problems();
        f.plain({"SET", f.key(name), was});
        return found;
    };
    EXPECT_THAT(after("epochs", ""), Contains(HasSubstr("epochs is behind gallery default")));
    EXPECT_THAT(after("epochs", "1"), Contains(HasSubstr("epochs is behind gallery default")));
    EXPECT_THAT(after("epochs", "x"), Contains("epochs is no number"));
    EXPECT_THAT(after("epochs_taken", "7"), Contains("epochs: not as taken"));
    EXPECT_THAT(after("mseq", "1"), Contains(HasSubstr("mseq is behind")));
    EXPECT_THAT(after("mseq", "-1"), Contains("mseq is no number"));
    EXPECT_EQ(f.problems(), words{});
}

}  // namespace
}  // namespace vultus::test
