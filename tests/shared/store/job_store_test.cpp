// The calls of the job store against a real redis-server: one thin pass through each, so that the
// words sent and the words read are those of the library. What the library decides is tested where
// the library is.
#include "shared/store/job_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "shared/base/ids.hpp"
#include "shared/store/gallery_reading.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_setup.hpp"
#include "tests/shared/store/redis_server_support.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t many = 1'000;
constexpr std::size_t bytes = 64 * limits::mib;

class job_store_call : public testing::Test {
 protected:
    void SetUp() override {
        const auto outcome = prepare_store(redis, store);
        ASSERT_TRUE(outcome) << outcome.error().detail;
    }

    template <class T>
    T must(redis_call<T> call) {
        auto got = redis.call(std::move(call));
        EXPECT_TRUE(got) << name_of(got.error().code) << ": " << got.error().detail;
        if constexpr (!std::is_void_v<T>) return got ? std::move(*got) : T{};
    }
    template <class T>
    std::string code(redis_call<T> call) {
        const auto got = redis.call(std::move(call));
        return got ? "ok" : std::string(name_of(got.error().code));
    }

    new_job some_job(job_type type = job_type::recognize) {
        new_job job;
        job.id = new_job_id(unix_now(), store.shard());
        job.type = type;
        job.collection = "staff";
        job.options = "{\"k\":3}";
        if (type == job_type::train) job.label = "Ada";
        job.traceparent = "00-aa-bb-01";
        job.images = {std::string("\xFF\xD8\0photo", 8)};
        return job;
    }
    std::string submit(job_type type = job_type::recognize) {
        return must(store.accept(some_job(type), many, bytes)).job_id;
    }
    registration some_worker(const std::string& id = "host-1-cpu-0a") {
        registration one;
        one.worker_id = id;
        one.connection = id + ".1";
        one.host = "host";
        one.device = "cpu";
        one.build = "test";
        one.pid = 1;
        one.types = {"recognize", "train"};
        return one;
    }
    std::vector<leased_job> lease(std::uint32_t most = 8) {
        lease_request wanted;
        wanted.worker_id = worker;
        wanted.connection = worker + ".1";
        wanted.most = most;
        return must(store.lease(wanted)).jobs;
    }
    attempt_id leased() {
        const auto jobs = lease(1);
        EXPECT_THAT(jobs, SizeIs(1));
        return jobs.empty() ? attempt_id{} : attempt_id{jobs[0].job_id, jobs[0].attempt};
    }
    /// Trains one face of Ada and gives the collection's version.
    gallery_version train() {
        submit(job_type::train);
        const attempt_id one = leased();
        new_face face{one.job_id + "-0", "{\"box\":[1,2,3,4]}", std::string(512, 'v')};
        return must(store.complete_train(one, worker, "{\"files\":[]}", "dlib", {face})).version;
    }

    redis_server server;
    redis_blocking redis{server.address()};
    job_store store;
    const std::string worker = "host-1-cpu-0a";
};

TEST_F(job_store_call, accept_lease_complete_and_read) {
    must(store.register_worker(some_worker()));
    const new_job job = some_job();
    const accepted first = must(store.accept(job, many, bytes));
    EXPECT_EQ(first.job_id, job.id);
    EXPECT_FALSE(first.duplicate);
    const accepted again = must(store.accept(job, many, bytes));
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
    EXPECT_THAT(must(store.started(worker, {mine})), IsEmpty());
    EXPECT_EQ(must(store.images(job.id, 1)), job.images);
    const auto made = must(store.complete_recognize(mine, worker, 0, "{\"faces\":[]}", "JPEG"));
    EXPECT_EQ(made.state, commit_state::succeeded);
    EXPECT_EQ(must(store.complete_recognize(mine, worker, 0, "{}", "")).state,
              commit_state::duplicate);
    EXPECT_EQ(must(store.complete_recognize({job.id, 2}, worker, 0, "{}", "")).state,
              commit_state::stale);
    EXPECT_EQ(code(store.images(job.id, 1)), "no_image");

    const job_record record = must(store.job(job.id));
    EXPECT_EQ(record.state, job_state::succeeded);
    EXPECT_EQ(record.result, "{\"faces\":[]}");
    EXPECT_EQ(record.options, job.options);
    EXPECT_EQ(record.worker, worker);
    EXPECT_TRUE(record.annotated);
    EXPECT_GE(record.finished, record.created);
    EXPECT_GE(record.read, record.finished);
    EXPECT_EQ(must(store.annotated(job.id)), "JPEG");
    EXPECT_EQ(code(store.annotated(new_job_id(unix_now(), 0))), "not_found");
    EXPECT_EQ(code(store.job(new_job_id(unix_now(), 0))), "not_found");
}

