// The galleries of a worker against a real Redis: loading, following, announcing, eviction, and the
// end of a registration.
#include "workers/pipeline/gallery_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/store/gallery_admin.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/workers/pipeline/store_support.hpp"

namespace vultus {
namespace {

using testing::comes_true;
using ::testing::ElementsAre;
using testing::next_letter;

constexpr const char* worker = "host-1-cpu-aa";

class loading : public ::testing::Test {
 protected:
    void SetUp() override { world.register_worker(worker); }

    void open(std::size_t collections_max = 256, std::size_t bytes_max = 1'000'000'000) {
        galleries.emplace(
            gallery_store_settings{world.server.address(), collections_max, bytes_max}, world.store,
            mail, [this](gallery_update news) { updates.push(std::move(news)); });
        galleries->registered(worker, 1);
    }
    /// The next update; an empty one after 20 s without.
    gallery_update next() {
        auto update = updates.pop_for(std::chrono::seconds(20));
        EXPECT_TRUE(update) << "no update came";
        return update ? std::move(*update) : gallery_update{};
    }
    std::vector<std::string> labels(const gallery& faces) {
        std::vector<std::string> all;
        for (const auto& segment : faces.segments) {
            for (std::size_t row = 0; row < segment->rows(); ++row) {
                if (!segment->is_removed(row)) all.push_back(*segment->labels[row]);
            }
        }
        std::sort(all.begin(), all.end());
        return all;
    }
    /// What Redis thinks that this worker serves.
    std::string holding(const std::string& collection = "people") {
        auto reply = world.redis.call(
            {"HGET", world.store.prefix() + "worker:" + worker, "gallery:" + collection});
        return reply ? reply->text : "?";
    }

    testing::test_store world;
    bounded_queue<gallery_update> updates{1'000};
    mailbox<session_mail> mail{1'000};
    std::optional<gallery_store> galleries;
};

TEST_F(loading, a_collection_that_does_not_exist_is_an_empty_gallery) {
    open();
    galleries->want("people", 0);
    const gallery_update update = next();
    ASSERT_TRUE(update.faces);
    EXPECT_EQ(update.faces->version, 0u);
    EXPECT_EQ(update.faces->faces, 0u);
}

TEST_F(loading, a_snapshot_with_its_labels_then_only_what_changed) {
    const gallery_version first = world.train(worker, "Ada", {0.1f, 0.2f});
    open();
    galleries->want("people", first);
    const gallery_update loaded = next();
    ASSERT_TRUE(loaded.faces);
    EXPECT_EQ(loaded.faces->version, first);
    EXPECT_THAT(labels(*loaded.faces), ElementsAre("Ada", "Ada"));
    EXPECT_EQ(holding(), std::to_string(first)) << "announced before it is used";

    const gallery_version second = world.train(worker, "Bob", {0.3f});
    galleries->news("people", second);
    const gallery_update followed = next();
    ASSERT_TRUE(followed.faces);
    EXPECT_EQ(followed.faces->version, second);
    EXPECT_THAT(labels(*followed.faces), ElementsAre("Ada", "Ada", "Bob"));
    EXPECT_EQ(followed.faces->people, 2u);

    const gallery_version third = world.change(job_type::forget, "Ada");
    galleries->news("people", third);
    EXPECT_THAT(labels(*next().faces), ElementsAre("Bob"));
}

TEST_F(loading, the_model_of_the_faces_is_known_however_they_came) {
    open();
    galleries->want("people", 0);
    EXPECT_EQ(next().faces->embedding_model, "") << "no face, no model";
    galleries->news("people", world.train(worker, "Ada", {0.1f}));
    EXPECT_EQ(next().faces->embedding_model, "test") << "followed";
    galleries->news("people", world.change(job_type::clear));
    EXPECT_EQ(next().faces->embedding_model, "");
    world.train(worker, "Ada", {0.1f}, "others");
    galleries->want("others", 0);
    EXPECT_EQ(next().faces->embedding_model, "test") << "loaded";
}

TEST_F(loading, a_clear_is_acknowledged_and_its_faces_are_gone) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    galleries->want("people", first);
    ASSERT_TRUE(next().faces);

    new_change clear;
    clear.id = new_job_id(unix_now(), 0);
    clear.type = job_type::clear;
    clear.collection = "people";
    world.must(submission_store(world.store).change(clear));
    EXPECT_EQ(world.job(clear.id).state, job_state::publishing) << "this worker holds the faces";
    galleries->news("people", world.version());
    const gallery_update after = next();
    ASSERT_TRUE(after.faces);
    EXPECT_EQ(after.faces->faces, 0u);
    EXPECT_EQ(after.faces->version, world.version());
    EXPECT_EQ(world.job(clear.id).state, job_state::succeeded);
}

TEST_F(loading, a_collection_that_was_deleted_is_asked_for_again_though_its_version_is_less) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    galleries->want("people", first);
    ASSERT_TRUE(next().faces);
    world.change(job_type::delete_collection);
    galleries->news("people", world.version());
    const gallery_version deleted = next().faces->version;
    EXPECT_GT(deleted, first) << "acknowledged";
    EXPECT_EQ(world.version(), 0u) << "and then it is gone";
    galleries->news("people", 0);
    const gallery_update gone = next();
    ASSERT_TRUE(gone.faces);
    EXPECT_EQ(gone.faces->version, 0u);
    EXPECT_EQ(gone.faces->faces, 0u);
    EXPECT_EQ(holding(), "0");

