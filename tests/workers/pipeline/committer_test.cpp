// Writing results: once, fenced, again when it must be, and never after the attempt is lost.
#include "workers/pipeline/committer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/store/job_reader.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/workers/pipeline/store_support.hpp"

namespace vultus {
namespace {

using testing::comes_true;
using testing::next_letter;

constexpr const char* worker = "host-1-cpu-aa";

class committing : public ::testing::Test {
 protected:
    void SetUp() override {
        world.register_worker(worker);
        commits.emplace(world.server.address(), worker_store(world.store), mail, 100);
    }
    commit_request result_of(job_ticket ticket, gallery_version version = 0) {
        commit_request request;
        request.call = [this, id = ticket.id(), version] {
            return worker_store(world.store).complete_recognize(id, worker, version, "{}", "");
        };
        request.ticket = std::move(ticket);
        return request;
    }
    job_ticket recognize() {
        world.submit(job_type::recognize, {"photo"});
        return world.ticket(worker);
    }
    /// The error of a train that commits one vector of zeros; the job has failed for good.
    std::string failed_train(const std::string& model, std::size_t vector_bytes) {
        world.submit(job_type::train, {"photo"}, "Bob");
        const job_ticket ticket = world.ticket(worker);
        commit_request request;
        request.ticket = ticket;
        request.call = [&, id = ticket.id()] {
            return worker_store(world.store)
                .complete_train(
                    id, worker, "{}", model,
                    {{id.job_id + "-0", "{\"job_id\":\"x\"}", std::string(vector_bytes, '\0')}});
        };
        commits->submit(std::move(request));
        EXPECT_TRUE(next_letter<job_finished>(mail));
        const job_record record = world.job(ticket.job.job_id);
        EXPECT_EQ(record.state, job_state::failed);
        return record.error;
    }

    testing::test_store world;
    mailbox<session_mail> mail{100};
    std::optional<committer> commits;
};

TEST_F(committing, a_result_is_written_and_reported) {
    const job_ticket ticket = recognize();
    commits->submit(result_of(ticket));
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->id, ticket.id());
    EXPECT_EQ(done->state, commit_state::succeeded);
    EXPECT_EQ(world.job(ticket.job.job_id).state, job_state::succeeded);
}

TEST_F(committing, an_attempt_that_is_anothers_is_stale_and_changes_nothing) {
    job_ticket ticket = recognize();
    ticket.job.attempt += 1;
    commits->submit(result_of(ticket));
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, commit_state::stale);
    EXPECT_EQ(world.job(ticket.job.job_id).state, job_state::running);
}

TEST_F(committing, an_old_version_asks_for_another_match) {
    const gallery_version version = world.train(worker, "Ada", {0.1f});
    commit_request request = result_of(recognize(), version - 1);
    std::atomic<gallery_version> needed{0};
    request.match_again = [&](gallery_version wanted, const std::string&) { needed = wanted; };
    commits->submit(std::move(request));
    EXPECT_TRUE(comes_true([&] { return needed == version; }));
    EXPECT_EQ(mail.size(), 0u);
}

TEST_F(committing, what_a_change_overtakes_without_end_fails_with_that_reason) {
    const gallery_version version = world.train(worker, "Ada", {0.1f});
    const job_ticket ticket = recognize();
    std::atomic<int> matched{0};
    std::function<void(gallery_version, const std::string&)> again = [&](gallery_version,
                                                                         const std::string&) {
        commit_request request = result_of(ticket, version - 1);
        request.overtaken = ++matched;
        request.match_again = again;
        commits->submit(std::move(request));
    };
    again(0, "");
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->state, commit_state::failed);
    EXPECT_EQ(matched, overtaken_max);
    EXPECT_THAT(world.job(ticket.job.job_id).error, ::testing::HasSubstr("old_version"));
    EXPECT_EQ(world.must(job_reader(world.store).stats()).counters["old_version"],
              unsigned{overtaken_max});
}

TEST_F(committing, whatever_redis_answers_the_attempt_fails_after_some_tries) {
    for (const char* answer : {"redis.error_reply('ERR of a script')", "{'a word of tomorrow'}",
                               "1", "{'old_version', '1'}"}) {
        ASSERT_TRUE(world.redis.call({"DEL", "tries"}));
        const job_ticket ticket = recognize();
        commit_request request = result_of(ticket);
        request.call = [call = request.call(), answer] {
            auto odd = call;
            odd.words = {"EVAL", std::string("redis.call('INCR', 'tries') return ") + answer, "0"};
            return odd;
        };
        commits->submit(std::move(request));
        const auto done = next_letter<job_finished>(mail);
        ASSERT_TRUE(done);
        EXPECT_EQ(done->state, commit_state::failed) << answer;
        EXPECT_EQ(world.job(ticket.job.job_id).state, job_state::failed);
        EXPECT_LE(std::stoi(world.redis.call({"GET", "tries"})->text), commit_tries);
    }
}

