// Retention: last-seen times, who is due, and that only those people are removed.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class retention : public redis_test {
 protected:
    static constexpr const char* day = "86400000";
    std::string seen_key(int epoch = 1) {
        return f.key("gallery:default:" + std::to_string(epoch) + ":seen");
    }
    std::string seen(const std::string& label) {
        return f.plain({"ZSCORE", seen_key(), label}).at(0);
    }
    /// As if it had been so long ago.
    void age(const std::string& label, const std::string& at_ms = "1000") {
        f.plain({"ZADD", seen_key(), "XX", at_ms, label});
    }
    words due() {
        f.plain({"ZADD", f.key("retention"), "XX", "0", "default"});
        return f("unseen", {"10"});
    }
    words set(const std::string& ms) { return f("set_retention", {"default", ms, "ctl"}); }
    void recognized(int n, const std::string& result) {
        accept(n);
        enlist("r");
        ASSERT_EQ(lease("r"), id_of(n));
        ASSERT_EQ(f("complete_recognize", {id_of(n), "1", "r", version(), result, ""}).at(0),
                  "succeeded");
        f("bye", {"r"});
    }
};

TEST_F(retention, nothing_is_noted_of_a_collection_that_keeps_people) {
    EXPECT_EQ(f("set_retention", {"default", day, "ctl"}), words{"not_found"});
    EXPECT_EQ(f("retention", {"default"}), words{"not_found"});
    teach(1, "Ada");
    EXPECT_EQ(f("retention", {"default"}), (words{"ok", "0", "0"}));
    EXPECT_EQ(f("seen", {"default", "Ada"}), (words{"ok", "0"}));
    EXPECT_EQ(f.plain({"EXISTS", seen_key()}).at(0), "0");
    EXPECT_EQ(f("unseen", {"10"}), (words{"ok", "0"}));
}

TEST_F(retention, who_was_there_before_begins_when_it_is_set) {
    teach(1, "Ada");
    ASSERT_EQ(set(day), (words{"ok", day}));
    EXPECT_EQ(f.problems(), words{}) << "nobody is marked yet";
    EXPECT_EQ(due(), (words{"ok", "0"}));
    const auto since = f("retention", {"default"}).at(2);
    EXPECT_EQ(seen("Ada"), since);
    EXPECT_EQ(f.plain({"HGET", f.key("gallery:default"), "retention_cursor"}).at(0), "");
    set("1000");
    EXPECT_EQ(f("retention", {"default"}), (words{"ok", "1000", since})) << "the time goes on";
    set("0");
    EXPECT_EQ(f.plain({"EXISTS", seen_key()}).at(0), "0");
    EXPECT_EQ(f.plain({"EXISTS", f.key("retention")}).at(0), "0");
}

TEST_F(retention, a_train_an_answer_a_note_and_a_new_name_are_seen) {
    teach(1, "Ada");
    set(day);
    due();
    teach(2, "Bob");
    for (const char* one : {"Ada", "Bob"}) age(one);
    const std::string known = R"({"status":"known","label":"Ada"})";
    recognized(3, R"({"faces":[{"status":"unknown","label":null},)" + known + "]}");
    EXPECT_NE(seen("Ada"), "1000");
    EXPECT_EQ(seen("Bob"), "1000");
    age("Ada");
    recognized(4, R"({"faces":[{"status":"ambiguous","label":"Ada"}]})");
    recognized(5, "no JSON");
    recognized(6, R"({"faces":[{"status":"known","label":"Nobody"}]})");
    EXPECT_EQ(seen("Ada"), "1000");
    EXPECT_EQ(seen("Nobody"), "");
    EXPECT_EQ(f("seen", {"default", "Ada", "Nobody"}), (words{"ok", "1"}));
    EXPECT_NE(seen("Ada"), "1000");
    age("Ada");
    change(7, "rename", "Ada", "Cyd");
    EXPECT_EQ(seen("Ada"), "");
    EXPECT_NE(seen("Cyd"), "1000");
    age("Cyd");
    teach(8, "Cyd");
    EXPECT_NE(seen("Cyd"), "1000");
    change(9, "forget", "Cyd");
    EXPECT_EQ(seen("Cyd"), "");
}

