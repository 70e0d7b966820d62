// GET /api/faces/{label}/{face_id}/picture, and how listings mark faces with a picture.
#include <gtest/gtest.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(face_picture, is_given_while_the_face_is_there) {
    running_api api;
    fake_worker worker(api.redis.address());
    const std::string path = "/api/faces/a%2Fb%20%C3%BC", of = "?collection=shown";
    const std::string picture("\xFF\xD8\0\r\n\r\n\xD9", 8);
    std::vector<std::string> ids;
    for (const auto& kept : {std::string(), picture}) {
        const auto accepted = api.call("POST", "/api/train" + of + "&name=a%2Fb%20%C3%BC", png(),
                                       "Content-Type: image/png\r\n");
        const auto job = worker.lease();
        worker.complete_train(job, "", kept);
        ids.push_back(job.job_id + "-0");
        api.get(accepted.field("location") + "?wait=30");
    }
    const auto list = api.get("/api/faces" + of);
    EXPECT_NE(list.body.find(R"("count":2,"picture_face_id":")" + ids[1] + "\"}]"),
              std::string::npos)
        << list.body;
    const auto person = api.get(path + of).body;
    EXPECT_NE(person.find(ids[0] + R"(","picture":false,)"), std::string::npos) << person;
    EXPECT_NE(person.find(ids[1] + R"(","picture":true,)"), std::string::npos) << person;
    const auto shown = api.get(path + "/" + ids[1] + "/picture" + of);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.body, picture);
    EXPECT_EQ(shown.field("content-type"), "image/jpeg");
    EXPECT_EQ(shown.field("cache-control"), "private, no-store");
    for (const std::string& other :
         {path + "/" + ids[0] + "/picture" + of, path + "/" + ids[1] + "/picture",
          "/api/faces/ann/" + ids[1] + "/picture" + of}) {
        const auto none = api.get(other);
        EXPECT_EQ(none.status, 404) << other;
        EXPECT_EQ(none.field("content-type"), "application/problem+json") << other;
    }
    EXPECT_EQ(api.call("DELETE", path + "/" + ids[1] + "/picture" + of).status, 405);
    api.call("DELETE", path + "/" + ids[1] + of, "", "Prefer: wait=30\r\n");
    EXPECT_EQ(api.get(path + "/" + ids[1] + "/picture" + of).status, 404);
    EXPECT_EQ(api.get("/api/faces" + of).body.find("picture_face_id"), std::string::npos);
}

}  // namespace
}  // namespace vultus::api::testing