TEST_F(committing, a_failure_that_redis_does_not_take_either_is_left_alone) {
    const job_ticket ticket = recognize();
    std::string broken = "#!lua name=vultus1\n";
    for (const std::string name : {"complete_recognize", "fail"}) {
        broken += "redis.register_function('vultus1_" + name +
                  "', function() return redis.error_reply('ERR broken') end)\n";
    }
    const auto loaded = world.redis.call({"FUNCTION", "LOAD", "REPLACE", broken});
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->text, "vultus1");
    commits->submit(result_of(ticket));
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->id, ticket.id());
    EXPECT_EQ(done->state, commit_state::stale);
}

TEST_F(committing, a_result_is_held_while_redis_is_away) {
    const job_ticket ticket = recognize();
    world.server.kill();
    commits->submit(result_of(ticket));
    world.server.start();
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->state == commit_state::succeeded || done->state == commit_state::duplicate);
    EXPECT_EQ(world.job(ticket.job.job_id).state, job_state::succeeded);
}

TEST_F(committing, what_was_dropped_is_not_written) {
    const job_ticket dropped = recognize(), wanted = recognize();
    dropped.dropped->set();
    commits->submit(result_of(dropped));
    commits->submit(result_of(wanted));
    const auto done = next_letter<job_finished>(mail);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->id, wanted.id());
    EXPECT_EQ(world.job(dropped.job.job_id).state, job_state::running);
}

TEST_F(committing, a_held_result_is_dropped_with_its_attempt) {
    const job_ticket ticket = recognize();
    world.server.kill();
    commits->submit(result_of(ticket));
    ticket.dropped->set();
    world.server.start();
    const job_ticket other = recognize();
    commits->submit(result_of(other));
    ASSERT_TRUE(next_letter<job_finished>(mail));
    EXPECT_EQ(world.job(ticket.job.job_id).state, job_state::running);
}

TEST_F(committing, a_permanent_error_fails_and_a_passing_one_delays) {
    const job_ticket bad = recognize(), unlucky = recognize();
    commits->submit(commits->failure(bad, {errc::undecodable_image, "broken"}, 0));
    commits->submit(commits->failure(unlucky, {errc::store_unavailable, ""}, 0));
    ASSERT_TRUE(next_letter<job_finished>(mail));
    ASSERT_TRUE(next_letter<job_finished>(mail));
    const job_record failed = world.job(bad.job.job_id);
    EXPECT_EQ(failed.state, job_state::failed);
    EXPECT_EQ(failed.error, R"({"code":"undecodable_image","detail":"broken"})");
    EXPECT_EQ(world.job(unlucky.job.job_id).state, job_state::delayed);
}

TEST_F(committing, a_train_with_another_model_fails_for_good) {
    world.train(worker, "Ada", {0.1f});
    EXPECT_THAT(failed_train("another model", 512), ::testing::HasSubstr("model_mismatch"));
}

TEST_F(committing, a_train_whose_model_was_chosen_by_a_lease_goes_back_to_be_leased_again) {
    world.train(worker, "Ada", {0.1f});
    world.submit(job_type::train, {"photo"}, "Bob");
    const job_ticket ticket = world.ticket(worker);
    commit_request request;
    request.ticket = ticket;
    request.back_for_model = true;
    request.call = [&, id = ticket.id()] {
        return worker_store(world.store)
            .complete_train(id, worker, "{}", "another model",
                            {{id.job_id + "-0", "{\"job_id\":\"x\"}", std::string(512, '\0')}});
    };
    commits->submit(std::move(request));
    const auto said = next_letter<job_finished>(mail);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->state, commit_state::delayed);
    const job_record back = world.job(ticket.job.job_id);
    EXPECT_EQ(back.state, job_state::pending);
    EXPECT_EQ(back.failures, 0u);
    EXPECT_EQ(world.ticket(worker).job.job_id, ticket.job.job_id);
}

TEST_F(committing, a_train_with_vectors_of_no_model_fails_for_good) {
    EXPECT_THAT(failed_train("test", 513), ::testing::HasSubstr("malformed"));
}

TEST(backoff, grows_with_the_failures_and_never_for_permanent_errors) {
    using std::chrono::milliseconds;
    EXPECT_EQ(retry_delay(errc::no_face, 0), milliseconds(0));
    milliseconds first{0}, last{0};
    for (int i = 0; i < 200; ++i) {
        const milliseconds early = retry_delay(errc::store_unavailable, 0);
        const milliseconds late = retry_delay(errc::store_unavailable, 4);
        EXPECT_GE(early.count(), 1);
        EXPECT_LE(early.count(), 1'000);
        EXPECT_LE(late.count(), 16'000);
        EXPECT_LE(retry_delay(errc::store_unavailable, 1'000).count(), 60'000);
        first = std::max(first, early);
        last = std::max(last, late);
    }
    EXPECT_GT(last, first);
}

}  // namespace
}  // namespace vultus
