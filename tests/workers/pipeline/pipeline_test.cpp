// From an accepted photo to a committed result: the real models, the sample photos, a real Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "tests/workers/pipeline/pipeline_support.hpp"
#include "workers/image/image.hpp"

namespace vultus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The broker does not understand a negative time, and nobody believes one.
TEST_F(seeing, a_clock_that_was_set_back_makes_no_negative_wait) {
    const std::string id = world.submit(job_type::recognize, {photo("obama.jpg")});
    const std::string created = std::to_string((unix_now() + std::chrono::minutes(1)).count());
    world.must(redis_call<void>{{"HSET", "vultus:{0}:job:" + id, "created_ms", created},
                                [](redis_reply&&) -> result<void> { return {}; }});
    run(1);
    EXPECT_THAT(world.job(id).result, HasSubstr("\"queue\":0,"));
}

TEST_F(seeing, who_was_trained_is_recognized_and_others_are_not) {
    const job_record trained = train({photo("obama.jpg")}, "Obama");
    EXPECT_EQ(trained.state, job_state::succeeded) << trained.error;
    EXPECT_THAT(trained.result, HasSubstr("\"face_id\":\"" + trained.id + "-0\""));
    const job_record same = recognize(photo("obama2.jpg"));
    EXPECT_EQ(same.state, job_state::succeeded) << same.error;
    EXPECT_EQ(same.version, trained.version);
    EXPECT_THAT(same.result, HasSubstr(R"("status":"known","label":"Obama")"));
    EXPECT_THAT(recognize(photo("biden.jpg")).result, HasSubstr(R"("status":"unknown")"));
}

TEST_F(seeing, after_a_clear_nobody_is_known_and_the_answer_says_its_version) {
    train({photo("obama.jpg")}, "Obama");
    EXPECT_THAT(recognize(photo("obama2.jpg")).result, HasSubstr("known"));
    const gallery_version cleared = world.change(job_type::clear);
    const job_record after = recognize(photo("obama2.jpg"));  // the pipeline was told nothing
    EXPECT_EQ(after.state, job_state::succeeded);
    EXPECT_EQ(after.version, cleared);
    EXPECT_THAT(after.result, HasSubstr(R"("status":"unknown")"));
}

TEST_F(seeing, an_embedder_that_this_worker_lacks_is_named) {
    train({photo("obama.jpg")}, "Obama");
    open(embedding_kind::mirror_unit);  // and not plain, which the gallery has
    for (const job_record& refused :
         {recognize(photo("obama2.jpg")), train({photo("biden.jpg")}, "Biden")}) {
        EXPECT_EQ(refused.state, job_state::failed);
        EXPECT_THAT(refused.error, HasSubstr("model_mismatch"));
        EXPECT_THAT(refused.error, HasSubstr("no embedder dlib_resnet_v1/plain"));
    }
    EXPECT_EQ(ask(photo("obama2.jpg")).error, "model_mismatch");
}

/// As the lease does for workers that tell their embedders.
void lease_for(testing::test_store& world, const std::string& job, const std::string& embedder) {
    world.must(redis_call<void>{{"HSET", "vultus:{0}:job:" + job, "embedder", embedder},
                                [](redis_reply&&) -> result<void> { return {}; }});
}