    const gallery_version again = world.train(worker, "Bob", {0.2f});
    galleries->news("people", again);
    EXPECT_EQ(next().faces->version, again);
}

TEST_F(loading, a_question_is_answered_by_what_redis_has_now) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    galleries->want("people", first);
    EXPECT_EQ(next().answers, 0u);
    galleries->want("people", first, 3);
    EXPECT_EQ(next().answers, 0u) << "what is there will do; nobody asked Redis";
    galleries->want("people", 0, 4);
    const gallery_update asked = next();
    EXPECT_EQ(asked.answers, 4u);
    EXPECT_EQ(asked.faces->version, first);
    ASSERT_TRUE(world.redis.call({"HSET", world.store.prefix() + "gallery:people", "seq", "0"}));
    galleries->news("people", first - 1);
    EXPECT_EQ(next().faces->version, first - 1) << "of Redis it is true, though it went back";
}

TEST_F(loading, a_log_with_a_gap_is_not_asked_without_end) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    galleries->want("people", first);
    ASSERT_TRUE(next().faces);
    const gallery_version second = world.train(worker, "Bob", {0.2f});
    ASSERT_TRUE(world.redis.call({"DEL", world.store.prefix() + "gallery:people:1:log"}));
    galleries->news("people", second);
    const gallery_update update = next();
    EXPECT_EQ(update.faces->version, second);
    EXPECT_THAT(labels(*update.faces), ElementsAre("Ada", "Bob"));
}

TEST_F(loading, a_collection_that_cannot_be_read_keeps_no_other_waiting) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    const std::string vectors = world.store.prefix() + "gallery:people:1:vectors";
    ASSERT_TRUE(world.redis.call({"SET", vectors, "no hash"}));
    open();
    galleries->want("people", first, 1);
    galleries->want("other", 0, 2);
    EXPECT_EQ(next().collection, "other");
    const gallery_update broken = next();
    EXPECT_EQ(broken.collection, "people");
    EXPECT_TRUE(broken.unreadable);
    EXPECT_EQ(broken.answers, 1u);
    ASSERT_TRUE(world.redis.call({"DEL", vectors}));
    EXPECT_TRUE(comes_true([&] {
        const auto update = updates.try_pop();
        return update && update->collection == "people" && update->faces;
    }));
}

