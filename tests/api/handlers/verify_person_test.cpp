// A verify of a person with durable=false while the person is renamed or removed; and a repeated
// verify, which is answered with its job whatever became of the person.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/base/clock.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/submission_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class verify_person : public ::testing::Test {
 protected:
    void SetUp() override {
        person_id = train("name=Ada");
        api.broker->on_frame([this](const protocol::frame& frame) {
            const auto key = member(frame.options, "label");
            asked.push_back(key);
            if (asked.size() == 1) meanwhile();
            protocol::answer told;
            told.frame_id = frame.frame_id;
            told.type = frame.type;
            redis_blocking redis(api.redis.address());
            told.version =
                redis.call(gallery_reader(store_context(0)).gallery("default")).value().version;
            told.result = R"({"same":true,"person":{"label":")" + key + R"(","person_id":")" +
                          person_placeholder(key) + R"("}})";
            return told;
        });
    }
    std::string train(const std::string& options) {
        const auto accepted =
            api.call("POST", "/api/train?" + options, png(), "Content-Type: image/png\r\n");
        worker.complete_train(worker.lease(), "");
        return member(api.get(accepted.field("location") + "?wait=30").body, "person_id");
    }
    answer verify(const std::string& more, const std::string& fields = {}) {
        return api.call("POST", "/api/verify?person=Ada" + more, png(),
                        "Content-Type: image/png\r\n" + fields);
    }
    void change(job_type type, const std::string& to = {}) {
        redis_blocking redis(api.redis.address());
        const submission_store work(store_context(0));
        new_change wanted;
        wanted.id = new_job_id(unix_now(), 0);
        wanted.type = type;
        wanted.collection = "default";
        wanted.label = person_id;
        wanted.by = person_by::id;
        wanted.to_label = to;
        EXPECT_TRUE(redis.call(work.change(wanted)));
    }

    running_api api;
    fake_worker worker{api.redis.address()};
    std::string person_id;
    std::vector<std::string> asked;
    std::function<void()> meanwhile = [] {};
};

TEST_F(verify_person, follows_a_rename_and_names_the_new_name) {
    meanwhile = [this] { change(job_type::rename, "Bea"); };
    const auto told = verify("&durable=false");
    EXPECT_EQ(told.status, 200) << told.body;
    EXPECT_THAT(asked, ElementsAre("Ada", "Bea"));
    EXPECT_THAT(told.body, HasSubstr(R"("label":"Bea","person_id":")" + person_id));
}

TEST_F(verify_person, is_404_when_the_person_is_removed_meanwhile) {
    meanwhile = [this] { change(job_type::forget); };
    const auto told = verify("&durable=false");
    EXPECT_EQ(told.status, 404) << told.body;
    EXPECT_EQ(member(told.body, "type"), "/problems/not_found");
    EXPECT_THAT(asked, ElementsAre("Ada")) << "nobody is asked for";
}

TEST_F(verify_person, repeated_is_answered_with_its_job_though_the_person_is_gone) {
    const auto first = verify("", "Idempotency-Key: k\r\n");
    EXPECT_EQ(first.status, 202) << first.body;
    change(job_type::forget);
    const auto again = verify("", "Idempotency-Key: k\r\n");
    EXPECT_EQ(again.status, 202) << again.body;
    EXPECT_EQ(member(again.body, "id"), member(first.body, "id"));
    EXPECT_EQ(verify("", "Idempotency-Key: other\r\n").status, 404);
    const auto else_asked = api.call("POST", "/api/verify?person=Bob", png(),
                                     "Content-Type: image/png\r\nIdempotency-Key: k\r\n");
    EXPECT_EQ(member(else_asked.body, "type"), "/problems/idempotency_conflict");
}

}  // namespace
}  // namespace vultus::api::testing
