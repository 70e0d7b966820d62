// /api/collections/{}/pictures against a real Redis.
#include <gmock/gmock.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(pictures, are_chosen_asked_and_left_to_the_workers) {
    running_api api;
    const std::string path = "/api/collections/crew/pictures";
    const std::string unknown = R"({"collection":"crew","keep":null,"pictures":0})";
    EXPECT_EQ(api.get(path).body, unknown);
    EXPECT_EQ(api.call("DELETE", path, "", "").status, 404);
    const auto set = api.call("POST", path + "?keep=true", "", "");
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_EQ(set.body, R"({"collection":"crew","keep":true,"pictures":0})");
    EXPECT_EQ(api.get(path).body, set.body);
    EXPECT_THAT(api.get("/api/collections").body, ::testing::HasSubstr(R"("keep_pictures":true)"));
    const auto by_body =
        api.call("POST", path, R"({"keep":false})", "Content-Type: application/json\r\n");
    EXPECT_EQ(member(by_body.body, "keep"), "false") << by_body.body;
    EXPECT_EQ(api.call("DELETE", path, "", "").body, unknown);
    EXPECT_THAT(api.get("/api/collections").body, ::testing::HasSubstr(R"("keep_pictures":null)"));
    for (const char* wrong : {"?keep=maybe", "?keep=", "?keep=1&x=1", "?keep=2", ""}) {
        EXPECT_EQ(api.call("POST", path + wrong, "", "").status, 400) << wrong;
    }
    EXPECT_EQ(api.get("/api/collections/a%20b/pictures").status, 400);
}

}  // namespace
}  // namespace vultus::api::testing