TEST_F(loading, rows_of_removed_faces_are_given_back_in_the_background) {
    for (int i = 0; i < 44; ++i) {  // 16 faces at a time, as a train has
        world.train(worker, "Ada", std::vector<float>(16, 0.1f));
        world.train(worker, "Eve", std::vector<float>(16, 0.2f));
    }
    const gallery_version trained = world.train(worker, "Bob", {0.3f, 0.4f});
    open();
    galleries->want("people", trained);
    EXPECT_EQ(next().faces->segments.at(0)->rows(), 1'410u);
    world.change(job_type::forget, "Ada");
    const gallery_version last = world.change(job_type::forget, "Eve");
    galleries->news("people", last);
    EXPECT_TRUE(comes_true([&] {
        const auto update = updates.try_pop();
        return update && update->faces->version == last &&
               update->faces->segments.at(0)->rows() == 2 && update->faces->faces == 2;
    }));
}

TEST_F(loading, a_large_collection_does_not_keep_a_small_one_waiting) {
    for (int i = 0; i < 20; ++i) {
        std::vector<exported_face> faces;
        for (int n = 0; n < 1'000; ++n) {
            const std::string id = std::to_string(i) + "-" + std::to_string(n);
            faces.push_back({id, "P" + id, R"({"label":"P)" + id + R"(","job_id":"j"})",
                             bytes_of(embedding(128))});
        }
        world.must(gallery_admin(world.store).restore("large", "test", std::move(faces)));
    }
    world.train(worker, "Ada", {0.1f}, "small");
    open();
    galleries->want("large", 0);
    galleries->want("small", 0);
    EXPECT_EQ(next().collection, "small");
    const gallery_update large = next();
    EXPECT_EQ(large.collection, "large");
    ASSERT_TRUE(large.faces);
    EXPECT_EQ(large.faces->faces, 20'000u);
}

TEST_F(loading, faces_of_the_dimension_that_the_collection_states_and_no_others) {
    const auto bytes = [](float value) {
        return bytes_of(embedding(std::vector<float>(256, value)));
    };
    const auto face = [&](const std::string& id, float value) {
        return exported_face{id, "Ada", R"({"label":"Ada","job_id":"j"})", bytes(value)};
    };
    world.must(
        gallery_admin(world.store).restore("people", "test", {face("a-0", 1), face("a-1", 2)}));
    redis_call<void> damage{{"HSET", world.store.prefix() + "gallery:people:1:vectors", "a-0",
                             bytes_of(embedding(128))},
                            [](redis_reply&&) -> result<void> { return {}; }};
    world.must(std::move(damage));
    open();
    galleries->want("people", 0);
    const gallery_update loaded = next();
    ASSERT_TRUE(loaded.faces);
    EXPECT_EQ(loaded.faces->dimension, 256u);
    ASSERT_EQ(loaded.faces->faces, 1u) << "the damaged one is refused, not the first one's choice";
    EXPECT_EQ(loaded.faces->segments.at(0)->face_ids.at(0), "a-1");
    const gallery_version more =
        world.must(gallery_admin(world.store).restore("people", "test", {face("a-2", 3)})).version;
    galleries->news("people", more);
    EXPECT_EQ(next().faces->faces, 2u) << "followed";
}

TEST_F(loading, hints_of_collections_that_are_not_held_and_old_ones_load_nothing) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    galleries->news("people", first);
    galleries->want("others", 0);
    EXPECT_EQ(next().collection, "others") << "letters are read in order";
    galleries->news("others", 0);
    galleries->want("people", first);
    EXPECT_EQ(next().collection, "people");
}

TEST_F(loading, the_least_recently_used_gallery_leaves_when_nobody_uses_it_any_more) {
    open(2);
    for (const char* name : {"a", "b"}) {
        world.train(worker, "Ada", {0.1f}, name);
        galleries->want(name, 0);
    }
    gallery_update a = next(), b = next();
    if (a.collection != "a") std::swap(a, b);
    a.used->store(boot_now().count() + 1'000);  // b was used before a
    galleries->want("c", 0);
    EXPECT_EQ(next().collection, "c");
    const gallery_update gone = next();
    EXPECT_EQ(gone.collection, "b");
    EXPECT_FALSE(gone.faces);
    EXPECT_FALSE(holding("b").empty()) << "a user is left: " << b.faces.use_count();
    b.faces.reset();
    EXPECT_TRUE(comes_true([&] { return holding("b").empty(); }));
    EXPECT_FALSE(holding("a").empty());
}

TEST_F(loading, the_bytes_of_all_galleries_are_bounded) {
    world.train(worker, "Ada", {0.1f}, "a");
    world.train(worker, "Ada", {0.1f}, "b");
    open(256, 1);  // nothing fits, so only the newest stays
    galleries->want("a", 0);
    EXPECT_EQ(next().collection, "a");
    galleries->want("b", 0);
    EXPECT_EQ(next().collection, "b");
    const gallery_update gone = next();
    EXPECT_EQ(gone.collection, "a");
    EXPECT_FALSE(gone.faces);
}

TEST_F(loading, a_hello_that_is_told_gone_reports_it_and_serves_nothing) {
    world.train(worker, "Ada", {0.1f});
    world.must(worker_store(world.store).bye(worker));
    open();
    galleries->want("people", 0);
    const auto gone = next_letter<registration_gone>(mail);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->worker_id, worker);
    EXPECT_EQ(updates.size(), 0u);

    // Registered anew: what is in memory catches up and is announced without being asked for.
    const std::string again = "host-1-cpu-bb";
    world.register_worker(again);
    galleries->registered(again, 2);
    const gallery_update update = next();
    ASSERT_TRUE(update.faces);
    EXPECT_EQ(update.registration, 2u);
}

TEST_F(loading, fenced_galleries_are_taken_back) {
    world.train(worker, "Ada", {0.1f});
    open();
    galleries->want("people", 0);
    ASSERT_TRUE(next().faces);
    galleries->fenced();
    const gallery_update taken = next();
    EXPECT_EQ(taken.collection, "people");
    EXPECT_FALSE(taken.faces);
    const gallery_version meanwhile = world.train(worker, "Bob", {0.2f});
    galleries->registered(worker, 2);
    const gallery_update back = next();
    ASSERT_TRUE(back.faces);
    EXPECT_EQ(back.faces->version, meanwhile);
}

TEST_F(loading, redis_away_is_waited_for) {
    const gallery_version first = world.train(worker, "Ada", {0.1f});
    open();
    world.server.kill();
    galleries->want("people", first);
    world.server.start();
    const gallery_update update = next();
    ASSERT_TRUE(update.faces);
    EXPECT_EQ(update.faces->version, first);
}

}  // namespace
}  // namespace vultus
