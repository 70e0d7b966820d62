// The time of the functions: what a jump of Redis' clock must not do, when it is detected, when it
// clears, and what the operator's decision changes. The library is loaded with a host clock that a
// key moves.
#include <gmock/gmock.h>

#include <cstdint>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t minute = 60'000, hour = 60 * minute, day = 24 * hour;
constexpr std::int64_t year = 366 * day;

class clock_jump : public redis_test {
 protected:
    void SetUp() override {
        redis_test::SetUp();
        words code = f.plain({"FUNCTION", "LIST", "LIBRARYNAME", "vultus1", "WITHCODE"});
        std::string& library = code.back();
        const std::string asks = "math.floor(time[2] / 1000)}";
        const auto at = library.find(asks);
        if (at == std::string::npos) return;  // done for the test before
        library.replace(at, asks.size(),
                        "math.floor(time[2] / 1000) + tonumber(redis.call('GET', 'moved') or 0)}");
        ASSERT_EQ(f.plain({"FUNCTION", "LOAD", "REPLACE", library}).at(0), "vultus1");
    }
    std::int64_t now() { return std::stoll(f("clock").at(1)); }
    std::string state() { return f("clock").at(3); }
    std::int64_t offset() { return std::stoll(f("clock").at(4)); }
    /// The clock of the host, from now on.
    void jump(std::int64_t ms) { f.plain({"INCRBY", "moved", std::to_string(ms)}); }
    /// So that no mark was made in the very millisecond of the last sweep.
    void let_time_pass() {
        const auto then = now();
        while (now() == then) {
        }
    }
    /// A broker looks that knows how much time passed, or none.
    words sweep(std::int64_t expected) {
        return f("reap", {std::to_string(expected), "100", "10000"});
    }
    words sweep() { return sweep(0); }
    words gc() {
        const std::string week = std::to_string(7 * day), much = "1000000";
        return f("gc",
                 {"200", std::to_string(day), much, much, std::to_string(hour), much, week, much});
    }
    /// Somebody in a collection that keeps people for a year, and the first sweep of a broker.
    void teach_with_retention() {
        teach(1, "Ada");
        f("set_retention", {"default", std::to_string(year - day), "ctl"});
        f("unseen", {"10"});
        let_time_pass();
        sweep();
        let_time_pass();
    }
    words due() {
        f.plain({"ZADD", f.key("retention"), "XX", "0", "default"});
        return f("unseen", {"10"});
    }
    std::int64_t mark(const std::string& label) {
        return std::stoll(f.plain({"ZSCORE", f.key("gallery:default:1:seen"), label}).at(0));
    }
    /// As data of a version that kept no clock, with somebody in it who would be due by now.
    void lay_data_without_a_clock() {
        teach(1, "Ada");
        f("set_retention", {"default", std::to_string(day), "ctl"});
        f("unseen", {"10"});
        accept(2);
        f.plain({"DEL", f.key("clock")});
    }
    std::string forget(int n, const std::string& label) {
        return f("forget_unseen", {id_of(n), "default", label, "retention"}).at(0);
    }
};

TEST_F(clock_jump, ahead_before_any_sweep_ends_nothing_and_marks_nothing_ahead) {
    teach_with_retention();
    accept(2);
    const auto before = now();
    jump(year);
    EXPECT_LT(now(), before + minute);
    EXPECT_EQ(due().at(1), "0");
    EXPECT_EQ(forget(9, "Ada"), "seen");
    EXPECT_EQ(gc().at(2), "0");
    f("seen", {"default", "Ada"});
    EXPECT_LT(mark("Ada"), before + minute);
    accept(3);
    EXPECT_LT(std::stoll(f.field(id_of(3), "created_ms")), before + minute);
    enlist("w");
    EXPECT_EQ(lease("w"), id_of(2)) << "its deadline has not passed";
}

