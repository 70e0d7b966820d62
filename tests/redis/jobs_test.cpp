// The life of a job, transition by transition: the answer of each function, the state afterwards
// and the event. fsck runs after every test (redis_support).
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::StartsWith;

class jobs : public redis_test {};

TEST_F(jobs, accept_stores_everything_and_waits) {
    EXPECT_THAT(accept(1), ElementsAre("ok", id_of(1), "0"));
    EXPECT_EQ(f.state(id_of(1)), "pending");
    EXPECT_EQ(f.field(id_of(1), "options"), "{\"k\":[]}") << "text of the caller is not rewritten";
    EXPECT_EQ(f.plain({"GET", f.key("job:" + id_of(1) + ":image:0")}), words{"photo"});
    EXPECT_EQ(f.stat("bytes"), 5u);
    EXPECT_EQ(f.events(id_of(1)), words{">pending accept"});
}

TEST_F(jobs, accept_twice_is_one_job) {
    accept(1);
    EXPECT_THAT(accept(1), ElementsAre("dup", id_of(1), "pending"));
    EXPECT_EQ(f.stat("jobs"), 1u);
}

TEST_F(jobs, idempotency_key_finds_the_first_job) {
    accept_options once;
    once.hash = "h";
    accept(1, once);
    EXPECT_THAT(accept(2, once), ElementsAre("dup", id_of(1), "pending"));
    accept_options other = once;
    other.fingerprint = "g";
    EXPECT_THAT(accept(3, other), ElementsAre("conflict", id_of(1)));
    EXPECT_EQ(f.stat("jobs"), 1u);
    f("cancel", {id_of(1)});
    f("delete", {id_of(1)});
    EXPECT_THAT(accept(2, once), ElementsAre("dup", id_of(1), "")) << "collected, still the same";
}

TEST_F(jobs, idempotency_answers_even_when_the_queue_is_full) {
    accept_options once;
    once.hash = "h";
    accept(1, once);
    once.jobs_max = "1";
    EXPECT_EQ(accept(2, once).at(0), "dup");
}

TEST_F(jobs, accept_refuses_beyond_its_limits) {
    accept_options tight;
    tight.jobs_max = "2";
    EXPECT_EQ(accept(1, tight).at(0), "ok");
    EXPECT_EQ(accept(2, tight).at(0), "ok");
    EXPECT_THAT(accept(3, tight), ElementsAre("full", "jobs", "2"));
    tight.jobs_max = "10";
    tight.bytes_max = "15";
    EXPECT_EQ(accept(3, tight).at(0), "ok") << "15 of 15 bytes";
    EXPECT_THAT(accept(4, tight), ElementsAre("full", "bytes", "3"));
    EXPECT_EQ(f.stat("refused"), 2u);
}

TEST_F(jobs, wrong_arguments_are_errors_and_change_nothing) {
    accept_options bad;
    bad.collection = "a:b";
    EXPECT_THAT(accept(1, bad).at(0), StartsWith("ERROR"));
    bad = {};
    bad.type = "train";
    EXPECT_THAT(accept(1, bad).at(0), StartsWith("ERROR")) << "no label";
    bad.label = "a\nb";
    EXPECT_THAT(accept(1, bad).at(0), StartsWith("ERROR"));
    bad.label = std::string(201, 'x');
    EXPECT_THAT(accept(1, bad).at(0), StartsWith("ERROR"));
    bad.label = "x";
    bad.images = words(17, "p");
    EXPECT_THAT(accept(1, bad).at(0), StartsWith("ERROR"));
    EXPECT_EQ(f.stat("jobs"), 0u);
    bad.images.pop_back();
    EXPECT_EQ(accept(1, bad).at(0), "ok") << "16 is the limit";
    EXPECT_EQ(f.field(id_of(1), "images"), "16");
}

