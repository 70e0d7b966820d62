// The calls of the store about pictures of faces, against a real redis-server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/base/ids.hpp"
#include "shared/store/broker_store.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/support/redis_server_support.hpp"

namespace vultus {
namespace {

const std::string worker = "host-1-cpu-0a";

class pictures : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(prepare_store(redis, store));
        registration one;
        one.worker_id = worker;
        one.connection = worker + ".1";
        one.types = {"train"};
        ASSERT_TRUE(redis.call(worker_store(store).register_worker(one)));
    }
    /// Accepts and leases a train of Ada.
    attempt_id leased_train() {
        new_job job;
        job.id = new_job_id(unix_now(), store.shard());
        job.type = job_type::train;
        job.collection = "staff";
        job.label = "Ada";
        job.images = {"photo"};
        EXPECT_TRUE(redis.call(submission_store(store).accept(job, 10, limits::mib)));
        lease_request wanted;
        wanted.worker_id = worker;
        wanted.connection = worker + ".1";
        wanted.most = 1;
        const auto jobs = redis.call(broker_store(store).lease(wanted)).value().jobs;
        return {jobs.at(0).job_id, jobs.at(0).attempt};
    }

    redis_server server;
    redis_blocking redis{server.address()};
    store_context store;
};

TEST_F(pictures, go_with_the_faces_that_have_one) {
    const attempt_id one = leased_train();
    const std::string bytes("\xFF\xD8\0\r\n\xD9", 6);
    const new_face plain{one.job_id + "-0", "{\"box\":[1,2,3,4]}", std::string(512, 'v')};
    new_face shown = plain;
    shown.face_id = one.job_id + "-1";
    shown.picture = bytes;
    const auto done = redis.call(
        worker_store(store).complete_train(one, worker, "{\"files\":[]}", "dlib", {plain, shown}));
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->state, commit_state::succeeded);

    const auto page = redis.call(gallery_reader(store).labels("staff", 10, "", true)).value();
    ASSERT_EQ(page.labels.size(), 1U);
    EXPECT_EQ(page.labels[0].faces, 2U);
    EXPECT_EQ(page.labels[0].picture, shown.face_id);
    const auto faces = redis.call(gallery_reader(store).faces("staff", "Ada", true)).value();
    ASSERT_EQ(faces.size(), 2U);
    EXPECT_FALSE(faces[0].picture);
    EXPECT_TRUE(faces[1].picture);
    EXPECT_EQ(redis.call(gallery_reader(store).picture("staff", "Ada", shown.face_id)).value(),
              bytes);
    const auto none = redis.call(gallery_reader(store).picture("staff", "Ada", plain.face_id));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::not_found);

    EXPECT_EQ(redis.call(gallery_reader(store).faces("staff", "Ada")).value().size(), 2U)
        << "not asked for";
    EXPECT_EQ(
        redis.call(gallery_reader(store).labels("staff", 10, "")).value().labels.at(0).picture, "");
}

}  // namespace
}  // namespace vultus
