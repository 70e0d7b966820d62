// What a detect, embed, verify and given vectors with durable=false ask of the broker, and which
// answers are taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string model = "omz_0095/unit";

protocol::answer answer_to(const protocol::frame& frame) {
    protocol::answer told;
    told.frame_id = frame.frame_id;
    told.type = frame.type;
    told.result = "{}";
    return told;
}

class unstored_questions : public ::testing::Test {
 protected:
    void SetUp() override {
        registration who;
        who.worker_id = "w-1-cpu-0a";
        who.detectors = {"yunet"};
        who.embedders = {{model, 256}};
        who.proposed = {"yunet", model};
        redis_blocking redis(api.redis.address());
        ASSERT_TRUE(redis.call(worker_store(store_context(0)).register_worker(who)));
        api.broker->on_frame([this](const protocol::frame& frame) {
            asked.push_back(frame);
            return answer_to(frame);
        });
    }
    answer post_two(const std::string& target) {
        const std::string part =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n" +
            png() + "\r\n";
        return api.call("POST", target, part + part + "--b--\r\n",
                        "Content-Type: multipart/form-data; boundary=b\r\n");
    }
    answer post_vector(const std::string& target, const std::string& more = "") {
        std::string list = "[1";
        for (int i = 1; i < 256; ++i) list += ",0";
        return api.call("POST", target, "{\"embeddings\":[" + list + "]]" + more + "}",
                        "Content-Type: application/json\r\n");
    }

    running_api api;
    std::vector<protocol::frame> asked;
};

TEST_F(unstored_questions, name_what_they_need_and_no_more) {
    EXPECT_EQ(api.post_photo("/api/detect?durable=false").status, 200);
    EXPECT_EQ(api.post_photo("/api/embed?durable=false").status, 200);
    EXPECT_EQ(api.post_photo("/api/embed?durable=false&embedder=my/unit&collection=team").status,
              200);
    EXPECT_EQ(post_two("/api/verify?durable=false").status, 200);
    ASSERT_EQ(asked.size(), 4u);
    EXPECT_EQ(asked[0].type, "detect");
    EXPECT_EQ(asked[0].detector + "|" + asked[0].embedder, "yunet|");
    EXPECT_EQ(asked[0].collection, "");
    EXPECT_EQ(asked[1].type, "embed");
    EXPECT_EQ(asked[1].detector + "|" + asked[1].embedder, "yunet|" + model);
    EXPECT_EQ(asked[2].embedder, "my/unit");
    EXPECT_EQ(asked[2].collection, "team");
    EXPECT_EQ(asked[3].type, "verify");
    EXPECT_EQ(asked[3].image.view(), png() + png());
    EXPECT_THAT(asked[3].options, HasSubstr("\"first_bytes\":" + std::to_string(png().size())));
}

TEST_F(unstored_questions, given_vectors_need_no_detector) {
    EXPECT_EQ(post_vector("/api/recognize?durable=false").status, 200);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].type, "vectors");
    EXPECT_EQ(asked[0].detector + "|" + asked[0].embedder, "|" + model);
    EXPECT_EQ(asked[0].image.size(), 1024u);
    const auto other = post_vector("/api/recognize?durable=false", R"(,"model":"my/unit")");
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(member(other.body, "type"), "/problems/model_mismatch");
    EXPECT_EQ(asked.size(), 1u);
}

// It read the frame as a recognize: what it says has names in it.
TEST_F(unstored_questions, an_answer_of_an_older_worker_is_not_taken) {
    api.broker->on_frame([](const protocol::frame& frame) {
        protocol::answer told = answer_to(frame);
        told.type.clear();
        told.result = R"({"faces":[{"label":"Ada"}]})";
        return told;
    });
    const auto told = api.post_photo("/api/detect?durable=false&collection=team");
    EXPECT_EQ(told.status, 503);
    EXPECT_EQ(member(told.body, "type"), "/problems/no_worker");
    EXPECT_THAT(told.body, Not(HasSubstr("Ada")));
}

TEST_F(unstored_questions, a_person_whom_nobody_taught_is_404_and_nothing_is_asked) {
    for (const char* durable : {"false", "true"}) {
        const auto told = api.post_photo(std::string("/api/verify?person=Ada&durable=") + durable);
        EXPECT_EQ(told.status, 404) << told.body;
        EXPECT_EQ(member(told.body, "type"), "/problems/not_found");
    }
    EXPECT_TRUE(asked.empty());
}

TEST_F(unstored_questions, bad_vectors_store_nothing) {
    EXPECT_EQ(post_vector("/api/train", R"(,"name":"Ada","model":"my/unit")").status, 422);
    EXPECT_EQ(post_vector("/api/train", R"(,"name":"Ada")").status, 400);
    EXPECT_THAT(api.get("/api/jobs").body, HasSubstr("\"jobs\":[]"));
    EXPECT_EQ(post_vector("/api/train", ",\"name\":\"Ada\",\"model\":\"" + model + "\"").status,
              202);
}

}  // namespace
}  // namespace vultus::api::testing
