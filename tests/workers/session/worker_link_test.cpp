// The worker's conversation: with a broker that the test plays, and a real Redis.
#include "tests/workers/session/worker_link_support.hpp"

#include <gmock/gmock.h>

namespace vultus {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class talking : public ::testing::Test {
 protected:
    protocol::ready meet() {
        run.start();
        return meet_again();
    }
    protocol::ready meet_again() {
        auto ready = run.broker->next<protocol::ready>();
        EXPECT_TRUE(ready);
        return ready ? *ready : protocol::ready{};
    }
    /// Accepts jobs, leases them for the worker and sends the JOB message.
    std::vector<leased_job> give(const protocol::ready& worker, int count) {
        for (int i = 0; i < count; ++i) run.world.submit(job_type::recognize, {"photo"});
        const auto jobs = run.world.lease(worker.worker_id, static_cast<std::uint32_t>(count));
        EXPECT_THAT(jobs, SizeIs(static_cast<std::size_t>(count)));
        run.broker->send(protocol::job{++n, jobs});
        return jobs;
    }
    /// comes_true, while the broker goes on answering.
    bool soon(const std::function<bool()>& condition) {
        return testing::comes_true([&] {
            run.broker->pump();
            return condition();
        });
    }
    bool taken(std::size_t count) {
        return soon([&] { return run.sink.jobs().size() == count; });
    }
    bool registered(const std::string& worker_id) {
        auto reply =
            run.world.redis.call({"ZSCORE", run.world.store.prefix() + "workers", worker_id});
        return reply && reply->type == redis_reply::kind::text;
    }
    bool began(const leased_job& job) {
        auto reply = run.world.redis.call(
            {"HGET", run.world.store.prefix() + "job:" + job.job_id, "started"});
        return reply && reply->text == std::to_string(job.attempt);
    }
    job_state state(const leased_job& job) { return run.world.job(job.job_id).state; }

    testing::running_session run;
    std::uint64_t n = 0;
};

TEST_F(talking, registers_before_it_says_ready) {
    const protocol::ready ready = meet();
    EXPECT_TRUE(registered(ready.worker_id));
    EXPECT_EQ(run.broker->peer, ready.worker_id + ".1");
    EXPECT_THAT(ready.types, ::testing::ElementsAreArray(announced_types));
    EXPECT_EQ(ready.window, run.settings.window);
    EXPECT_THAT(run.sink.story(), ElementsAre("registered"));
}

TEST_F(talking, a_job_is_started_in_redis_before_the_work_begins_and_done_is_told_after) {
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 2);
    ASSERT_TRUE(taken(2));
    for (const job_ticket& ticket : run.sink.jobs()) {
        EXPECT_TRUE(began(ticket.job));
        EXPECT_EQ(ticket.worker_id, ready.worker_id);
    }
    run.mail.push(job_finished{run.sink.jobs()[0].id(), commit_state::succeeded, {{"match", 1.5}}});
    const auto done = run.broker->next<protocol::done>();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->job_id, jobs[0].job_id);
    EXPECT_EQ(done->state, "succeeded");
    EXPECT_EQ(done->stage_ms.at("match"), 1.5);
    EXPECT_TRUE(soon([&] {
        const auto beat = run.broker->next<protocol::worker_heartbeat>();
        return beat && beat->last_n == 1 && beat->running.size() == 1;
    }));
}

TEST_F(talking, each_heartbeat_says_what_was_done_by_then) {
    run.settings.load = [faces = std::uint64_t{7}]() mutable {
        return protocol::worker_load{1, faces++, 3, 100, 40};
    };
    meet();
    const auto first = run.broker->next<protocol::worker_heartbeat>();
    const auto second = run.broker->next<protocol::worker_heartbeat>();
    ASSERT_TRUE(first && second);
    EXPECT_GE(first->load.faces, 7u);
    EXPECT_GT(second->load.faces, first->load.faces);
    EXPECT_TRUE(second->load.gpu_free_bytes == 40 && second->load.turn_wall_us > 0);
}

TEST_F(talking, an_attempt_that_is_anothers_is_never_begun) {
    const protocol::ready ready = meet();
    run.world.submit(job_type::recognize, {"photo"});
    run.world.submit(job_type::recognize, {"photo"});
    auto jobs = run.world.lease(ready.worker_id, 2);
    jobs[0].attempt += 1;  // as if it had been leased once more to somebody else
    run.broker->send(protocol::job{1, jobs});
    ASSERT_TRUE(taken(1));
    EXPECT_EQ(run.sink.jobs()[0].id().job_id, jobs[1].job_id);
}

