// One kind of damage at a time, as a manual change could leave it: orphaned entries in each index
// are removed and block nothing; a refused call writes nothing; fsck reports the damage.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

class orphan : public redis_test, public testing::WithParamInterface<const char*> {};

TEST_P(orphan, is_taken_out_and_counted_and_the_jobs_behind_it_go_on) {
    const std::string index = f.key(GetParam());
    const bool line = index.find("pending") != std::string::npos;
    const bool worker = index.find("worker:") != std::string::npos;
    teach(1, "Ada");
    f("set_retention", {"default", "1000", "ctl"});
    enlist("w");
    accept(2);
    ASSERT_EQ(lease("w", 0, 0), id_of(2));
    accept(3);
    for (int n = 100; n < 400; ++n) {
        f.plain(line     ? words{"RPUSH", index, id_of(n)}
                : worker ? words{"SADD", index, id_of(n)}
                         : words{"ZADD", index, "0", id_of(n)});
    }
    for (int n = 0; n < 5; ++n) {
        f("unseen", {"20"});
        f("hello", {"w", "default", "none"});
        EXPECT_NE(f("reap", {"0", "100", "1"}).at(0).substr(0, 5), "ERROR");
        EXPECT_NE(f("barrier", {"0", "100000"}).at(0).substr(0, 5), "ERROR");
        EXPECT_NE(f("gc", {"200", "0", "0", "0", "0", "0", "0", "0"}).at(0).substr(0, 5), "ERROR");
        for (int looks = 0; looks < 3; ++looks) {
            const auto id = lease("w", 0, 0);
            if (!id.empty()) f("fail", {id, f.field(id, "attempt"), "w", "permanent", "{}", "0"});
        }
    }
    f("worker_lost", {"w", "1"});
    EXPECT_THAT(f.state(id_of(2)), testing::AnyOf("", "failed"));
    EXPECT_THAT(f.state(id_of(3)), testing::AnyOf("", "failed"));
    EXPECT_GT(f.stat("damaged"), 0u);
    consistent_at_end_ = false;
}

INSTANTIATE_TEST_SUITE_P(indexes, orphan,
                         testing::Values("queue:delayed", "queue:deadline", "queue:running",
                                         "queue:done", "queue:dead", "queue:dead_images",
                                         "queue:annotated", "queue:publishing", "retention",
                                         "publishing", "gallery:default:publishing",
                                         "gallery:default:1:seen", "queue:pending:interactive",
                                         "queue:pending:bulk", "worker:w:running", "queue:all"),
                         [](const auto& one) {
                             std::string name = one.param;
                             std::replace(name.begin(), name.end(), ':', '_');
                             return name;
                         });

class refused_call : public redis_test {};

TEST_F(refused_call, kick_bury_cancel_and_delete_write_nothing_before_they_refuse) {
    accept(1);
    accept(2);
    f("bury", {id_of(1)});
    f.plain({"HSET", f.key("job:" + id_of(1)), "failures", "3"});
    const std::string by = "ctl ::1 nohash";
    for (const char* name : {"kick", "delete"}) {
        EXPECT_THAT(f(name, {id_of(1), by}).at(0), HasSubstr("ERROR"));
    }
    for (const char* name : {"cancel", "bury"}) {
        EXPECT_THAT(f(name, {id_of(2), by}).at(0), HasSubstr("ERROR"));
    }
    EXPECT_EQ(f.field(id_of(1), "failures"), "3");
    EXPECT_EQ(f.state(id_of(1)), "dead");
    EXPECT_EQ(f.state(id_of(2)), "pending");
}

TEST_F(refused_call, fsck_knows_that_a_calibrate_has_no_photo_and_finds_damaged_fields) {
    accept_options wanted;
    wanted.type = "calibrate";
    wanted.images.clear();
    accept(1, wanted);
    EXPECT_EQ(f.problems(), words{});
    f.plain({"HSET", f.key("job:" + id_of(1)), "attempt", "x"});
    EXPECT_THAT(f.problems(), Contains(HasSubstr("field attempt is damaged")));
    f.plain({"HSET", f.key("job:" + id_of(1)), "attempt", "0", "state", "lost"});
    EXPECT_THAT(f.problems(), Contains(HasSubstr("unknown state lost")));
    EXPECT_EQ(f("delete", {id_of(1)}).at(0), "ok") << "what nobody knows can be removed";
    f.plain({"SET", f.key("queue:delayed"), "x"});
    EXPECT_THAT(f.problems(), Contains(HasSubstr("queue:delayed has the wrong type")));
    enlist("w");
    lease("w");
    EXPECT_THAT(f.problems(), Contains(HasSubstr("moved as damaged")));
    EXPECT_GE(f.stat("damaged"), 2u);
    consistent_at_end_ = false;
}

}  // namespace
}  // namespace vultus::test
