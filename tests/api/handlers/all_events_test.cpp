// GET /api/events against a real Redis: every change of every job, for all subscribers.
#include <gtest/gtest.h>

#include "tests/api/access/access_support.hpp"
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

/// The stream of all events, once it follows Redis.
void follow(connection& stream, const std::string& fields = {}) {
    stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
    stream.receive_until("reread\ndata: {}\n\n");
}

TEST(all_events, tell_who_was_seen_to_those_who_may_read_names) {
    keyed_api of;
    fake_worker worker(of.api.redis.address());
    const auto reads = of.add({scope::read, scope::recognize, scope::train});
    const auto makes = of.add({scope::recognize, scope::train});
    const auto elsewhere = of.add({scope::read, scope::recognize}, "other");
    for (const auto& key : {reads, makes, elsewhere}) of.settle(key);
    connection reader(of.api.port()), maker(of.api.port()), stranger(of.api.port());
    follow(reader, keyed_api::field(reads));
    follow(maker, keyed_api::field(makes));
    follow(stranger, keyed_api::field(elsewhere));
    // As above: `reread` may come once more, with the first event.
    of.job("/api/recognize?collection=team", reads);
    worker.complete(worker.lease(), R"({"faces":[]})");
    reader.receive_until("\n\n");
    maker.receive_until("\n\n");
    const auto id = of.job("/api/recognize?collection=team", reads);
    worker.complete(worker.lease(),
                    R"({"faces":[{"status":"known","label":"Ada","similarity":0.9},)"
                    R"({"status":"unknown","label":null,"similarity":0.1}]})");
    const std::string about = R"({"id":")" + id + R"(","from":"running")";
    const std::string ends = R"(,"to":"succeeded","attempt":1,"why":"complete",)"
                             R"("type":"recognize","collection":"team")";
    reader.receive_until(about);
    EXPECT_EQ(reader.receive_until("\n\n"),
              ends + R"(,"faces":2,"known":[{"label":"Ada","similarity":0.9}],)"
                     R"("ambiguous":[],"unknown":1})"
                     "\n\n");
    maker.receive_until(about);
    EXPECT_EQ(maker.receive_until("\n\n"), ends + "}\n\n");
    // Nothing of it for a key of another collection: its next event is one of its own.
    of.job("/api/recognize?collection=other", elsewhere);
    const auto own = stranger.receive_until(R"("to":"pending")") + stranger.receive_until("\n\n");
    EXPECT_EQ(own.find("team"), std::string::npos) << own;
}

TEST(all_events, one_read_of_redis_serves_all_who_follow) {
    running_api api;
    fake_worker worker(api.redis.address());
    std::vector<std::unique_ptr<connection>> followers;
    for (int i = 0; i < 20; ++i) {
        followers.push_back(std::make_unique<connection>(api.port()));
        follow(*followers.back());
    }
    api.post_photo("/api/recognize");
    worker.complete(worker.lease(), R"({"faces":[]})");
    for (auto& one : followers) one->receive_until("\n\n");
    const auto reads = [&] {
        const auto text = api.get("/metrics").body;
        const auto at = text.find("\nvultus_event_reads_total ");
        return at == text.npos ? 0.0 : std::stod(text.substr(at + 26));
    };
    const double before = reads();
    api.post_photo("/api/recognize");
    worker.complete(worker.lease(), R"({"faces":[]})");
    for (auto& one : followers) one->receive_until(R"("faces":0)");
    EXPECT_GE(reads() - before, 1);
    EXPECT_LE(reads() - before, 3) << "not one for each of twenty";
}

}  // namespace
}  // namespace vultus::api::testing