TEST_F(talking, an_attempt_that_redis_cannot_begin_fails_and_keeps_no_other_back) {
    const protocol::ready ready = meet();
    for (int i = 0; i < 3; ++i) run.world.submit(job_type::recognize, {"photo"});
    const auto jobs = run.world.lease(ready.worker_id, 3);
    ASSERT_THAT(jobs, SizeIs(3u));
    const std::string broken = run.world.store.prefix() + "job:" + jobs[1].job_id;
    ASSERT_TRUE(run.world.redis.call({"RENAME", broken, "elsewhere"}));
    ASSERT_TRUE(run.world.redis.call({"SET", broken, "no hash"}));
    run.broker->send(protocol::job{++n, jobs});
    EXPECT_TRUE(soon([&] { return run.sink.jobs().size() == 2; }));
    EXPECT_EQ(run.sink.jobs()[0].job.job_id, jobs[0].job_id);
    EXPECT_EQ(run.sink.jobs()[1].job.job_id, jobs[2].job_id);
}

TEST_F(talking, a_cancel_drops_the_job_where_it_stands_and_ends_the_attempt) {
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    EXPECT_EQ(run.world.must(submission_store(run.world.store).cancel(jobs[0].job_id)),
              "requested");
    run.broker->send(protocol::cancel{jobs[0].job_id, jobs[0].attempt});
    EXPECT_TRUE(soon([&] { return state(jobs[0]) == job_state::cancelled; }));
    EXPECT_TRUE(run.sink.jobs()[0].dropped->is_set());
}

TEST_F(talking, a_cancel_whose_message_is_lost_arrives_with_the_renewal) {
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    run.world.must(submission_store(run.world.store).cancel(jobs[0].job_id));
    EXPECT_TRUE(soon([&] { return state(jobs[0]) == job_state::cancelled; }));
}

TEST_F(talking, a_job_that_the_stages_have_no_room_for_is_handed_back) {
    const protocol::ready ready = meet();
    run.sink.refuse_jobs();
    const auto jobs = give(ready, 1);
    EXPECT_TRUE(soon([&] { return state(jobs[0]) == job_state::pending; }));
    EXPECT_EQ(run.world.job(jobs[0].job_id).failures, 0u);
}

TEST_F(talking, a_solo_job_runs_alone_and_frames_wait_for_it) {
    const protocol::ready ready = meet();
    run.world.submit(job_type::recognize, {"photo"});
    run.world.submit(job_type::recognize, {"photo"});
    auto jobs = run.world.lease(ready.worker_id, 2);
    jobs[0].solo = true;
    run.broker->send(protocol::job{1, jobs});
    ASSERT_TRUE(taken(1));
    protocol::frame frame;
    frame.frame_id = "f";
    frame.collection = "people";
    frame.deadline_ms = 60'000;
    run.broker->send(frame);
    // The frame is in hand: a heartbeat says so. It and the second job still wait.
    ASSERT_TRUE(soon([&] {
        const auto beat = run.broker->next<protocol::worker_heartbeat>();
        return beat && beat->frames.size() == 1;
    }));
    EXPECT_TRUE(run.sink.jobs().size() == 1 && run.sink.frames().empty());
    run.mail.push(job_finished{run.sink.jobs()[0].id(), commit_state::succeeded, {}});
    EXPECT_TRUE(taken(2));
    EXPECT_TRUE(soon([&] { return run.sink.frames().size() == 1; }));
}

TEST_F(talking, a_frame_is_answered_on_the_connection_that_asked) {
    meet();
    protocol::frame frame;
    frame.frame_id = "f";
    frame.attempt = 2;
    frame.collection = "people";
    frame.min_version = 7;
    frame.deadline_ms = 60'000;
    frame.image = "photo";
    run.broker->send(frame);
    ASSERT_TRUE(soon([&] { return run.sink.frames().size() == 1; }));
    const frame_ticket ticket = run.sink.frames()[0];
    EXPECT_EQ(ticket.frame, frame);
    protocol::answer answer{"f", 2, 9, "", "", "{}"};
    run.mail.push(frame_answered{{"f", 2, 8, "", "", "old"}, ticket.link, ticket.connection + 1});
    run.mail.push(frame_answered{answer, ticket.link, ticket.connection});
    const auto got = run.broker->next<protocol::answer>();
    ASSERT_TRUE(got);
    EXPECT_EQ(*got, answer);
}