// Each collection is embedded with the model of its lease, in passes of its own, with all that
// belongs to a train.
TEST_F(seeing, collections_of_two_embedders_side_by_side) {
    open(embedding_kind::plain, true);
    std::vector<std::string> jobs;
    for (const char* collection : {"new", "people", "new"}) {
        jobs.push_back(world.submit(job_type::train, {photo("obama.jpg")}, "Obama",
                                    R"({"detector":"centerface","num_jitters":3})", collection));
    }
    const auto by_collection = [&](const leased_job& job) {
        lease_for(world, job.job_id,
                  job.collection == "new" ? "made_up/unit" : "dlib_resnet_v1/plain");
    };
    run(3, by_collection);
    for (const std::string& id : jobs) {
        EXPECT_EQ(world.job(id).state, job_state::succeeded) << world.job(id).error;
    }
    const auto made = world.must(gallery_reader(world.store).gallery("new"));
    EXPECT_EQ(made.embedding_model, "made_up/unit");
    EXPECT_EQ(made.dimension, 256u);
    const std::string id = world.submit(job_type::recognize, {photo("obama.jpg")}, "",
                                        R"({"detector":"centerface"})", "new");
    run(1, by_collection);
    const job_record seen = world.job(id);
    EXPECT_THAT(seen.result, HasSubstr(R"("embedding":"made_up/unit")"));
    EXPECT_THAT(seen.result, HasSubstr(R"("label":"Obama")"));
}

// The gallery gets its first faces, of another model, between the lease and the match or the
// commit.
TEST_F(seeing, a_job_that_another_model_overtook_goes_back_and_nothing_counts) {
    for (const job_type type : {job_type::recognize, job_type::train}) {
        const std::string other = type == job_type::train ? "b" : "a";
        const std::string id = world.submit(type, {photo("obama.jpg")},
                                            type == job_type::train ? "Obama" : "", "{}", other);
        run(1, [&](const leased_job& job) {
            lease_for(world, job.job_id, "dlib_resnet_v1/plain");
            world.train(worker, "Ada", {0.1f}, other);
        });
        const job_record back = world.job(id);
        EXPECT_EQ(back.state, job_state::pending) << back.error;
        EXPECT_EQ(back.failures, 0u);
        EXPECT_EQ(back.crashes, 0u);
        run(1, [&](const leased_job& job) { lease_for(world, job.job_id, ""); });
        EXPECT_EQ(world.job(id).state, job_state::failed) << "nobody chose for it";
        EXPECT_THAT(world.job(id).error, HasSubstr("model_mismatch"));
    }
}

TEST_F(seeing, a_job_that_comes_back_again_and_again_fails) {
    world.train(worker, "Ada", {0.1f});
    const std::string id = world.submit(job_type::recognize, {photo("obama.jpg")});
    const auto still_there = [&] { return world.job(id).state == job_state::pending; };
    int leases = 0;
    for (; still_there() && leases <= 30; ++leases) {
        run(1,
            [&](const leased_job& job) { lease_for(world, job.job_id, "dlib_resnet_v1/plain"); });
    }
    EXPECT_EQ(world.job(id).state, job_state::failed);
    EXPECT_EQ(leases, 21);
}

TEST_F(seeing, jobs_that_share_a_batch_get_their_own_answers) {
    train({photo("obama.jpg")}, "Obama");
    train({photo("biden.jpg")}, "Biden");
    const std::string first = world.submit(job_type::recognize, {photo("obama3.jpg")});
    const std::string second = world.submit(job_type::recognize, {photo("biden.jpg")});
    const std::string third = world.submit(job_type::recognize, {photo("obama2.jpg")});
    run(3);
    EXPECT_THAT(world.job(first).result, HasSubstr(R"("label":"Obama")"));
    EXPECT_THAT(world.job(second).result, HasSubstr(R"("label":"Biden")"));
    EXPECT_THAT(world.job(third).result, HasSubstr(R"("label":"Obama")"));
    const protocol::worker_load load = work->load();
    EXPECT_EQ(load.photos, 5u);
    EXPECT_GE(load.faces, 5u) << "at least one on each";
    EXPECT_GE(load.batches, 3u) << "two trains, one after the other, and three that may share one";
    EXPECT_LE(load.batches, 5u);
}

