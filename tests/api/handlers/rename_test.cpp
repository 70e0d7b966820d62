// POST /api/rename and /api/merge against a real Redis.
#include <gtest/gtest.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(rename, people_are_renamed_and_merged) {
    running_api api;
    fake_worker worker(api.redis.address());
    const auto train = [&](const std::string& name) {
        const auto accepted = api.call("POST", "/api/train?collection=crew&name=" + name, png(),
                                       "Content-Type: image/png\r\n");
        worker.complete_train(worker.lease(), name);
        api.get(accepted.field("location") + "?wait=30");
    };
    const auto change = [&](const std::string& target, const std::string& fields = {}) {
        return api.call("POST", "/api/" + target + "&collection=crew", "",
                        fields + "Prefer: wait=30\r\n");
    };
    const auto people = [&] {
        const auto list = api.get("/api/faces?collection=crew").body;
        const auto begin = list.find("\"faces\":[");
        return without_ids(list.substr(begin, list.find(']', begin) - begin));
    };
    train("ann");
    train("bob");
    const auto renamed = change("rename?label=ann&label_to=a%20b", "Idempotency-Key: one\r\n");
    EXPECT_EQ(renamed.status, 200) << renamed.body;
    EXPECT_EQ(member(renamed.body, "type"), "rename");
    EXPECT_EQ(member(renamed.body, "label"), "ann");
    EXPECT_EQ(member(renamed.body, "label_to"), "a b");
    EXPECT_EQ(member(renamed.body, "renamed_faces"), "1");
    EXPECT_EQ(renamed.body.find("removed_faces"), std::string::npos);
    EXPECT_EQ(people(), R"("faces":[{"label":"a b","count":1},{"label":"bob","count":1})");
    const auto again = change("rename?label=ann&label_to=a%20b", "Idempotency-Key: one\r\n");
    EXPECT_EQ(member(again.body, "id"), member(renamed.body, "id"));
    EXPECT_EQ(change("rename?label=ann&label_to=c", "Idempotency-Key: one\r\n").status, 422);
    const auto taken = change("rename?label=a%20b&label_to=bob");
    EXPECT_EQ(taken.status, 409) << taken.body;
    EXPECT_EQ(member(taken.body, "type"), "/problems/wrong_state");
    const auto merged = change("merge?label=a%20b&label_to=bob");
    EXPECT_EQ(merged.status, 200) << merged.body;
    EXPECT_EQ(people(), R"("faces":[{"label":"bob","count":2})");
    EXPECT_EQ(member(change("rename?label=nobody&label_to=x").body, "renamed_faces"), "0");
    EXPECT_EQ(change("rename?label=bob").status, 400);
    EXPECT_EQ(change("merge?label_to=bob").status, 400);
    EXPECT_EQ(change("merge?label=bob&label_to=..").status, 422);
    EXPECT_EQ(change("rename?label=bob&label_to=x&to=y").status, 400);
    const auto by_body =
        api.call("POST", "/api/rename", R"({"collection":"crew","label":"bob","label_to":"Bob"})",
                 "Content-Type: application/json\r\n");
    EXPECT_EQ(by_body.status, 202) << by_body.body;
    EXPECT_EQ(people(), R"("faces":[{"label":"Bob","count":2})");
}

}  // namespace
}  // namespace vultus::api::testing
