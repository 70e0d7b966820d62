// The calls of the store's roles against a real redis-server: one thin pass through each, so that
// the words sent and the words read are those of the library. What the library decides is tested
// where the library is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "shared/store/model_store.hpp"
#include "shared/store/retention.hpp"
#include "tests/shared/store/store_call_support.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace vultus::testing;

TEST_F(store_call, accept_lease_complete_and_read) {
    must(attempts.register_worker(some_worker()));
    const new_job job = some_job();
    const accepted first = must(submissions.accept(job, many, bytes));
    EXPECT_EQ(first.job_id, job.id);
    EXPECT_FALSE(first.duplicate);
    const accepted again = must(submissions.accept(job, many, bytes));
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.state, job_state::pending);

    const auto jobs = lease();
    ASSERT_THAT(jobs, SizeIs(1));
    EXPECT_EQ(jobs[0].job_id, job.id);
    EXPECT_EQ(jobs[0].attempt, 1U);
    EXPECT_EQ(jobs[0].type, job_type::recognize);
    EXPECT_EQ(jobs[0].collection, "staff");
    EXPECT_EQ(jobs[0].traceparent, "00-aa-bb-01");
    EXPECT_FALSE(jobs[0].solo);
    EXPECT_GT(jobs[0].deadline, jobs[0].lease_until);

    const attempt_id mine{job.id, 1};
    EXPECT_THAT(must(attempts.started(worker, {mine})), IsEmpty());
    EXPECT_EQ(must(attempts.fetch(mine, worker)).photos, job.images);
    const auto made = must(attempts.complete_recognize(mine, worker, 0, "{\"faces\":[]}", "JPEG"));
    EXPECT_EQ(made.state, commit_state::succeeded);
    EXPECT_EQ(must(attempts.complete_recognize(mine, worker, 0, "{}", "")).state,
              commit_state::duplicate);
    EXPECT_EQ(must(attempts.complete_recognize({job.id, 2}, worker, 0, "{}", "")).state,
              commit_state::stale);
    EXPECT_EQ(code(attempts.fetch(mine, worker)), "stale") << "it has ended";

    const job_record record = must(reader.job(job.id));
    EXPECT_EQ(record.state, job_state::succeeded);
    EXPECT_EQ(record.result, "{\"faces\":[]}");
    EXPECT_EQ(record.options, job.options);
    EXPECT_EQ(record.worker, worker);
    EXPECT_TRUE(record.annotated);
    EXPECT_GE(record.finished, record.created);
    EXPECT_GE(record.read, record.finished);
    EXPECT_EQ(must(reader.annotated(job.id)), "JPEG");
    EXPECT_EQ(code(reader.annotated(new_job_id(unix_now(), 0))), "not_found");
    EXPECT_EQ(code(reader.job(new_job_id(unix_now(), 0))), "not_found");
}

TEST_F(store_call, models_are_registered_decided_changed_and_leased) {
    EXPECT_EQ(must(attempts.register_worker(some_worker())).defaults, model_choice{})
        << "one without lists decides nothing";
    registration full = some_worker();
    full.detectors = {"hog", "yunet"};
    full.embedders = {{"omz_0095/unit", 256}, {"dlib_resnet_v1/unit", 128}};
    full.proposed = {"yunet", "omz_0095/unit"};
    const registered_worker made = must(attempts.register_worker(full));
    EXPECT_EQ(made.defaults, full.proposed);
    EXPECT_TRUE(made.decided_them);
    EXPECT_FALSE(must(attempts.register_worker(full)).decided_them);
    const model_store models(store);
    EXPECT_EQ(must(models.defaults()).models, full.proposed);
    EXPECT_EQ(must(models.defaults()).dimension, 256U);
    EXPECT_EQ(must(retention_store(store).watch_gallery("staff")).models, full.proposed);

    EXPECT_EQ(code(models.set_defaults({"cnn", ""}, "me", false)), "no_worker");
    EXPECT_EQ(must(models.set_defaults({"", "dlib_resnet_v1/unit"}, "me", false)).models,
              (model_choice{"yunet", "dlib_resnet_v1/unit"}));
    new_job job = some_job();
    job.options = R"({"detector":"cnn"})";
    must(submissions.accept(job, many, bytes));
    const std::string waits = job.id;
    job = some_job();
    job.options = "{}";
    must(submissions.accept(job, many, bytes));
    const auto jobs = lease();
    ASSERT_THAT(jobs, SizeIs(1));
    EXPECT_EQ(must(attempts.fetch({job.id, 1}, worker)).job.detector, "yunet");
    EXPECT_EQ(must(reader.job(job.id)).embedder, "dlib_resnet_v1/unit");
    EXPECT_EQ(must(reader.job(waits)).waits_for, "cnn");
    const queue_stats stats = must(reader.stats());
    EXPECT_EQ(stats.waiting_for_model, 1U);
    EXPECT_EQ(stats.waiting_for, (std::map<std::string, std::uint64_t>{{"cnn", 1}}));
}