TEST_F(jobs, lease_runs_and_complete_succeeds) {
    accept(1);
    enlist("w");
    const words reply = f("lease", {"w", "1", "0", "5", "100000", ""});
    ASSERT_EQ(reply.size(), 13u);
    EXPECT_THAT((words{reply.begin() + 3, reply.begin() + 9}),
                ElementsAre(id_of(1), "1", "recognize", "default", "interactive", "0"));
    EXPECT_THAT((words{reply.begin() + 11, reply.end()}), ElementsAre("0", "trace"));
    EXPECT_EQ(f.state(id_of(1)), "running");
    EXPECT_THAT(complete(1, "w"), ElementsAre("succeeded", "0"));
    EXPECT_EQ(f.field(id_of(1), "result"), "{\"faces\":[]}");
    EXPECT_EQ(f.stat("bytes"), 0u) << "the photo is gone";
    EXPECT_THAT(complete(1, "w"), ElementsAre("dup", "succeeded"));
    EXPECT_THAT(f.events(id_of(1)), ElementsAre(">pending accept", "pending>running lease",
                                                "running>succeeded complete"));
}

TEST_F(jobs, only_the_holder_of_the_attempt_may_write) {
    accept(1);
    enlist("w");
    lease("w");
    EXPECT_THAT(complete(1, "other"), ElementsAre("stale", "running"));
    EXPECT_THAT(complete(1, "w", "0", 2), ElementsAre("stale", "running"));
    EXPECT_THAT(complete(9, "w"), ElementsAre("stale", ""));
    EXPECT_THAT(fail(1, "w", "permanent", 7), ElementsAre("stale", "running"));
    EXPECT_EQ(f.state(id_of(1)), "running");
}

TEST_F(jobs, lease_needs_a_registered_worker_and_its_newest_connection) {
    accept(1);
    EXPECT_THAT(f("lease", {"w", "1", "0", "1", "1000", ""}), ElementsAre("gone"));
    enlist("w");
    EXPECT_EQ(f("lease", {"w", "3", "0", "1", "1000", "train"}).at(2), "0");
    EXPECT_THAT(f("lease", {"w", "2", "0", "1", "1000", ""}), ElementsAre("stale", "3"));
}

TEST_F(jobs, lease_takes_the_oldest_of_its_types_and_at_most_64) {
    for (int n = 1; n <= 70; ++n) accept(n);
    train(71, "Ann");
    enlist("w");
    EXPECT_EQ(f("lease", {"w", "1", "0", "1", "1000", ""}).at(3), id_of(1));
    EXPECT_EQ(f("lease", {"w", "1", "0", "1", "1000", "train"}).at(3), id_of(71));
    EXPECT_EQ(f("lease", {"w", "1", "0", "1000", "1000", ""}).at(2), "64");
}

TEST_F(jobs, every_eighth_lease_is_bulk) {
    accept_options bulk;
    bulk.priority = "bulk";
    for (int n = 1; n <= 4; ++n) accept(n, bulk);
    for (int n = 11; n <= 30; ++n) accept(n);
    enlist("w");
    const words reply = f("lease", {"w", "1", "0", "16", "1000", ""});
    for (std::size_t i = 0; i < 16; ++i) {
        EXPECT_EQ(reply.at(3 + i * 10 + 4), i % 8 == 7 ? "bulk" : "interactive") << i;
    }
}

TEST_F(jobs, permanent_failure) {
    accept(1);
    enlist("w");
    lease("w");
    EXPECT_THAT(fail(1, "w", "permanent"), ElementsAre("failed"));
    EXPECT_EQ(f.field(id_of(1), "error"), "{\"code\":\"no_face\"}");
    EXPECT_THAT(fail(1, "w", "permanent"), ElementsAre("dup", "failed"));
}

TEST_F(jobs, a_worker_that_lost_its_decoder_says_so_and_it_counts_as_its_own_loss) {
    accept(1);
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(1));
    EXPECT_EQ(f("started", {"w", id_of(1), "1"}).at(0), "ok");
    EXPECT_THAT(fail(1, "w", "lost", 1), ElementsAre("pending"));
    EXPECT_EQ(f.field(id_of(1), "solo"), "1");
    EXPECT_EQ(f.field(id_of(1), "crashes"), "0") << "it had company";
    for (int attempt = 2; attempt <= 4; ++attempt) {
        ASSERT_EQ(lease("w"), id_of(1));
        f("started", {"w", id_of(1), std::to_string(attempt)});
        EXPECT_EQ(fail(1, "w", "lost", attempt).at(0), attempt < 4 ? "pending" : "dead");
    }
    EXPECT_THAT(f.field(id_of(1), "error"), testing::HasSubstr("poison"));
    EXPECT_EQ(f.field(id_of(1), "failures"), "0") << "no transient failure";
}