TEST_F(job_store_call, a_full_queue_and_a_used_key_are_refused) {
    EXPECT_EQ(code(store.accept(some_job(), 1, bytes)), "ok");
    EXPECT_EQ(code(store.accept(some_job(), 1, bytes)), "queue_full");
    EXPECT_EQ(code(store.accept(some_job(), many, 1)), "queue_full");
    new_job keyed = some_job();
    keyed.idempotency_hash = sha256_hex("key");
    keyed.fingerprint = sha256_hex("content");
    EXPECT_EQ(code(store.accept(keyed, many, bytes)), "ok");
    new_job same = some_job();
    same.idempotency_hash = keyed.idempotency_hash;
    same.fingerprint = keyed.fingerprint;
    EXPECT_EQ(must(store.accept(same, many, bytes)).job_id, keyed.id);
    same.fingerprint = sha256_hex("other");
    EXPECT_EQ(code(store.accept(same, many, bytes)), "idempotency_conflict");
}

TEST_F(job_store_call, changes_and_galleries) {
    must(store.register_worker(some_worker()));
    EXPECT_EQ(must(store.gallery("staff")).version, 0U);
    const gallery_version version = train();
    EXPECT_GT(version, epoch_factor);
    const gallery_info info = must(store.gallery("staff"));
    EXPECT_EQ(info.version, version);
    EXPECT_EQ(info.faces, 1U);
    EXPECT_EQ(info.people, 1U);
    EXPECT_EQ(info.embedding_model, "dlib");
    const label_page page = must(store.labels("staff", 10, ""));
    ASSERT_THAT(page.labels, SizeIs(1));
    EXPECT_EQ(page.labels[0].label, "Ada");
    EXPECT_EQ(page.labels[0].faces, 1U);
    EXPECT_EQ(page.next, "");
    EXPECT_EQ(must(store.labels("staff", 1, "")).next, "Ada");
    const auto faces = must(store.faces("staff", "Ada"));
    ASSERT_THAT(faces, SizeIs(1));
    EXPECT_THAT(faces[0].json, HasSubstr("\"label\":\"Ada\""));
    EXPECT_EQ(code(store.faces("staff", "Bob")), "not_found");
    EXPECT_EQ(must(store.labels("staff", 1, "", true)).labels.at(0).picture, "");
    EXPECT_FALSE(must(store.faces("staff", "Ada", true)).at(0).picture);
    EXPECT_EQ(code(store.picture("staff", "Ada", faces[0].face_id)), "not_found");
    ASSERT_THAT(must(store.collections(10, "")).collections, SizeIs(1));
    EXPECT_EQ(must(store.collections(10, "")).collections[0].collection, "staff");
    EXPECT_EQ(must(store.collections(10, "")).collections[0].embedding_model, "dlib");

    new_change rename;
    rename.id = new_job_id(unix_now(), 0);
    rename.type = job_type::rename;
    rename.collection = "staff";
    rename.label = "Ada";
    rename.to_label = "Countess";
    EXPECT_EQ(must(store.change(rename)).state, job_state::succeeded) << "nobody holds it";
    new_change one = rename;
    one.id = new_job_id(unix_now(), 0);
    one.type = job_type::forget;
    one.label = "Countess";
    one.face_id = "nobody-0";
    EXPECT_EQ(code(store.change(one)), "not_found");
    one.face_id = faces[0].face_id;
    const accepted forgot = must(store.change(one));
    const job_record record = must(store.job(forgot.job_id));
    EXPECT_EQ(record.type, job_type::forget);
    EXPECT_EQ(record.removed_faces, 1U);
    EXPECT_EQ(must(store.gallery("staff")).faces, 0U);
    new_change drop;
    drop.id = new_job_id(unix_now(), 0);
    drop.type = job_type::delete_collection;
    drop.collection = "other";
    EXPECT_EQ(code(store.change(drop)), "not_found");
}