TEST_F(retention, whose_time_is_over_goes_as_by_a_forget) {
    teach(1, "Ada");
    teach(2, "Bob");
    set(day);
    due();
    age("Ada");
    EXPECT_EQ(due(), (words{"ok", "1", "default", "Ada"}));
    const auto before = std::stoll(version());
    const std::string by = "retention  " + std::string(64, 'a');
    EXPECT_EQ(f("forget_unseen", {id_of(3), "default", "Bob", by}), words{"seen"});
    EXPECT_EQ(f("forget_unseen", {id_of(3), "default", "Ada", by}),
              (words{"ok", id_of(3), "succeeded", std::to_string(before + 1), "1"}));
    EXPECT_EQ(f("forget_unseen", {id_of(4), "default", "Ada", by}), words{"seen"});
    EXPECT_EQ(f.field(id_of(3), "client"), "retention");
    EXPECT_EQ(f.field(id_of(3), "type"), "forget");
    EXPECT_EQ(f("version", {"default"}).at(2), std::to_string(before + 1)) << "removed_version";
    EXPECT_EQ(due(), (words{"ok", "0"}));
    const words newest = f.plain({"XREVRANGE", f.key("audit"), "+", "-", "COUNT", "1"});
    EXPECT_THAT(newest, testing::IsSupersetOf(words{"retention", "forget", std::string(64, 'a')}));
}

TEST_F(retention, seen_between_the_question_and_the_forget_stays) {
    teach(1, "Ada");
    set(day);
    due();
    age("Ada");
    ASSERT_EQ(due().at(1), "1");
    f("seen", {"default", "Ada"});
    EXPECT_EQ(f("forget_unseen", {id_of(2), "default", "Ada", "retention"}), words{"seen"});
    EXPECT_EQ(f("label", {"default", "Ada"}).at(0), "ok");
}

TEST_F(retention, few_at_a_call_and_the_next_go_on) {
    for (int n = 1; n <= 5; ++n) teach(n, "p" + std::to_string(n));
    set("1");
    f("unseen", {"0"});
    for (int n = 1; n <= 5; ++n) age("p" + std::to_string(n));
    EXPECT_EQ(f("unseen", {"2"}).at(1), "2");
    EXPECT_EQ(f("unseen", {"2"}).at(1), "2") << "its turn is not over while some are due";
    EXPECT_EQ(f("unseen", {"10"}).at(1), "5");
}

TEST_F(retention, clear_keeps_it_and_delete_ends_it) {
    teach(1, "Ada");
    set(day);
    change(2, "clear");
    EXPECT_EQ(f("retention", {"default"}).at(1), day);
    teach(3, "Bob");
    EXPECT_NE(f.plain({"ZSCORE", seen_key(2), "Bob"}).at(0), "");
    EXPECT_EQ(f.problems(), words{});
    change(4, "delete_collection");
    EXPECT_EQ(f("retention", {"default"}), words{"not_found"});
    teach(5, "Cyd");
    EXPECT_EQ(f("retention", {"default"}).at(1), "0");
}

TEST_F(retention, fsck_knows_its_keys) {
    teach(1, "Ada");
    set(day);
    due();
    f.plain({"ZREM", seen_key(), "Ada"});
    EXPECT_THAT(f.problems(), ElementsAre(testing::HasSubstr("not in seen")));
    f.plain({"ZADD", seen_key(), "1", "Ada", "2", "Nobody"});
    EXPECT_THAT(f.problems(), ElementsAre(testing::HasSubstr("seen holds 2")));
    f.plain({"ZREM", seen_key(), "Nobody"});
    f.plain({"ZADD", f.key("retention"), "1", "other"});
    EXPECT_THAT(f.problems(), ElementsAre(testing::HasSubstr("retention holds other")));
    f.plain({"DEL", f.key("retention")});
    EXPECT_THAT(f.problems(), ElementsAre(testing::HasSubstr("default: retention index")));
    f.plain({"ZADD", f.key("retention"), "1", "default"});
}

}  // namespace
}  // namespace vultus::test