TEST_F(jobs, five_transient_failures_make_it_dead) {
    accept(1);
    enlist("w");
    for (int attempt = 1; attempt <= 4; ++attempt) {
        ASSERT_EQ(lease("w"), id_of(1));
        EXPECT_EQ(fail(1, "w", "retry", attempt).at(0), "delayed");
        EXPECT_THAT(fail(1, "w", "retry", attempt), ElementsAre("dup", "delayed"));
    }
    ASSERT_EQ(lease("w"), id_of(1)) << "a delay of 0 is due at once";
    EXPECT_EQ(fail(1, "w", "retry", 5).at(0), "dead");
    EXPECT_EQ(f.stat("dead_bytes"), 5u) << "dead keeps its photo";
    EXPECT_EQ(f.field(id_of(1), "failures"), "5");
}

TEST_F(jobs, delayed_waits_for_its_time) {
    accept(1);
    enlist("w");
    lease("w");
    fail(1, "w", "retry", 1, 100000);
    EXPECT_EQ(lease("w"), "");
    EXPECT_EQ(f.state(id_of(1)), "delayed");
}

TEST_F(jobs, a_returned_attempt_goes_to_the_front_uncounted) {
    accept(1);
    accept(2);
    enlist("w");
    lease("w");
    EXPECT_THAT(fail(1, "w", "return"), ElementsAre("pending"));
    EXPECT_THAT(fail(1, "w", "return"), ElementsAre("dup", "pending"));
    EXPECT_EQ(f.field(id_of(1), "solo"), "0");
    EXPECT_EQ(lease("w"), id_of(1));
}

TEST_F(jobs, what_never_came_over_an_older_connection_is_handed_back) {
    for (int n = 1; n <= 4; ++n) accept(n);
    enlist("w");
    for (int n = 1; n <= 3; ++n) lease("w");
    f("lease", {"w", "2", "3", "1", "100000", ""});
    f("renew", {"w", "2", "1000", "1000", id_of(1), "1", id_of(2), "7"});
    EXPECT_EQ(f.state(id_of(1)), "running") << "in hand";
    EXPECT_EQ(f.state(id_of(2)), "pending") << "another attempt is in hand";
    EXPECT_EQ(f.state(id_of(3)), "pending");
    EXPECT_EQ(f.state(id_of(4)), "running") << "on its way over the new connection";
    EXPECT_EQ(f.field(id_of(3), "solo"), "0") << "nobody was lost";
    EXPECT_EQ(f("lease", {"w", "2", "3", "1", "100000", ""}).at(3), id_of(2)) << "at the front";
    f("renew", {"w", "2", "1000", "1000", id_of(1), "1"});
    EXPECT_EQ(f.state(id_of(4)), "running") << "once for each connection";
}

TEST_F(jobs, cancel_by_state) {
    for (int n = 1; n <= 3; ++n) accept(n);
    enlist("w");
    lease("w");
    EXPECT_THAT(f("cancel", {id_of(2)}), ElementsAre("cancelled"));
    EXPECT_THAT(f("cancel", {id_of(2)}), ElementsAre("terminal", "cancelled"));
    EXPECT_THAT(f("cancel", {id_of(1)}), ElementsAre("requested", "w", "1"));
    EXPECT_EQ(f.state(id_of(1)), "running");
    const words renewed = f("renew", {"w", "1", "1000", "1000", id_of(1), "1"});
    EXPECT_THAT((words{renewed.begin() + 2, renewed.end()}), ElementsAre("0", "1", "0", id_of(1)));
    EXPECT_THAT(complete(1, "w"), ElementsAre("cancelled"));
    EXPECT_EQ(f.field(id_of(1), "result"), "") << "without effect";
    EXPECT_THAT(f("cancel", {id_of(9)}), ElementsAre("not_found"));
    lease("w");
    fail(3, "w", "retry", 1, 100000);
    EXPECT_THAT(f("cancel", {id_of(3)}), ElementsAre("cancelled")) << "delayed";
}