TEST_F(job_store_call, a_worker_loads_catches_up_and_serves) {
    must(store.register_worker(some_worker()));
    const gallery_version first = train();
    const gallery_chunk chunk =
        must(store.scan("staff", first / epoch_factor, gallery_value::vector, "0"));
    EXPECT_EQ(chunk.cursor, "0");
    ASSERT_THAT(chunk.fields, SizeIs(1));
    EXPECT_THAT(chunk.fields[0].second, SizeIs(512));
    const auto json = must(store.face_json("staff", first / epoch_factor, {chunk.fields[0].first}));
    EXPECT_THAT(json, ElementsAre(HasSubstr("Ada")));

    const gallery_version second = train();
    const auto delta = read_delta(redis, store, "staff", first);
    ASSERT_TRUE(delta) << delta.error().detail;
    EXPECT_EQ(delta->reached, second);
    EXPECT_EQ(delta->version, second);
    EXPECT_FALSE(delta->more || delta->snapshot);
    ASSERT_THAT(delta->entries, SizeIs(1));
    EXPECT_EQ(delta->entries[0].seq, second % epoch_factor);
    EXPECT_EQ(delta->entries[0].label, "Ada");
    EXPECT_THAT(delta->entries[0].vector, SizeIs(512));
    EXPECT_TRUE(must(store.delta("staff", 999 * epoch_factor)).snapshot);

    hello_reply hello = must(store.hello(worker, "staff", first));
    EXPECT_TRUE(hello.registered && !hello.serve);
    EXPECT_EQ(hello.current, second);
    EXPECT_TRUE(must(store.hello(worker, "staff", second)).serve);
    const renewal held = must(store.renew(worker, {}, limits::registration, limits::lease, "x.2"));
    EXPECT_TRUE(held.registered);
    EXPECT_EQ(held.versions.at("staff"), second);
    EXPECT_GT(held.now.count(), 0);

    new_change clear;
    clear.id = new_job_id(unix_now(), 0);
    clear.collection = "staff";
    EXPECT_EQ(must(store.change(clear)).state, job_state::publishing)
        << "a holder has to hear of it";
    EXPECT_TRUE(must(store.hello(worker, "staff", std::nullopt)).registered);
    EXPECT_EQ(must(store.job(clear.id)).state, job_state::succeeded);
    must(store.bye(worker));
    EXPECT_FALSE(must(store.hello(worker, "staff", 1)).registered);
    EXPECT_FALSE(must(store.renew(worker, {}, limits::registration, limits::lease)).registered);
}

TEST_F(job_store_call, renew_names_what_is_lost_and_what_is_cancelled) {
    must(store.register_worker(some_worker()));
    const std::string a = submit(), b = submit();
    ASSERT_THAT(lease(), SizeIs(2));
    EXPECT_EQ(must(store.cancel(a)), "requested");
    const renewal told =
        must(store.renew(worker, {{a, 1}, {b, 7}}, limits::registration, limits::lease));
    EXPECT_THAT(told.cancelled, ElementsAre(attempt_id{a, 1}));
    EXPECT_THAT(told.lost, ElementsAre(attempt_id{b, 7}));
    EXPECT_THAT(must(store.started(worker, {{b, 7}})), ElementsAre(attempt_id{b, 7}));
    EXPECT_EQ(must(store.complete_recognize({a, 1}, worker, 0, "{}", "")).state,
              commit_state::cancelled);
    EXPECT_EQ(code(store.cancel(a)), "already_terminal");
    EXPECT_EQ(must(store.cancel(submit())), "cancelled");
    EXPECT_EQ(code(store.cancel(new_job_id(unix_now(), 0))), "not_found");
}