TEST_F(store_call, a_full_queue_and_a_used_key_are_refused) {
    EXPECT_EQ(code(submissions.accept(some_job(), 1, bytes)), "ok");
    EXPECT_EQ(code(submissions.accept(some_job(), 1, bytes)), "queue_full");
    EXPECT_EQ(code(submissions.accept(some_job(), many, 1)), "queue_full");
    new_job keyed = some_job();
    keyed.idempotency_hash = sha256_hex("key");
    keyed.fingerprint = sha256_hex("content");
    EXPECT_EQ(code(submissions.accept(keyed, many, bytes)), "ok");
    new_job same = some_job();
    same.idempotency_hash = keyed.idempotency_hash;
    same.fingerprint = keyed.fingerprint;
    EXPECT_EQ(must(submissions.accept(same, many, bytes)).job_id, keyed.id);
    same.fingerprint = sha256_hex("other");
    EXPECT_EQ(code(submissions.accept(same, many, bytes)), "idempotency_conflict");
}

TEST_F(store_call, a_lease_prefers_jobs_for_a_kind_of_device) {
    must(attempts.register_worker(some_worker()));
    const auto submit_with = [&](const std::string& detector) {
        new_job job = some_job();
        job.options = R"({"detector":")" + detector + R"("})";
        return must(submissions.accept(job, many, bytes)).job_id;
    };
    const std::string hog = submit_with("hog"), cnn = submit_with("cnn");
    lease_request wanted;
    wanted.worker_id = worker;
    wanted.connection = worker + ".1";
    wanted.most = 8;
    wanted.prefer = device_kind::gpu;
    const leased_jobs first = must(leases.lease(wanted));
    ASSERT_THAT(first.jobs, SizeIs(1));
    EXPECT_EQ(first.jobs[0].job_id, cnn);
    EXPECT_EQ(first.left, 1U);
    wanted.spill = 1;
    const leased_jobs second = must(leases.lease(wanted));
    ASSERT_THAT(second.jobs, SizeIs(1));
    EXPECT_EQ(second.jobs[0].job_id, hog);
    EXPECT_EQ(leases.lease(wanted).words.back(), "cnn") << "all detectors for a GPU";
}

TEST_F(store_call, renew_names_what_is_lost_and_what_is_cancelled) {
    must(attempts.register_worker(some_worker()));
    const std::string a = submit(), b = submit();
    ASSERT_THAT(lease(), SizeIs(2));
    EXPECT_EQ(must(submissions.cancel(a)), "requested");
    const renewal told =
        must(attempts.renew(worker, {{a, 1}, {b, 7}}, limits::registration, limits::lease));
    EXPECT_THAT(told.cancelled, ElementsAre(attempt_id{a, 1}));
    EXPECT_THAT(told.lost, ElementsAre(attempt_id{b, 7}));
    EXPECT_THAT(must(attempts.started(worker, {{b, 7}})), ElementsAre(attempt_id{b, 7}));
    EXPECT_EQ(must(attempts.complete_recognize({a, 1}, worker, 0, "{}", "")).state,
              commit_state::cancelled);
    EXPECT_EQ(code(submissions.cancel(a)), "already_terminal");
    EXPECT_EQ(must(submissions.cancel(submit())), "cancelled");
    EXPECT_EQ(code(submissions.cancel(new_job_id(unix_now(), 0))), "not_found");
}