TEST_F(jobs, a_requested_cancel_ends_with_whatever_ends_the_attempt) {
    for (int n = 1; n <= 5; ++n) accept(n);
    enlist("w");
    for (int n = 1; n <= 5; ++n) lease("w", 0, n == 2 ? 0 : 100000);
    for (int n = 1; n <= 5; ++n) f("cancel", {id_of(n)});
    EXPECT_THAT(fail(1, "w", "retry"), ElementsAre("cancelled"));
    EXPECT_EQ(f("reap", {"0", "100", "100000"}).at(4), "1");
    EXPECT_THAT(fail(3, "w", "return"), ElementsAre("cancelled"));
    EXPECT_THAT(fail(4, "w", "permanent"), ElementsAre("cancelled"));
    EXPECT_THAT(f("worker_lost", {"w", "1"}), ElementsAre("ok", "0", "0", "1"));
    for (int n = 1; n <= 5; ++n) EXPECT_EQ(f.state(id_of(n)), "cancelled") << n;
}

TEST_F(jobs, a_lapsed_lease_goes_to_the_front_and_runs_alone) {
    for (int n = 1; n <= 3; ++n) accept(n);
    enlist("w");
    lease("w", 0, 0);
    EXPECT_EQ(f("reap", {"0", "100", "100000"}).at(2), "1");
    EXPECT_THAT(complete(1, "w"), ElementsAre("stale", "pending"));
    EXPECT_EQ(f.field(id_of(1), "crashes"), "0") << "in company it is nobody's fault";
    EXPECT_EQ(lease("w", 1), "") << "a busy worker waits while a solo job is first";
    const words alone = f("lease", {"w", "1", "0", "10", "1000", ""});
    EXPECT_EQ(alone.at(2), "1") << "alone";
    EXPECT_EQ(alone.at(3), id_of(1));
    EXPECT_EQ(alone.at(11), "1");
}

TEST_F(jobs, three_crashes_alone_are_poison) {
    accept(1);
    enlist("w");
    lease("w", 0, 0);
    f("reap", {"0", "100", "100000"});
    for (int crash = 1; crash <= 3; ++crash) {
        ASSERT_EQ(lease("w", 0, 0), id_of(1));
        f("reap", {"0", "100", "100000"});
        EXPECT_EQ(f.field(id_of(1), "crashes"), std::to_string(crash));
    }
    EXPECT_EQ(f.state(id_of(1)), "dead");
    EXPECT_THAT(f.field(id_of(1), "error"), StartsWith("{\"code\":\"poison\""));
}

TEST_F(jobs, an_attempt_that_was_not_started_never_counts) {
    accept(1);
    enlist("w");
    for (int round = 0; round < 5; ++round) {
        EXPECT_EQ(f("lease", {"w", "1", "0", "1", "0", ""}).at(2), "1");
        f("reap", {"0", "100", "100000"});
    }
    EXPECT_EQ(f.field(id_of(1), "crashes"), "0");
    EXPECT_EQ(f.state(id_of(1)), "pending");
}

TEST_F(jobs, a_renewed_lease_is_not_reaped) {
    accept(1);
    enlist("w");
    lease("w", 0, 0);
    EXPECT_EQ(f("renew", {"w", "1", "1000", "100000", id_of(1), "1"}).at(2), "0");
    EXPECT_EQ(f("reap", {"0", "100", "100000"}).at(2), "0");
    EXPECT_EQ(f.state(id_of(1)), "running");
    const words lost = f("renew", {"w", "1", "1000", "1000", id_of(1), "2", id_of(9), "1"});
    EXPECT_THAT((words{lost.begin() + 2, lost.end()}),
                ElementsAre("2", "0", "0", id_of(1), id_of(9)));
}

