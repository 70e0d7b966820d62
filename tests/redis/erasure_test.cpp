// Erasure: what a removal records, which worker confirmed it, what the append-only file may still
// contain; and the log of a gallery, which contains names until it is dropped.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class erasure : public redis_test {
 protected:
    std::string noted(const std::string& name) {
        return f.plain({"HGET", f.key("removals"), name}).at(0);
    }
    std::string log_key() { return f.key("gallery:default:1:log"); }
};

TEST_F(erasure, a_removal_says_what_went_and_who_confirmed_it) {
    teach(1, "Ada");
    teach(2, "Bob");
    enlist("one");
    enlist("two");
    ASSERT_EQ(f("hello", {"one", "default", version()}).at(0), "serve");
    ASSERT_EQ(change(3, "forget", "Ada").at(2), "publishing");
    EXPECT_EQ(f.field(id_of(3), "removed"), R"({"faces":1,"vectors":1,"pictures":0})");
    EXPECT_EQ(f.field(id_of(3), "confirmed"), "") << "nobody has yet";
    ASSERT_EQ(f("hello", {"one", "default", version()}).at(0), "serve");
    EXPECT_EQ(f.state(id_of(3)), "succeeded");
    EXPECT_EQ(f.field(id_of(3), "confirmed"),
              R"([{"worker_id":"one","version":)" + version() + "}]")
        << "the other one holds nothing";
}

TEST_F(erasure, a_clear_says_it_with_the_pictures_too) {
    teach(1, "Ada");
    f.plain({"HSET", f.key("gallery:default:1:pictures"), id_of(1) + "-0", "jpeg"});
    change(2, "clear");
    EXPECT_EQ(f.field(id_of(2), "removed"), R"({"faces":1,"vectors":1,"pictures":1})");
    EXPECT_EQ(f.field(id_of(2), "confirmed"), "[]");
    change(3, "forget", "Nobody");
    EXPECT_EQ(f.field(id_of(3), "removed"), R"({"faces":0,"vectors":0,"pictures":0})");
    teach(4, "Ada");
    change(5, "rename", "Ada", "Bob");
    EXPECT_EQ(f.field(id_of(5), "removed"), "") << "nothing went";
}

TEST_F(erasure, the_log_goes_and_who_is_behind_loads_anew) {
    teach(1, "Ada");
    teach(2, "Bob");
    change(3, "forget", "Ada");
    EXPECT_THAT(f.plain({"XRANGE", log_key(), "-", "+"}), testing::Contains("Ada"));
    EXPECT_EQ(f("erase_log", {"nobody", "ctl"}), words{"not_found"});
    EXPECT_EQ(f("erase_log", {"default", "ctl  " + std::string(64, 'a')}),
              (words{"ok", version()}));
    EXPECT_EQ(f.plain({"EXISTS", log_key()}).at(0), "0");
    EXPECT_EQ(f("delta", {"default", "1", "2"}).at(0), "snapshot");
    EXPECT_EQ(f("delta", {"default", "1", "3"}), (words{"ok", version(), version(), "0"}));
    teach(4, "Cyd");
    EXPECT_THAT(f("delta", {"default", "1", "3"}),
                ElementsAre("ok", version(), version(), "1", "add", id_of(4) + "-0", "Cyd"));
    const words newest = f.plain({"XREVRANGE", f.key("audit"), "+", "-", "COUNT", "2"});
    EXPECT_THAT(newest, testing::Contains("erase_log"));
}

TEST_F(erasure, each_removal_notes_the_rewrites_of_the_file_before_it) {
    teach(1, "Ada");
    EXPECT_EQ(noted("rewrites"), "") << "nothing was removed";
    change(2, "forget", "Ada");
    const auto before = noted("rewrites"), at = noted("at_ms");
    EXPECT_THAT(before, Not(testing::IsEmpty()));
    EXPECT_EQ(noted("run_id").size(), 40u);
    f("delete", {id_of(1)});
    EXPECT_EQ(noted("rewrites"), before);
    EXPECT_GE(noted("at_ms"), at);
    f.plain({"HDEL", f.key("removals"), "run_id"});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("removals")));
    f.plain({"DEL", f.key("removals")});
}

}  // namespace
}  // namespace vultus::test
