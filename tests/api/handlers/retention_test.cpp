// /api/collections/{}/retention against a real Redis, and the last-seen times written for answers
// that are not stored.
#include <gmock/gmock.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(retention, is_asked_set_and_ended) {
    running_api api;
    fake_worker worker(api.redis.address());
    const std::string path = "/api/collections/crew/retention";
    EXPECT_EQ(api.get(path).status, 404);
    EXPECT_EQ(api.call("POST", path + "?days=3", "", "").status, 404);
    const auto accepted = api.call("POST", "/api/train?collection=crew&name=ann", png(),
                                   "Content-Type: image/png\r\n");
    worker.complete_train(worker.lease(), "ann");
    api.get(accepted.field("location") + "?wait=30");
    EXPECT_EQ(api.get(path).body, R"({"collection":"crew","days":null})");
    const auto set = api.call("POST", path + "?days=3", "", "");
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_EQ(member(set.body, "days"), "3");
    EXPECT_EQ(api.get(path).body, set.body);
    const auto by_body =
        api.call("POST", path, R"({"days":36500})", "Content-Type: application/json\r\n");
    EXPECT_EQ(member(by_body.body, "days"), "36500") << by_body.body;
    EXPECT_EQ(member(by_body.body, "since"), member(set.body, "since"));
    for (const char* wrong : {"?days=0", "?days=36501", "?days=x", "?days=", "?days=1&x=1", ""}) {
        EXPECT_EQ(api.call("POST", path + wrong, "", "").status, 400) << wrong;
    }
    EXPECT_EQ(api.get("/api/collections/a%20b/retention").status, 400);
    EXPECT_EQ(api.call("DELETE", path, "", "").body, R"({"collection":"crew","days":null})");
}

}  // namespace
}  // namespace vultus::api::testing