TEST_F(jobs, deadline_is_checked_at_lease_and_by_gc) {
    accept_options late;
    late.deadline_ms = "0";
    accept(1, late);
    enlist("w");
    EXPECT_EQ(lease("w"), "");
    EXPECT_EQ(f.state(id_of(1)), "failed");
    EXPECT_THAT(f.field(id_of(1), "error"), StartsWith("{\"code\":\"deadline_exceeded\""));
    accept(2, late);
    EXPECT_EQ(f("gc", {"200", "100000", "10", "10000", "1000", "1000", "1000", "1000"}).at(2), "1");
    EXPECT_EQ(f.state(id_of(2)), "failed");
}

TEST_F(jobs, bury_kick_delete) {
    accept(1);
    EXPECT_THAT(f("kick", {id_of(1)}), ElementsAre("wrong_state", "pending"));
    EXPECT_THAT(f("delete", {id_of(1)}), ElementsAre("wrong_state", "pending"));
    EXPECT_THAT(f("bury", {id_of(1)}), ElementsAre("ok"));
    EXPECT_THAT(f("bury", {id_of(1)}), ElementsAre("wrong_state", "dead"));
    EXPECT_EQ(f.stat("dead_bytes"), 5u);
    EXPECT_THAT(f("kick", {id_of(1)}), ElementsAre("ok"));
    EXPECT_EQ(f.stat("dead_bytes"), 0u);
    EXPECT_EQ(f.state(id_of(1)), "pending");
    f("bury", {id_of(1)});
    EXPECT_THAT(f("delete", {id_of(1)}), ElementsAre("ok"));
    EXPECT_EQ(f.stat("bytes"), 0u);
    EXPECT_THAT(f("job", {id_of(1)}), ElementsAre("gone"));
    EXPECT_THAT(f("job", {id_of(2)}), ElementsAre("not_found"));
    EXPECT_THAT(f.events(id_of(1)), Contains("dead>deleted delete"));
}

TEST_F(jobs, kick_of_a_crashed_job_starts_anew) {
    accept(1);
    enlist("w");
    for (int i = 0; i < 4; ++i) {
        lease("w", 0, 0);
        f("reap", {"0", "100", "100000"});
    }
    ASSERT_EQ(f.state(id_of(1)), "dead");
    f("kick", {id_of(1)});
    EXPECT_EQ(f.field(id_of(1), "crashes"), "0");
    EXPECT_EQ(f.field(id_of(1), "solo"), "0");
    EXPECT_EQ(f.field(id_of(1), "error"), "");
    EXPECT_EQ(lease("w", 3), id_of(1));
}

TEST_F(jobs, annotated_picture_is_kept_beside_the_result) {
    accept(1);
    enlist("w");
    lease("w");
    f("complete_recognize", {id_of(1), "1", "w", "0", "{}", "jpeg"});
    EXPECT_EQ(f.plain({"GET", f.key("job:" + id_of(1) + ":annotated")}), words{"jpeg"});
    EXPECT_EQ(f.stat("annotated_bytes"), 4u);
}

TEST_F(jobs, a_calibrate_has_no_photo_and_ends_as_a_recognize) {
    accept_options wanted;
    wanted.type = "calibrate";
    EXPECT_THAT(accept(1, wanted).at(0), StartsWith("ERROR")) << "a photo";
    wanted.images = {};
    EXPECT_EQ(accept(1, wanted).at(0), "ok");
    accept_options photo;
    photo.images = {};
    EXPECT_THAT(accept(2, photo).at(0), StartsWith("ERROR")) << "a recognize without one";
    f("bury", {id_of(1)});
    EXPECT_THAT(f.problems(), ElementsAre());
    EXPECT_THAT(f("kick", {id_of(1)}), ElementsAre("ok")) << "nothing of it is lost";
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(1));
    EXPECT_THAT(complete(1, "w"), ElementsAre("succeeded", "0"));
    EXPECT_EQ(f.field(id_of(1), "result"), "{\"faces\":[]}");
}

}  // namespace
}  // namespace vultus::test