TEST_F(clock_jump, ahead_is_taken_up_by_the_next_sweep_and_cleared_by_the_jump_back) {
    teach_with_retention();
    accept(2);
    const auto before = now();
    jump(year);
    EXPECT_EQ(sweep(before).at(0), "grace");
    EXPECT_EQ(state(), "suspicious");
    EXPECT_NEAR(static_cast<double>(offset()), -static_cast<double>(year), 1'000.0);
    EXPECT_LT(now(), before + minute) << "time goes on as it did";
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("vultusctl clock accept")));
    EXPECT_GT(f.stat("clock_suspicious_ms"), 0u);
    EXPECT_EQ(gc().at(2), "0");
    EXPECT_EQ(due().at(1), "0");
    f.plain({"ZADD", f.key("gallery:default:1:seen"), "XX", "1000", "Ada"});
    EXPECT_EQ(due().at(1), "0") << "whoever is due waits for the operator";
    EXPECT_EQ(forget(9, "Ada"), "seen");
    f("seen", {"default", "Ada"});
    const auto meanwhile = now();
    jump(-year);
    EXPECT_EQ(sweep(meanwhile).at(0), "grace");
    EXPECT_EQ(state(), "steady");
    EXPECT_EQ(offset(), 0);
    EXPECT_EQ(f.stat("clock_suspicious_ms"), 0u);
    EXPECT_LT(mark("Ada"), before + minute);
    EXPECT_EQ(f.state(id_of(2)), "pending");
}