TEST_F(talking, more_frames_than_its_window_are_refused) {
    meet();
    for (std::uint32_t i = 0; i <= run.settings.frame_window; ++i) {
        protocol::frame frame;
        frame.frame_id = "f" + std::to_string(i);
        frame.collection = "people";
        frame.deadline_ms = 60'000;
        run.broker->send(frame);
    }
    const auto refused = run.broker->next<protocol::answer>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, "no_worker");
    EXPECT_THAT(run.sink.frames(), SizeIs(run.settings.frame_window));
}

TEST_F(talking, a_broker_that_says_bye_meets_a_new_socket_with_what_runs) {
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    run.broker->send(protocol::bye{"unknown"});
    const protocol::ready again = meet_again();
    EXPECT_EQ(again.worker_id, ready.worker_id);
    EXPECT_EQ(run.broker->peer, ready.worker_id + ".2");
    EXPECT_THAT(again.running, ElementsAre(attempt_id{jobs[0].job_id, 1}));
    EXPECT_FALSE(run.sink.jobs()[0].dropped->is_set());
}

TEST_F(talking, a_silent_broker_gets_a_new_socket) {
    run.broker->mute = true;
    const protocol::ready ready = meet();
    meet_again();
    EXPECT_EQ(run.broker->peer, ready.worker_id + ".2");
}

TEST_F(talking, a_broker_that_was_lost_gets_a_new_socket_before_it_is_silent) {
    run.settings.heartbeat = std::chrono::seconds(5);
    const protocol::ready ready = meet();
    const std::string endpoint = run.settings.brokers.at(0);
    run.broker.reset();
    run.broker = std::make_unique<testing::fake_broker>(endpoint);
    const boot_time back = boot_now();
    meet_again();
    EXPECT_EQ(run.broker->peer, ready.worker_id + ".2");
    EXPECT_LT(boot_now() - back, 2 * run.settings.heartbeat);
}

TEST_F(talking, a_message_that_comes_twice_counts_once) {
    const protocol::ready ready = meet();
    const auto first = give(ready, 1);
    give(ready, 1);
    run.broker->send(protocol::job{1, first});
    protocol::frame marker;
    marker.frame_id = "f";
    marker.collection = "people";
    marker.deadline_ms = 60'000;
    run.broker->send(marker);
    std::optional<protocol::worker_heartbeat> beat;
    ASSERT_TRUE(soon([&] {
        beat = run.broker->next<protocol::worker_heartbeat>();
        return beat && beat->frames.size() == 1;
    }));
    EXPECT_EQ(beat->last_n, 2u);
    EXPECT_THAT(beat->running, SizeIs(2));
}

TEST_F(talking, each_broker_has_its_own_jobs_and_all_sockets_one_number) {
    run.settings.brokers.push_back("ipc://" + run.folder.path() + "/second");
    testing::fake_broker second(run.settings.brokers[1]);
    const protocol::ready ready = meet();
    ASSERT_TRUE(second.next<protocol::ready>());
    EXPECT_EQ(second.peer, run.broker->peer);
    give(ready, 1);
    run.world.submit(job_type::recognize, {"photo"});
    const auto others = run.world.lease(ready.worker_id, 1);
    second.send(protocol::job{1, others});
    ASSERT_TRUE(taken(2));
    run.mail.push(job_finished{{others[0].job_id, 1}, commit_state::succeeded, {}});
    const auto done = second.next<protocol::done>();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->job_id, others[0].job_id);

    // One of them says bye: both get new sockets with the next number, and what runs goes on.
    second.send(protocol::bye{"unknown"});
    ASSERT_TRUE(second.next<protocol::ready>());
    EXPECT_EQ(second.peer, ready.worker_id + ".2");
    EXPECT_THAT(meet_again().running, SizeIs(1));
    EXPECT_EQ(run.broker->peer, second.peer);
}

TEST_F(talking, news_come_by_reload_by_job_and_by_renewal) {
    const protocol::ready ready = meet();
    run.broker->send(protocol::reload{"people", 5});
    EXPECT_TRUE(soon([&] { return run.sink.story().back() == "news people 5"; }));
    run.world.must(worker_store(run.world.store).hello(ready.worker_id, "people", 0));
    run.mail.push(gallery_held{"people", 0});
    run.world.register_worker("other");
    const gallery_version made = run.world.train("other", "Ada", {0.1f});
    EXPECT_TRUE(soon([&] {
        const auto story = run.sink.story();
        return std::find(story.begin(), story.end(), "news people " + std::to_string(made)) !=
               story.end();
    }));
}