TEST_F(seeing, each_photo_of_a_train_has_its_verdict) {
    const job_record mixed =
        train({photo("obama.jpg"), "no picture"}, "Obama", R"({"num_jitters":2})");
    EXPECT_EQ(mixed.state, job_state::succeeded) << mixed.error;
    EXPECT_THAT(mixed.result, HasSubstr(R"({"index":0,"state":"accepted")"));
    EXPECT_THAT(mixed.result,
                HasSubstr(R"({"index":1,"state":"refused","reason":"unsupported_media")"));
    const job_record none = train({"no picture", "nor this"}, "Nobody");
    EXPECT_EQ(none.state, job_state::failed);
    EXPECT_THAT(none.error, HasSubstr("no_usable_photo"));
    EXPECT_THAT(none.error, HasSubstr("photo 1: unsupported_media, photo 2: unsupported_media"));
}

// /bin/false ends at once, as a decoder does that the system takes the memory from.
TEST_F(seeing, a_photo_whose_decoders_end_is_lost_and_dead_at_last_but_never_called_broken) {
    open(embedding_kind::plain, false, "/bin/false");
    for (const job_type type : {job_type::recognize, job_type::train}) {
        const std::string label = type == job_type::train ? "Obama" : "";
        const std::string id = world.submit(type, {photo("obama.jpg"), photo("obama2.jpg")}, label);
        for (int crashes = 0; crashes < 3; ++crashes) {
            run(1);
            const job_record waiting = world.job(id);
            EXPECT_EQ(waiting.state, job_state::pending) << waiting.error;
            EXPECT_EQ(waiting.error, "");
        }
        run(1);
        const job_record over = world.job(id);
        EXPECT_EQ(over.state, job_state::dead);
        EXPECT_THAT(over.error, HasSubstr("poison"));
    }
    EXPECT_EQ(ask(photo("obama.jpg")).error, "no_worker");
    open(embedding_kind::plain);
    EXPECT_EQ(recognize(photo("obama.jpg")).state, job_state::succeeded);
}

TEST_F(seeing, pictures_of_faces_are_kept_only_when_asked_for) {
    train({photo("obama.jpg")}, "Obama");
    EXPECT_FALSE(
        world.must(gallery_reader(world.store).faces("people", "Obama", true)).at(0).picture);
    open(embedding_kind::plain, true);
    const job_record shown = train({"no picture", photo("obama2.jpg")}, "Barack");
    const auto faces = world.must(gallery_reader(world.store).faces("people", "Barack", true));
    ASSERT_EQ(faces.size(), 1U) << shown.error;
    EXPECT_EQ(faces[0].face_id, shown.id + "-1") << "the picture of the second photo's face";
    ASSERT_TRUE(faces[0].picture);
    const auto kept = decode_image(
        world.must(gallery_reader(world.store).picture("people", "Barack", faces[0].face_id)));
    ASSERT_TRUE(kept);
    EXPECT_LE(kept->picture.width, limits::picture_side);
    EXPECT_GE(kept->picture.width, 60U);
}

TEST_F(seeing, a_calibrate_looks_at_the_gallery) {
    train({photo("obama.jpg")}, "Obama");
    const std::string few = world.submit(job_type::calibrate, {}, "", "{}");
    run(1);
    EXPECT_EQ(world.job(few).state, job_state::failed);
    EXPECT_THAT(world.job(few).error, HasSubstr("the collection has 0"));
    for (int i = 0; i < 40; ++i) {  // two photos of each of 20 people
        const std::string label = "P" + std::to_string(i / 2), face_id = "f" + std::to_string(i);
        const embedding vector(std::vector<float>(128, static_cast<float>(i)));
        world.must(gallery_admin(world.store)
                       .restore("people", "dlib_resnet_v1/plain",
                                {{face_id, label, R"({"label":")" + label + R"(","job_id":"j"})",
                                  bytes_of(vector)}}));
    }
    const std::string id = world.submit(job_type::calibrate, {}, "", "{}");
    run(1);
    const job_record done = world.job(id);
    EXPECT_EQ(done.state, job_state::succeeded) << done.error;
    EXPECT_EQ(done.version, world.version("people"));
    EXPECT_THAT(done.result, HasSubstr(R"("people_with_two":20,"faces":41,"all":true)"));
    EXPECT_THAT(done.result, HasSubstr(R"("genuine":{"pairs":20,)"));
}