TEST_F(store_call, every_end_of_an_attempt) {
    must(attempts.register_worker(some_worker()));
    submit();
    EXPECT_EQ(must(attempts.hand_back(leased(), worker)).state, commit_state::delayed);
    const attempt_id again = leased();
    EXPECT_EQ(again.attempt, 2U);
    const error bad{errc::undecodable_image, "not a \"photo\"\n"};
    EXPECT_EQ(must(attempts.fail_job(again, worker, bad, milliseconds(0))).state,
              commit_state::failed);
    EXPECT_EQ(must(reader.job(again.job_id)).error,
              "{\"code\":\"undecodable_image\",\"detail\":\"not a \\\"photo\\\"\\u000a\"}");
    submit();
    EXPECT_EQ(must(attempts.fail_job(leased(), worker, bad, milliseconds(60'000))).state,
              commit_state::delayed);
    train();
    submit(job_type::train);
    const attempt_id other = leased();
    const new_face face{other.job_id + "-0", "{\"a\":1}", std::string(512, 'v')};
    EXPECT_EQ(must(attempts.complete_train(other, worker, "{}", "other", {face})).state,
              commit_state::model_mismatch);
    const new_face longer{other.job_id + "-0", "{\"a\":1}", std::string(1'024, 'v')};
    EXPECT_EQ(must(attempts.complete_train(other, worker, "{}", "dlib", {longer})).state,
              commit_state::model_mismatch);
    const new_face cut{other.job_id + "-0", "{\"a\":1}", std::string(511, 'v')};
    EXPECT_EQ(must(attempts.complete_train(other, worker, "{}", "dlib", {cut})).state,
              commit_state::malformed);
    submit();
    const auto old = must(attempts.complete_recognize(leased(), worker, 0, "{}", ""));
    EXPECT_EQ(old.state, commit_state::old_version);
    EXPECT_EQ(old.needed, must(galleries.gallery("staff")).version);
}

TEST_F(store_call, the_brokers_timers) {
    must(attempts.register_worker(some_worker()));
    const unix_time now = must(schema.time());
    EXPECT_GT(now.count(), 1'600'000'000'000);
    must(leases.reap(unix_time(0), limits::lease));
    EXPECT_GT(must(leases.barrier(unix_time(0))).now.count(), 0);
    submit();
    const attempt_id one = leased();
    EXPECT_EQ(code(leases.worker_lost(worker, worker + ".0")), "stale");
    EXPECT_EQ(must(leases.worker_lost(worker, worker + ".1")).count, 1U);
    EXPECT_EQ(must(reader.job(one.job_id)).state, job_state::pending);
    EXPECT_TRUE(must(reader.job(one.job_id)).solo);
    lease_request wanted;
    wanted.worker_id = worker;
    wanted.connection = worker + ".1";
    wanted.most = 1;
    EXPECT_EQ(code(leases.lease(wanted)), "not_registered");
    EXPECT_EQ(must(leases.gc(limits::retention, many, bytes)).count, 0U);
    const moved reaped = must(leases.reap(now + std::chrono::hours(1), limits::lease));
    EXPECT_TRUE(reaped.grace) << "the clock jumped";
}

TEST_F(store_call, listings_have_pages_newest_first) {
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(submit());
    must(submissions.cancel(ids[2]));
    const auto ids_of = [](const job_page& page) {
        std::vector<std::string> found;
        for (const job_record& one : page.jobs) found.push_back(one.id);
        return found;
    };
    std::vector<std::string> seen;
    std::string next;
    int pages = 0;
    do {
        const job_page page = must(reader.jobs({}, {}, 2, next));
        for (const std::string& id : ids_of(page)) seen.push_back(id);
        next = page.next;
    } while (!next.empty() && ++pages < 10);
    EXPECT_EQ(std::set(seen.begin(), seen.end()), std::set(ids.begin(), ids.end()));
    EXPECT_THAT(seen, SizeIs(5));
    const job_page cancelled = must(reader.jobs(job_state::cancelled, job_type::recognize, 10, ""));
    EXPECT_THAT(ids_of(cancelled), ElementsAre(ids[2]));
    EXPECT_EQ(cancelled.jobs[0].state, job_state::cancelled);
    EXPECT_EQ(cancelled.jobs[0].collection, "staff");
    EXPECT_EQ(cancelled.next, "");
    EXPECT_THAT(must(reader.jobs({}, job_type::train, 10, "")).jobs, IsEmpty());
}

TEST_F(store_call, events_and_counters) {
    EXPECT_EQ(must(event_stream.last_event_id()), "0-0");
    const std::string id = submit();
    const auto events = must(event_stream.events_after("0-0", 10, milliseconds(0)));
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].job_id, id);
    EXPECT_EQ(events[0].from, "");
    EXPECT_EQ(events[0].to, "pending");
    EXPECT_EQ(events[0].why, "accept");
    EXPECT_EQ(must(event_stream.last_event_id()), events[0].id);
    EXPECT_EQ(must(event_stream.oldest_event_id()), events[0].id);
    EXPECT_THAT(must(event_stream.events_after(events[0].id, 10, milliseconds(5))), IsEmpty());
    const queue_stats stats = must(reader.stats());
    EXPECT_EQ(stats.interactive, 1U);
    EXPECT_EQ(stats.bytes, 8U);
    EXPECT_EQ(stats.counters.at("accepted"), 1U);
    EXPECT_GT(stats.oldest_pending.count(), 0);
    EXPECT_GE(stats.now, stats.oldest_pending);
}

TEST_F(store_call, the_operators_calls) {
    const std::string id = submit();
    EXPECT_EQ(code(operations.kick(id)), "wrong_state");
    EXPECT_EQ(must(operations.bury(id)), "ok");
    EXPECT_EQ(must(reader.stats()).dead, 1U);
    EXPECT_EQ(must(operations.kick(id)), "ok");
    must(operations.bury(id));
    EXPECT_EQ(must(operations.remove(id)), "ok");
    EXPECT_EQ(code(operations.remove(id)), "collected") << "it once existed";
    std::string cursor;
    int calls = 0;
    do {
        const auto checked = must(operations.fsck(cursor, 100, true));
        EXPECT_THAT(checked.second, IsEmpty());
        cursor = checked.first;
    } while (!cursor.empty() && ++calls < 100);
    EXPECT_EQ(cursor, "");
}

TEST_F(store_call, errors_of_redis_have_our_names) {
    ASSERT_TRUE(redis.call({"CONFIG", "SET", "maxmemory", "1"}));
    EXPECT_EQ(code(submissions.accept(some_job(), many, bytes)), "out_of_memory");
    EXPECT_EQ(
        code(redis_call<void>{{"FUNCTION", "FLUSH"}, [](redis_reply&&) { return result<void>(); }}),
        "ok");
    EXPECT_EQ(code(reader.stats()), "store_unavailable");
}

}  // namespace
}  // namespace vultus
