// What a worker fetches for an attempt: the job and its photos in one call, against a real
// redis-server.
#include "tests/shared/store/store_call_support.hpp"

namespace vultus::testing {
namespace {

class fetch_call : public store_call {
 protected:
    void SetUp() override {
        store_call::SetUp();
        registration one = some_worker();
        one.types = {"recognize", "train", "calibrate"};
        must(attempts.register_worker(one));
    }
    /// Accepts and leases a job with these photos.
    attempt_id leased_with(const submission_store& by, job_type type,
                           std::vector<shared_bytes> photos) {
        new_job job = some_job(type);
        job.images = std::move(photos);
        must(by.accept(std::move(job), many, bytes));
        return leased();
    }
};

TEST_F(fetch_call, gives_the_job_and_its_photos_in_their_order) {
    const std::vector<shared_bytes> photos{"one", std::string(100'000, '2'), "three"};
    const attempt_id mine = leased_with(submissions, job_type::train, photos);
    const fetched_job fetched = must(attempts.fetch(mine, worker));
    EXPECT_EQ(fetched.photos, photos);
    EXPECT_EQ(fetched.job.id, mine.job_id);
    EXPECT_EQ(fetched.job.label, "Ada");
    EXPECT_EQ(fetched.job.options, "{\"k\":3}");
    EXPECT_EQ(fetched.job.state, job_state::running);
    EXPECT_EQ(fetched.job.attempt, 1U);
    EXPECT_GT(fetched.job.created.count(), 0);
}

TEST_F(fetch_call, is_for_the_attempt_that_runs) {
    const attempt_id mine = leased_with(submissions, job_type::recognize, {"photo"});
    EXPECT_EQ(code(attempts.fetch(mine, worker)), "ok");
    EXPECT_EQ(code(attempts.fetch({mine.job_id, 2}, worker)), "stale") << "another attempt";
    EXPECT_EQ(code(attempts.fetch(mine, "host-2-cpu-0b")), "stale") << "another worker";
    EXPECT_EQ(code(attempts.fetch({new_job_id(unix_now(), 0), 1}, worker)), "not_found");
    must(attempts.hand_back(mine, worker));
    EXPECT_EQ(code(attempts.fetch(mine, worker)), "stale") << "handed back";
}

TEST_F(fetch_call, reports_a_photo_that_is_gone) {
    const attempt_id mine = leased_with(submissions, job_type::train, {"one", "two"});
    ASSERT_TRUE(redis.call({"DEL", store.prefix() + "job:" + mine.job_id + ":image:1"}));
    EXPECT_EQ(code(attempts.fetch(mine, worker)), "no_image");
}

TEST_F(fetch_call, a_calibrate_has_no_photo) {
    const attempt_id mine = leased_with(submissions, job_type::calibrate, {});
    EXPECT_TRUE(must(attempts.fetch(mine, worker)).photos.empty());
}

TEST_F(fetch_call, opens_what_is_sealed) {
    const store_context sealed(0, sealing(std::string(32, 'k')));
    const attempt_id mine = leased_with(submission_store(sealed), job_type::recognize, {"photo"});
    const fetched_job fetched = must(worker_store(sealed).fetch(mine, worker));
    ASSERT_EQ(fetched.photos.size(), 1U);
    EXPECT_EQ(fetched.photos[0], "photo");
    EXPECT_EQ(code(attempts.fetch(mine, worker)), "store_unavailable") << "without the key";
}

}  // namespace
}  // namespace vultus::testing