TEST_F(seeing, a_broken_photo_fails_its_job_alone) {
    std::string cut = photo("obama.jpg");
    cut.resize(cut.size() / 2);
    const job_record failed = recognize(cut);
    EXPECT_EQ(failed.state, job_state::failed);
    EXPECT_THAT(failed.error, HasSubstr("truncated_image"));
    EXPECT_EQ(recognize(photo("obama2.jpg")).state, job_state::succeeded);
}

TEST_F(seeing, options_that_cannot_be_fail_the_job) {
    EXPECT_THAT(recognize(photo("obama2.jpg"), R"({"k":1000})").error, HasSubstr("bad_option"));
}

TEST_F(seeing, the_annotated_photo_is_kept_when_asked_for) {
    const job_record plain = recognize(photo("obama2.jpg"));
    EXPECT_FALSE(plain.annotated);
    const job_record drawn =
        recognize(photo("obama2.jpg"), R"({"annotate":true,"embeddings":true})");
    EXPECT_TRUE(drawn.annotated);
    EXPECT_EQ(world.must(job_reader(world.store).annotated(drawn.id)).substr(0, 3), "\xFF\xD8\xFF");
    EXPECT_THAT(drawn.result, HasSubstr("\"embedding\":["));
    EXPECT_THAT(plain.result, Not(HasSubstr("\"embedding\":[")));
}

TEST_F(seeing, a_frame_is_answered_and_nothing_is_stored) {
    train({photo("obama.jpg")}, "Obama");
    const auto keys = world.redis.call({"DBSIZE"})->integer;
    const protocol::answer answer = ask(photo("obama2.jpg"));
    EXPECT_EQ(answer.error, "");
    EXPECT_EQ(answer.version, world.version());
    EXPECT_THAT(answer.result, HasSubstr(R"("label":"Obama")"));
    EXPECT_EQ(world.redis.call({"DBSIZE"})->integer, keys);
    EXPECT_EQ(ask("no picture").error, "unsupported_media");
}

TEST_F(seeing, a_frame_waits_for_its_version_and_not_longer_than_it_is_worth) {
    train({photo("obama.jpg")}, "Obama");
    EXPECT_EQ(ask(photo("obama2.jpg")).error, "");
    const gallery_version cleared = world.change(job_type::clear);
    const protocol::answer fresh = ask(photo("obama2.jpg"), cleared);
    EXPECT_EQ(fresh.version, cleared);
    EXPECT_THAT(fresh.result, HasSubstr(R"("status":"unknown")"));
    const protocol::answer late =
        ask(photo("obama2.jpg"), cleared + 1, std::chrono::milliseconds(1'500));
    EXPECT_NE(late.error, "") << "there is no such version";
}

TEST_F(seeing, a_dropped_job_has_no_effect) {
    const std::string id = world.submit(job_type::recognize, {photo("obama2.jpg")});
    const job_ticket ticket = world.ticket(worker);
    ticket.dropped->set();
    EXPECT_TRUE(work->take(ticket));
    EXPECT_EQ(recognize(photo("obama3.jpg")).state, job_state::succeeded);
    EXPECT_EQ(world.job(id).state, job_state::running);
}

TEST_F(seeing, without_a_registration_no_gallery_is_used) {
    train({photo("obama.jpg")}, "Obama");
    EXPECT_EQ(ask(photo("obama2.jpg")).error, "");
    work->fenced();
    EXPECT_EQ(ask(photo("obama2.jpg"), 0, std::chrono::milliseconds(1'500)).error,
              "store_unavailable");
    work->registered(worker, {});
    EXPECT_EQ(ask(photo("obama2.jpg")).error, "");
}

}  // namespace
}  // namespace vultus::testing