TEST_F(clock_jump, back_is_taken_up_too) {
    teach_with_retention();
    const auto before = now();
    jump(-year);
    EXPECT_GE(now(), before - 1'000) << "before the sweep";
    sweep(before);
    EXPECT_EQ(state(), "suspicious");
    EXPECT_GE(now(), before - 1'000);
    teach(3, "Bob");
    EXPECT_GE(mark("Bob"), before - 1'000);
    const auto meanwhile = now();
    jump(year);
    sweep(meanwhile);
    EXPECT_EQ(state(), "steady");
    EXPECT_EQ(due().at(1), "0") << "who was taught meanwhile is not due a year later";
}

TEST_F(clock_jump, of_some_minutes_fails_no_job_and_is_made_up_for_slowly) {
    sweep();
    accept_options soon;
    soon.deadline_ms = std::to_string(minute);
    accept(1, soon);
    const auto before = now();
    jump(5 * minute);
    EXPECT_EQ(gc().at(2), "0") << "before the sweep";
    EXPECT_EQ(sweep(before).at(0), "grace");
    EXPECT_EQ(state(), "slewing");
    EXPECT_EQ(gc().at(2), "0");
    const auto off = offset();
    for (int n = 0; n < 50 && offset() == off; ++n) sweep(now());
    EXPECT_GT(offset(), off) << "it becomes less";
    EXPECT_GT(offset(), off - minute);
    EXPECT_EQ(f.state(id_of(1)), "pending");
}

TEST_F(clock_jump, a_gap_of_days_that_nobody_measured_erases_nothing_for_an_hour) {
    teach_with_retention();
    f("set_retention", {"default", std::to_string(day), "ctl"});
    accept(2);
    jump(2 * day);
    sweep(0);
    EXPECT_EQ(state(), "quiet");
    EXPECT_EQ(due().at(1), "0");
    EXPECT_EQ(gc().at(2), "0") << "no deadline passes";
    f.plain({"HSET", f.key("clock"), "quiet_until_ms", "1"});
    EXPECT_EQ(due().at(1), "1") << "then it goes on";
    EXPECT_EQ(gc().at(2), "1");
}

TEST_F(clock_jump, data_without_a_clock_are_guarded_by_their_newest_event) {
    lay_data_without_a_clock();
    const auto before = now();
    jump(year);
    EXPECT_LT(now(), before + minute) << "no sweep has been made";
    EXPECT_EQ(gc().at(2), "0");
    EXPECT_EQ(due().at(1), "0");
    EXPECT_EQ(forget(9, "Ada"), "seen");
    EXPECT_EQ(sweep().at(0), "grace");
    EXPECT_EQ(state(), "suspicious");
    EXPECT_EQ(gc().at(2), "0");
    EXPECT_EQ(due().at(1), "0");
    f("clock_accept", {"ctl"});
    EXPECT_EQ(due(), (words{"ok", "1", "default", "Ada"}));
}

TEST_F(clock_jump, data_without_a_clock_are_guarded_for_an_hour_after_a_day) {
    lay_data_without_a_clock();
    jump(2 * day);
    sweep();
    EXPECT_EQ(state(), "quiet");
    EXPECT_EQ(gc().at(2), "0");
    EXPECT_EQ(due().at(1), "0");
}

TEST_F(clock_jump, data_without_a_clock_that_a_process_has_just_used_need_no_word) {
    lay_data_without_a_clock();
    const auto then = now() + year;
    f.plain({"ZADD", f.key("workers"), std::to_string(then + 10'000), "w"});
    jump(year);
    EXPECT_EQ(sweep().at(0), "ok") << "nothing has happened for a year, but a worker was there";
    EXPECT_EQ(state(), "steady");
    EXPECT_GE(now(), then);
}

TEST_F(clock_jump, data_without_a_clock_whose_newest_event_is_ahead_end_nothing_by_it) {
    lay_data_without_a_clock();
    const auto before = now();
    f.plain({"XADD", f.key("events"), std::to_string(before + year) + "-0", "a", "b"});
    EXPECT_LT(now(), before + minute);
    EXPECT_EQ(gc().at(2), "0");
    EXPECT_EQ(due().at(1), "0");
    sweep();
    EXPECT_LT(now(), before + minute);
    EXPECT_EQ(f.state(id_of(2)), "pending");
}

TEST_F(clock_jump, a_gap_that_a_boot_clock_measured_is_time_that_passed) {
    teach_with_retention();
    f("set_retention", {"default", std::to_string(day), "ctl"});
    const auto before = now();
    jump(2 * day);
    EXPECT_EQ(sweep(before + 2 * day).at(0), "grace") << "a machine that slept";
    EXPECT_EQ(state(), "steady");
    EXPECT_EQ(due(), (words{"ok", "1", "default", "Ada"}));
}

TEST_F(clock_jump, a_longer_gap_waits_for_the_operators_word) {
    teach_with_retention();
    accept_options later;
    later.priority = "bulk";
    accept(2, later);
    const auto before = now();
    jump(90 * day);
    sweep(0);
    EXPECT_EQ(state(), "suspicious");
    EXPECT_LT(now(), before + minute);
    f.plain({"ZADD", f.key("gallery:default:1:seen"), std::to_string(before + 5'000), "Ada"});
    teach(3, "Bob");  // seen meanwhile, by a time that is 90 days behind
    accept(4);
    f("set_retention", {"default", std::to_string(60 * day), "ctl"});
    EXPECT_EQ(due().at(1), "0");
    const words said = f("clock_accept", {"vultusctl:root@host"});
    ASSERT_EQ(said.at(0), "ok");
    // Time continues 10 s behind the last time in the file, which may be as old (keep_every_ms).
    EXPECT_NEAR(std::stod(said.at(2)), static_cast<double>(90 * day), 11'000.0);
    EXPECT_EQ(state(), "steady");
    EXPECT_GT(now(), before + 89 * day);
    EXPECT_THAT(f.problems(), IsEmpty());
    EXPECT_EQ(sweep(before).at(0), "ok") << "what a broker still expects is not believed now";
    EXPECT_EQ(state(), "steady");
    gc();
    EXPECT_EQ(f.state(id_of(2)), "pending") << "jobs do not fail by the operator's word";
    EXPECT_EQ(f.state(id_of(4)), "pending");
    EXPECT_EQ(due(), (words{"ok", "1", "default", "Ada"})) << "she was not seen for 90 days";
    EXPECT_GT(mark("Bob"), before + 89 * day) << "he was seen since";
    const words newest = f.plain({"XREVRANGE", f.key("audit"), "+", "-", "COUNT", "1"});
    EXPECT_THAT(newest, testing::IsSupersetOf(words{"vultusctl:root@host", "clock"}));
}

TEST_F(clock_jump, accepted_backwards_leaves_no_mark_ahead) {
    teach_with_retention();
    const auto before = now();
    jump(-year);
    sweep(before);
    ASSERT_EQ(state(), "suspicious");
    accept(2);
    f("cancel", {id_of(2)});
    f("clock_accept", {"ctl"});
    ASSERT_EQ(state(), "steady");
    const auto there = now();
    EXPECT_GT(mark("Ada"), there + hour);
    due();
    gc();
    EXPECT_LE(mark("Ada"), now());
    EXPECT_LE(std::stoll(f.plain({"ZSCORE", f.key("queue:done"), id_of(2)}).at(0)), now());
}

TEST_F(clock_jump, a_clock_that_was_wrong_at_the_start_may_be_put_right) {
    teach_with_retention();
    const auto before = now();
    jump(-10 * year);
    sweep(0);
    EXPECT_EQ(state(), "suspicious") << "a machine without a battery";
    const auto wrong = now();
    jump(10 * year + 2 * day);
    sweep(wrong);
    EXPECT_EQ(state(), "quiet") << "it had been off for two days";
    EXPECT_GT(now(), before + day);
    EXPECT_EQ(offset(), 0);
}

TEST_F(clock_jump, of_which_nobody_knew_that_it_was_one_clears_when_it_is_undone) {
    teach_with_retention();
    const auto before = now();
    jump(2 * day);
    sweep(0);
    ASSERT_EQ(state(), "quiet");
    teach(2, "Bob");
    const auto ahead = now();
    jump(-2 * day);
    sweep(ahead);
    EXPECT_EQ(state(), "steady");
    EXPECT_LT(now(), before + minute);
    due();
    EXPECT_LE(mark("Bob"), now());
}

TEST_F(clock_jump, ends_no_session_and_frees_no_idempotency_key) {
    const std::string password = "$argon2id$v=19$x", hash(64, 'a');
    f("user_add", {"ada", password, "viewer", "*"});
    f("login_try", {"ada", "10.0.0.1"});
    f("login", {"ada", password, hash, "10.0.0.1", "10.0.0.1"});
    for (int n = 0; n < 6; ++n) f("login_try", {"eve", "10.0.0.2"});
    accept_options once;
    once.hash = "h";
    accept(1, once);
    for (const auto& name : f.plain({"KEYS", "*"})) {
        EXPECT_EQ(f.plain({"PTTL", name}).at(0), "-1") << name << ": Redis expires it by its clock";
    }
    sweep();
    jump(year);
    EXPECT_EQ(f("session", {hash, "1"}).at(0), "ok");
    EXPECT_EQ(gc().at(6), "0");
    EXPECT_EQ(f("session", {hash, "1"}).at(0), "ok");
    EXPECT_EQ(f("login_try", {"eve", "10.0.0.3"}).at(0), "wait");
    EXPECT_EQ(accept(2, once).at(0), "dup");
}

TEST_F(clock_jump, a_bucket_and_a_lock_out_from_the_future_open) {
    const std::string id(12, '1'), hash(64, 'a');
    f("key_create", {id, hash, "read", "*", "6000", "0", "0", "0", ""});
    f("spend", {id, "0"});
    f.plain({"HSET", f.key("quota:" + id), "at_ms", std::to_string(now() + year), "requests", "0"});
    EXPECT_EQ(f("spend", {id, "0"}).at(0), "over");
    EXPECT_LE(std::stoll(f.plain({"HGET", f.key("quota:" + id), "at_ms"}).at(0)), now());
    f.plain(
        {"HSET", f.key("tries:name:eve"), "wrong", "9", "next_ms", std::to_string(now() + year)});
    f.plain({"ZADD", f.key("tries"), std::to_string(now() + year), "name:eve"});
    EXPECT_EQ(f("login_try", {"eve", "10.0.0.3"}).at(0), "wait");
    EXPECT_LE(std::stoll(f.plain({"HGET", f.key("tries:name:eve"), "next_ms"}).at(0)),
              now() + 15 * minute);
    gc();
    EXPECT_LE(std::stoll(f.plain({"ZSCORE", f.key("tries"), "name:eve"}).at(0)), now() + hour);
}

TEST_F(clock_jump, events_and_the_audit_log_go_by_the_same_time) {
    sweep();
    jump(year);
    f("clock_accept", {"ctl"});
    train(1, "Ada");
    for (const char* name : {"events", "audit"}) {  // Redis' own clock did not move here
        const auto id = f.plain({"XREVRANGE", f.key(name), "+", "-", "COUNT", "1"}).at(0);
        EXPECT_NEAR(std::stod(id), static_cast<double>(now()), minute) << name;
    }
    f("cancel", {id_of(1)});
}

TEST_F(clock_jump, an_idle_service_writes_its_time_to_the_file_every_ten_seconds_at_most) {
    const auto size = [&] {
        const auto info = f.plain({"INFO", "persistence"}).at(0);
        return std::stoll(info.substr(info.find("aof_current_size:") + 17));
    };
    sweep();
    const auto before = size();
    for (int n = 0; n < 20; ++n) {
        f("reap", {"0", "100", "10000"});
        f("barrier", {"0", "10000"});
    }
    EXPECT_EQ(size(), before);
}

}  // namespace
}  // namespace vultus::test
