// Answers that are not stored, while their collection is deleted and created again.
#include <gtest/gtest.h>

#include "shared/base/ids.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/submission_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

const std::string found = R"({"image":{"width":8,"height":8},"faces":[]})";

class gone_collection : public ::testing::TestWithParam<bool> {
 protected:
    /// What an admin does, from a thread of its own: the broker's.
    void remove_it() {
        redis_blocking redis(api.redis.address());
        new_change change;
        change.id = new_job_id(unix_now(), 0);
        change.type = job_type::delete_collection;
        change.collection = "people";
        ASSERT_TRUE(redis.call(submission_store(store).change(change)));
        if (!GetParam()) return;
        ASSERT_TRUE(redis.call(gallery_admin(store).restore(
            "people", "model",
            {{"f-0", "Eve", R"({"label":"Eve","job_id":"j"})", std::string(512, '\0')}})));
    }
    gallery_version version() {
        redis_blocking redis(api.redis.address());
        return redis.call(gallery_reader(store).gallery("people"))->version;
    }

    running_api api;
    store_context store;
    std::atomic<int> asked{0};
    std::atomic<gallery_version> wanted{1};
    std::atomic<bool> learns{true};
};

TEST_P(gone_collection, no_answer_of_the_people_before_leaves) {
    fake_worker worker(api.redis.address());
    for (const bool learns_it : {true, false}) {
        EXPECT_EQ(api.post_photo("/api/train?name=ada&collection=people").status, 202);
        worker.complete_train(worker.lease(), "ada");
        const gallery_version before = version();
        asked = 0;
        learns = learns_it;
        api.broker->on_frame([&](const protocol::frame& frame) {
            protocol::answer answer;
            answer.frame_id = frame.frame_id;
            answer.result = found;
            answer.version = before;
            if (++asked == 1) {
                remove_it();
            } else {
                wanted = frame.min_version;
                if (learns) answer.version = frame.min_version;
            }
            return answer;
        });
        const auto answer = api.post_photo("/api/recognize?durable=false&collection=people");
        EXPECT_EQ(answer.status, learns_it ? 200 : 503) << answer.body;
        EXPECT_EQ(asked, 2);
        EXPECT_EQ(wanted, version());
        EXPECT_EQ(wanted > 0, GetParam());
    }
    api.broker->on_frame({});
}

INSTANTIATE_TEST_SUITE_P(made_again, gone_collection, ::testing::Bool());

}  // namespace
}  // namespace vultus::api::testing