TEST_F(job_store_call, every_end_of_an_attempt) {
    must(store.register_worker(some_worker()));
    submit();
    EXPECT_EQ(must(store.hand_back(leased(), worker)).state, commit_state::delayed);
    const attempt_id again = leased();
    EXPECT_EQ(again.attempt, 2U);
    const error bad{errc::undecodable_image, "not a \"photo\"\n"};
    EXPECT_EQ(must(store.fail_job(again, worker, bad, milliseconds(0))).state,
              commit_state::failed);
    EXPECT_EQ(must(store.job(again.job_id)).error,
              "{\"code\":\"undecodable_image\",\"detail\":\"not a \\\"photo\\\"\\u000a\"}");
    submit();
    EXPECT_EQ(must(store.fail_job(leased(), worker, bad, milliseconds(60'000))).state,
              commit_state::delayed);
    train();
    submit(job_type::train);
    const attempt_id other = leased();
    const new_face face{other.job_id + "-0", "{\"a\":1}", std::string(512, 'v')};
    EXPECT_EQ(must(store.complete_train(other, worker, "{}", "other", {face})).state,
              commit_state::model_mismatch);
    submit();
    const auto old = must(store.complete_recognize(leased(), worker, 0, "{}", ""));
    EXPECT_EQ(old.state, commit_state::old_version);
    EXPECT_EQ(old.needed, must(store.gallery("staff")).version);
}

TEST_F(job_store_call, the_brokers_timers) {
    must(store.register_worker(some_worker()));
    const unix_time now = must(store.time());
    EXPECT_GT(now.count(), 1'600'000'000'000);
    must(store.reap(unix_time(0), limits::lease));
    EXPECT_GT(must(store.barrier(unix_time(0))).now.count(), 0);
    submit();
    const attempt_id one = leased();
    EXPECT_EQ(code(store.worker_lost(worker, worker + ".0")), "stale");
    EXPECT_EQ(must(store.worker_lost(worker, worker + ".1")).count, 1U);
    EXPECT_EQ(must(store.job(one.job_id)).state, job_state::pending);
    EXPECT_TRUE(must(store.job(one.job_id)).solo);
    lease_request wanted;
    wanted.worker_id = worker;
    wanted.connection = worker + ".1";
    wanted.most = 1;
    EXPECT_EQ(code(store.lease(wanted)), "not_registered");
    EXPECT_EQ(must(store.gc(limits::retention, many, bytes)).count, 0U);
    const moved reaped = must(store.reap(now + std::chrono::hours(1), limits::lease));
    EXPECT_TRUE(reaped.grace) << "the clock jumped";
}

TEST_F(job_store_call, listings_have_pages_newest_first) {
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(submit());
    must(store.cancel(ids[2]));
    const auto ids_of = [](const job_page& page) {
        std::vector<std::string> found;
        for (const job_record& one : page.jobs) found.push_back(one.id);
        return found;
    };
    std::vector<std::string> seen;
    std::string next;
    int pages = 0;
    do {
        const job_page page = must(store.jobs({}, {}, 2, next));
        for (const std::string& id : ids_of(page)) seen.push_back(id);
        next = page.next;
    } while (!next.empty() && ++pages < 10);
    EXPECT_EQ(std::set(seen.begin(), seen.end()), std::set(ids.begin(), ids.end()));
    EXPECT_THAT(seen, SizeIs(5));
    const job_page cancelled = must(store.jobs(job_state::cancelled, job_type::recognize, 10, ""));
    EXPECT_THAT(ids_of(cancelled), ElementsAre(ids[2]));
    EXPECT_EQ(cancelled.jobs[0].state, job_state::cancelled);
    EXPECT_EQ(cancelled.jobs[0].collection, "staff");
    EXPECT_EQ(cancelled.next, "");
    EXPECT_THAT(must(store.jobs({}, job_type::train, 10, "")).jobs, IsEmpty());
}

TEST_F(job_store_call, events_and_counters) {
    EXPECT_EQ(must(store.last_event_id()), "0-0");
    const std::string id = submit();
    const auto events = must(store.events_after("0-0", 10, milliseconds(0)));
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].job_id, id);
    EXPECT_EQ(events[0].from, "");
    EXPECT_EQ(events[0].to, "pending");
    EXPECT_EQ(events[0].why, "accept");
    EXPECT_EQ(must(store.last_event_id()), events[0].id);
    EXPECT_EQ(must(store.oldest_event_id()), events[0].id);
    EXPECT_THAT(must(store.events_after(events[0].id, 10, milliseconds(5))), IsEmpty());
    const queue_stats stats = must(store.stats());
    EXPECT_EQ(stats.interactive, 1U);
    EXPECT_EQ(stats.bytes, 8U);
    EXPECT_EQ(stats.counters.at("accepted"), 1U);
    EXPECT_GT(stats.oldest_pending.count(), 0);
    EXPECT_GE(stats.now, stats.oldest_pending);
}

TEST_F(job_store_call, the_operators_calls) {
    const std::string id = submit();
    EXPECT_EQ(code(store.kick(id)), "wrong_state");
    EXPECT_EQ(must(store.bury(id)), "ok");
    EXPECT_EQ(must(store.stats()).dead, 1U);
    EXPECT_EQ(must(store.kick(id)), "ok");
    must(store.bury(id));
    EXPECT_EQ(must(store.remove(id)), "ok");
    EXPECT_EQ(code(store.remove(id)), "collected") << "it once existed";
    std::string cursor;
    int calls = 0;
    do {
        const auto checked = must(store.fsck(cursor, 100, true));
        EXPECT_THAT(checked.second, IsEmpty());
        cursor = checked.first;
    } while (!cursor.empty() && ++calls < 100);
    EXPECT_EQ(cursor, "");
}

TEST_F(job_store_call, errors_of_redis_have_our_names) {
    ASSERT_TRUE(redis.call({"CONFIG", "SET", "maxmemory", "1"}));
    EXPECT_EQ(code(store.accept(some_job(), many, bytes)), "out_of_memory");
    EXPECT_EQ(
        code(redis_call<void>{{"FUNCTION", "FLUSH"}, [](redis_reply&&) { return result<void>(); }}),
        "ok");
    EXPECT_EQ(code(store.stats()), "store_unavailable");
}

}  // namespace
}  // namespace vultus