TEST_F(talking, a_stuck_stage_stops_the_renewals_and_the_worker_fences_itself) {
    run.settings.self_fence = milliseconds(900);
    progress::slot& slot = run.stages.add();
    const protocol::ready ready = meet();
    give(ready, 1);
    ASSERT_TRUE(taken(1));
    slot.begin(boot_now(), milliseconds(1));
    const auto bye = run.broker->next<protocol::bye>();
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->reason, "fenced");
    EXPECT_TRUE(run.sink.jobs()[0].dropped->is_set());
    EXPECT_THAT(run.sink.story(), ::testing::Contains("fenced"));
    slot.done();  // it moves again: back under a new name
    const protocol::ready again = meet_again();
    EXPECT_NE(again.worker_id, ready.worker_id);
    EXPECT_THAT(again.running, SizeIs(0));
    EXPECT_TRUE(registered(ready.worker_id)) << "a hang sends no BYE: the lease has to lapse";
}

TEST_F(talking, without_redis_it_fences_itself_and_comes_back_with_it) {
    run.settings.self_fence = milliseconds(900);
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    run.world.server.kill();
    ASSERT_TRUE(run.broker->next<protocol::bye>());
    run.world.server.start();
    const protocol::ready again = meet_again();
    EXPECT_NE(again.worker_id, ready.worker_id);
    EXPECT_TRUE(registered(again.worker_id));
    EXPECT_FALSE(registered(ready.worker_id)) << "nobody should wait for the old name";
    EXPECT_EQ(state(jobs[0]), job_state::pending);
}

TEST_F(talking, a_registration_that_is_gone_ends_the_service_at_once) {
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    run.world.must(worker_store(run.world.store).bye(ready.worker_id));
    const auto bye = run.broker->next<protocol::bye>();  // the next renewal was told
    ASSERT_TRUE(bye);
    EXPECT_TRUE(run.sink.jobs()[0].dropped->is_set());
    EXPECT_NE(meet_again().worker_id, ready.worker_id);
}

TEST_F(talking, a_hello_that_was_told_gone_ends_the_service_too) {
    const protocol::ready ready = meet();
    run.mail.push(registration_gone{"somebody else"});
    run.mail.push(registration_gone{ready.worker_id});
    ASSERT_TRUE(run.broker->next<protocol::bye>());
    EXPECT_NE(meet_again().worker_id, ready.worker_id);
}

TEST_F(talking, a_worker_that_never_moves_again_ends_with_70) {
    run.settings.self_fence = milliseconds(600);
    run.settings.lease = milliseconds(1'000);
    progress::slot& slot = run.stages.add();
    meet();
    slot.begin(boot_now(), milliseconds(1));
    ASSERT_TRUE(run.broker->next<protocol::bye>());
    EXPECT_EQ(run.wait_for_end(), worker_link_end::stuck);
}

TEST_F(talking, a_drain_finishes_what_runs_hands_back_the_rest_and_says_goodbye) {
    const protocol::ready ready = meet();
    run.world.submit(job_type::recognize, {"photo"});
    run.world.submit(job_type::recognize, {"photo"});
    auto jobs = run.world.lease(ready.worker_id, 2);
    jobs[1].solo = true;  // so that it waits behind the first
    run.broker->send(protocol::job{1, jobs});
    ASSERT_TRUE(taken(1));
    run.mail.push(drain_asked{"test"});
    ASSERT_TRUE(run.broker->next<protocol::drain>());
    EXPECT_TRUE(soon([&] { return state(jobs[1]) == job_state::pending; }));
    EXPECT_FALSE(run.sink.jobs()[0].dropped->is_set());
    const job_ticket running = run.sink.jobs()[0];
    run.world.must(worker_store(run.world.store)
                       .complete_recognize(running.id(), ready.worker_id, 0, "{}", ""));
    run.mail.push(job_finished{running.id(), commit_state::succeeded, {}});
    ASSERT_TRUE(run.broker->next<protocol::done>());
    ASSERT_TRUE(run.broker->next<protocol::bye>());
    EXPECT_EQ(run.finish(), worker_link_end::drained);
    EXPECT_FALSE(registered(ready.worker_id));
    EXPECT_EQ(state(jobs[0]), job_state::succeeded);
}

TEST_F(talking, a_drain_does_not_wait_for_ever) {
    run.settings.drain_timeout = milliseconds(500);
    const protocol::ready ready = meet();
    const auto jobs = give(ready, 1);
    ASSERT_TRUE(taken(1));
    EXPECT_EQ(run.finish(), worker_link_end::drained);
    EXPECT_EQ(state(jobs[0]), job_state::pending);
    EXPECT_FALSE(registered(ready.worker_id));
}

}  // namespace
}  // namespace vultus
