// GET /api/events against a real Redis: every change of every job, for all subscribers.
#include <gtest/gtest.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(all_events, the_changes_of_all_jobs_are_told) {
    running_api api;
    fake_worker worker(api.redis.address());
    connection stream(api.port());
    stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(stream.receive_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
    EXPECT_NE(stream.receive_until("\n\n").find("event: reread\n"), std::string::npos);
    // The api may not follow Redis yet: then it says `reread` once more, when it does.
    api.post_photo("/api/recognize");
    stream.receive_until("\n\n");
    worker.complete(worker.lease(), R"({"faces":[]})");
    for (int n = 0; n < 2; ++n) {
        const auto id = member(api.post_photo("/api/recognize").body, "id");
        worker.complete(worker.lease(), R"({"faces":[]})");
        const std::string about = "event: job\ndata: {\"id\":\"" + id + "\",\"from\":";
        const auto told = stream.receive_until(about + R"("running","to":"succeeded")");
        const auto accepted = told.find(about + R"("","to":"pending")");
        const auto leased = told.find(about + R"("pending","to":"running","attempt":1)");
        EXPECT_LT(accepted, leased) << told;
        EXPECT_LT(leased, told.find(about + R"("running","to":"succeeded")")) << told;
    }
}

TEST(all_events, who_falls_behind_is_told_to_look_again) {
    running_api api;
    connection stream(api.port());
    stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.receive_until("reread\ndata: {}\n\n");
    api.redis.kill();
    api.redis.start();
    EXPECT_NE(stream.receive_until("\ndata: {}\n\n").find("event: reread\n"), std::string::npos);
}

}  // namespace
}  // namespace vultus::api::testing
