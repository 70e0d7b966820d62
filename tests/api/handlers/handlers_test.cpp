// The calls of the api against a real Redis: what is stored, answered, waited for, refused.
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "shared/base/ids.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

const std::string found = R"({"image":{"width":8,"height":8},"faces":[]})";

class handlers : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        shared_ = new running_api;
        worker_ = new fake_worker(shared_->redis.address());
    }
    static void TearDownTestSuite() {
        delete std::exchange(worker_, nullptr);
        delete std::exchange(shared_, nullptr);
    }
    static running_api& api() { return *shared_; }
    static fake_worker& worker() { return *worker_; }
    static running_api* shared_;
    static fake_worker* worker_;
};
running_api* handlers::shared_ = nullptr;
fake_worker* handlers::worker_ = nullptr;

const std::string photo_type = "Content-Type: image/png\r\n";

std::string form(const std::vector<std::string>& files, const std::string& name = {}) {
    std::string body;
    for (const auto& file : files) {
        body +=
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n"
            "Content-Type: image/png\r\n\r\n" +
            file + "\r\n";
    }
    if (!name.empty()) {
        body += "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + name + "\r\n";
    }
    return body + "--b--\r\n";
}
const std::string form_type = "Content-Type: multipart/form-data; boundary=b\r\n";

TEST_F(handlers, a_photo_is_accepted_run_and_found) {
    const auto accepted = api().post_photo("/api/recognize?k=3");
    ASSERT_EQ(accepted.status, 202) << accepted.body;
    const auto path = accepted.field("location");
    EXPECT_EQ(path, "/api/jobs/" + member(accepted.body, "id"));
    EXPECT_EQ(member(accepted.body, "state"), "pending");
    EXPECT_NE(accepted.field("retry-after"), "");
    const auto waiting = api().get(path);
    EXPECT_EQ(waiting.status, 200);
    EXPECT_EQ(member(waiting.body, "id"), member(accepted.body, "id"));
    EXPECT_EQ(member(waiting.body, "state"), "pending");
    const auto job = worker().lease();
    EXPECT_EQ(job.job_id, member(accepted.body, "id"));
    EXPECT_EQ(member(api().get(path).body, "state"), "running");
    worker().complete(job, found);
    const auto done = api().get(path);
    EXPECT_EQ(member(done.body, "state"), "succeeded");
    EXPECT_NE(done.body.find("\"result\":" + found), std::string::npos) << done.body;
    EXPECT_EQ(done.field("retry-after"), "");
    // The hint leaves once the broker is connected; only then it can arrive.
    while (member(api().get("/api/status").body, "state") != "ready") {
    }
    EXPECT_EQ(api().post_photo("/api/recognize").status, 202);
    worker().complete(worker().lease(), found);
    while (api().broker->submits == 0) std::this_thread::yield();
}

TEST_F(handlers, prefer_wait_answers_with_the_finished_job) {
    auto waiting = std::async(std::launch::async, [] {
        return api().post_photo("/api/recognize", "Prefer: wait=30\r\n");
    });
    worker().complete(worker().lease(), found);
    const auto done = waiting.get();
    EXPECT_EQ(done.status, 200);
    EXPECT_EQ(done.field("preference-applied"), "wait=30");
    EXPECT_EQ(member(done.body, "state"), "succeeded");
    const auto early = api().post_photo("/api/recognize", "Prefer: wait=0\r\n");
    EXPECT_EQ(early.status, 202);
    EXPECT_EQ(early.field("preference-applied"), "");
    worker().complete(worker().lease(), found);
}

TEST_F(handlers, a_wait_that_is_over_is_a_202) {
    const auto answer = api().post_photo("/api/recognize", "Prefer: wait=1\r\n");
    EXPECT_EQ(answer.status, 202);
    EXPECT_EQ(answer.field("preference-applied"), "wait=1");
    worker().complete(worker().lease(), found);
}

TEST_F(handlers, long_poll_and_entity_tags) {
    const auto accepted = api().post_photo("/api/recognize");
    const auto path = accepted.field("location");
    const auto tag = api().get(path).field("etag");
    EXPECT_EQ(tag.substr(0, 3), "W/\"");
    const auto same = api().get(path, "If-None-Match: " + tag + "\r\n");
    EXPECT_EQ(same.status, 304);
    EXPECT_EQ(same.field("etag"), tag);
    auto change = std::async(std::launch::async, [&] {
        return api().get(path + "?wait=30", "If-None-Match: " + tag + "\r\n");
    });
    auto end = std::async(std::launch::async, [&] { return api().get(path + "?wait=30"); });
    const auto job = worker().lease();
    EXPECT_EQ(member(change.get().body, "state"), "running");
    worker().fail(job, {errc::undecodable_image, "broken"});
    const auto failed = end.get();
    EXPECT_EQ(failed.status, 200);
    EXPECT_EQ(member(failed.body, "state"), "failed");
    EXPECT_EQ(member(failed.body, "code"), "undecodable_image");
    EXPECT_EQ(api().get(path + "?wait=31").status, 400);
}

TEST_F(handlers, events_follow_a_job_to_its_end) {
    const auto accepted = api().post_photo("/api/recognize");
    const auto path = accepted.field("location");
    connection stream(api().port());
    stream.send("GET " + path + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto head = stream.receive_until("\r\n\r\n");
    EXPECT_NE(head.find("text/event-stream"), std::string::npos);
    const auto next = [&] { return stream.receive_until("\n\n"); };
    EXPECT_NE(next().find("\"state\":\"pending\""), std::string::npos);
    const auto job = worker().lease();
    const auto running = next();
    EXPECT_NE(running.find("\"state\":\"running\""), std::string::npos);
    EXPECT_NE(running.find("event: job\n"), std::string::npos);
    const auto id_at = running.find("id: ") + 4;
    const auto seen = running.substr(id_at, running.find('\n', id_at) - id_at);
    worker().complete(job, found);
    EXPECT_NE(next().find("\"state\":\"succeeded\""), std::string::npos);
    stream.receive_until("0\r\n\r\n");
    // Resumed after the running event: the end is told once more; after the end: nothing.
    const auto rest = api().get(path + "/events", "Last-Event-ID: " + seen + "\r\n");
    EXPECT_EQ(rest.status, 200);
    EXPECT_NE(rest.body.find("\"state\":\"succeeded\""), std::string::npos);
    EXPECT_EQ(rest.body.find("\"state\":\"running\""), std::string::npos);
    const auto last = rest.body.substr(4, rest.body.find('\n') - 4);
    EXPECT_EQ(api().get(path + "/events", "Last-Event-ID: " + last + "\r\n").status, 204);
}

TEST_F(handlers, idempotency_keys) {
    const std::string key = "Idempotency-Key: abc\r\n";
    const auto first = api().post_photo("/api/recognize", key);
    const auto again = api().post_photo("/api/recognize", key);
    EXPECT_EQ(again.status, 202);
    EXPECT_EQ(again.field("location"), first.field("location"));
    // The same content in another wrapping is the same content.
    const auto wrapped = api().call("POST", "/api/recognize", form({png()}), form_type + key);
    EXPECT_EQ(wrapped.field("location"), first.field("location"));
    const auto other = api().post_photo("/api/recognize?k=2", key);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(member(other.body, "type"), "/problems/idempotency_conflict");
    EXPECT_EQ(api().call("POST", "/api/clear", "", key).status, 422);
    EXPECT_EQ(api().post_photo("/api/recognize", "Idempotency-Key: \r\n").status, 400);
    EXPECT_EQ(
        api()
            .post_photo("/api/recognize", "Idempotency-Key: " + std::string(256, 'a') + "\r\n")
            .status,
        400);
    worker().complete(worker().lease(), found);
    const auto finished = api().post_photo("/api/recognize", key + "Prefer: wait=5\r\n");
    EXPECT_EQ(finished.status, 200);
    EXPECT_EQ(member(finished.body, "state"), "succeeded");
}

TEST_F(handlers, the_collection_of_a_change_may_stand_in_its_body) {
    const std::string field =
        "--b\r\nContent-Disposition: form-data; name=\"collection\"\r\n\r\nroom\r\n--b--\r\n";
    const std::vector<std::pair<std::string, std::string>> bodies{
        {"application/x-www-form-urlencoded", "collection=room"},
        {"multipart/form-data; boundary=b", field},
        {"application/json", R"({"collection":"room"})"}};
    for (const auto& [type, body] : bodies) {
        const auto fields = "Content-Type: " + type + "\r\n";
        const auto cleared = api().call("POST", "/api/clear", body, fields);
        EXPECT_EQ(member(cleared.body, "collection"), "room") << type << cleared.body;
        const auto listed = api().call("POST", "/api/faces", body, fields);
        EXPECT_EQ(member(listed.body, "collection"), "room") << type << listed.body;
        for (const auto* target : {"/api/faces/ann", "/api/faces?label=ann"}) {
            const auto forgotten = api().call("DELETE", target, body, fields);
            EXPECT_EQ(member(forgotten.body, "collection"), "room") << type << forgotten.body;
        }
    }
    // What is not understood might have named another collection than `default`: nothing goes.
    for (const auto& [type, body] : std::vector<std::pair<std::string, std::string>>{
             {"text/plain", "collection=room"},
             {"application/json", R"({"collecton":"room"})"},
             {"application/json", "{"},
             {"application/x-www-form-urlencoded", "room"}}) {
        const auto fields = "Content-Type: " + type + "\r\n";
        const auto kept = api().call("POST", "/api/clear", body, fields);
        EXPECT_EQ(kept.status, 400) << type << kept.body;
        const auto known = api().call("DELETE", "/api/faces/ann", body, fields);
        EXPECT_EQ(known.status, 400) << type << known.body;
    }
    const auto twice = api().call("POST", "/api/clear?collection=hall", "collection=room",
                                  "Content-Type: application/x-www-form-urlencoded\r\n");
    EXPECT_EQ(twice.status, 400) << "which of the two?";
}

TEST_F(handlers, people_are_trained_listed_and_forgotten) {
    const std::string name = "a/b:{*}\xF0\x9F\x98\x80<script>";
    const std::string path = "/api/faces/a%2Fb%3A%7B%2A%7D%F0%9F%98%80%3Cscript%3E";
    const auto accepted =
        api().call("POST", "/api/train?collection=team", form({png()}, name), form_type);
    ASSERT_EQ(accepted.status, 202) << accepted.body;
    worker().complete_train(worker().lease(), name);
    const auto trained = api().get(accepted.field("location") + "?wait=30");
    EXPECT_EQ(member(trained.body, "state"), "succeeded");
    EXPECT_NE(trained.body.find("\"result\":{\"version\":"), std::string::npos) << trained.body;
    for (const auto* method : {"GET", "POST"}) {
        const auto list = api().call(method, "/api/faces?collection=team");
        EXPECT_EQ(list.status, 200);
        EXPECT_NE(without_ids(list.body).find(R"("faces":[{"label":")" + name + R"(","count":1}])"),
                  std::string::npos)
            << list.body;
    }
    const auto person = api().get(path + "?collection=team");
    EXPECT_EQ(person.status, 200);
    EXPECT_NE(person.body.find(R"("box":{"left":1,)"), std::string::npos) << person.body;
    EXPECT_EQ(api().get("/api/faces/nobody?collection=team").status, 404);
    EXPECT_NE(api().get("/api/collections").body.find(R"("name":"team")"), std::string::npos);
    EXPECT_EQ(api().call("DELETE", path + "/nonsense?collection=team").status, 404);
    EXPECT_EQ(api().call("DELETE", "/api/faces?collection=team").status, 400);
    const auto gone = api().call("DELETE", path + "?collection=team", "", "Prefer: wait=30\r\n");
    EXPECT_EQ(gone.status, 200) << gone.body;
    EXPECT_EQ(member(gone.body, "removed_faces"), "1");
    EXPECT_EQ(api().get(path + "?collection=team").status, 404);
    EXPECT_EQ(api().call("DELETE", "/api/faces?label=x&collection=team").status, 202);
    EXPECT_EQ(api().call("DELETE", "/api/collections/team", "", "Prefer: wait=30\r\n").status, 200);
}

TEST_F(handlers, what_a_train_refuses) {
    const auto train = [](const std::string& body) {
        return api().call("POST", "/api/train", body, form_type);
    };
    const std::string text = "text named .jpg";
    EXPECT_EQ(train(form({png()})).status, 422);  // no name
    EXPECT_EQ(train(form({png()}, std::string(201, 'a'))).status, 422);
    EXPECT_EQ(train(form({}, "ada")).status, 400);
    EXPECT_EQ(train(form({text}, "ada")).status, 415);
    EXPECT_EQ(train(form({text, ""}, "ada")).status, 415);
    EXPECT_EQ(train(form({png().substr(0, 45)}, "ada")).status, 422);  // cut short
    EXPECT_EQ(train(form({png(60'000, 60'000)}, "ada")).status, 413);
    EXPECT_EQ(train(form(std::vector<std::string>(17, png()), "ada")).status, 413);
    EXPECT_EQ(train("--b\r\n").status, 400);
    EXPECT_EQ(api().call("POST", "/api/train", png(), photo_type).status, 422);
    EXPECT_EQ(api().call("POST", "/api/train?name=x", form({png()}, "y"), form_type).status, 400);
    EXPECT_EQ(api().call("POST", "/api/recognize", form({png(), png()}), form_type).status, 400);
    EXPECT_EQ(
        api().call("POST", "/api/recognize?durable=false&annotate=true", png(), photo_type).status,
        400);
    EXPECT_EQ(
        api()
            .call("POST", "/api/recognize", "{\"image\":\"", "Content-Type: application/json\r\n")
            .status,
        400);
    EXPECT_EQ(api().call("POST", "/api/recognize", "", photo_type + "Content-Length: 0\r\n").status,
              400);
    // One bad file of several is the worker's to judge.
    const auto mixed = train(form({text, png()}, "ada"));
    EXPECT_EQ(mixed.status, 202);
    const auto job = worker().lease();
    worker().fail(job, {errc::no_usable_photo, "test"});
    const auto sixteen = train(form(std::vector<std::string>(16, png()), "ada"));
    EXPECT_EQ(sixteen.status, 202);
    worker().fail(worker().lease(), {errc::no_usable_photo, "test"});
}

TEST_F(handlers, json_and_octets) {
    const auto json = api().call("POST", "/api/train", R"({"name":"ada","image":"iVBORw=="})",
                                 "Content-Type: application/json\r\n");
    EXPECT_EQ(json.status, 415);  // four bytes are no picture
    const auto octets =
        api().call("POST", "/api/recognize", png(), "Content-Type: application/octet-stream\r\n");
    EXPECT_EQ(octets.status, 202);
    worker().complete(worker().lease(), found);
}

TEST_F(handlers, jobs_are_listed_and_cancelled) {
    const auto first = api().post_photo("/api/recognize");
    const auto path = first.field("location");
    const auto page = api().get("/api/jobs?state=pending&type=recognize&page_size=1");
    EXPECT_NE(page.body.find(member(first.body, "id")), std::string::npos) << page.body;
    EXPECT_EQ(api().get("/api/jobs?state=nonsense").status, 400);
    const auto cancelled = api().call("DELETE", path);
    EXPECT_EQ(cancelled.status, 200);
    EXPECT_EQ(member(cancelled.body, "state"), "cancelled");
    EXPECT_EQ(api().call("DELETE", path).status, 409);
    const auto second = api().post_photo("/api/recognize");
    const auto job = worker().lease();
    const auto asked = api().call("DELETE", second.field("location"));
    EXPECT_EQ(asked.status, 202);
    EXPECT_EQ(member(asked.body, "cancel_requested"), "true");
    EXPECT_EQ(worker()
                  .redis.call(worker().attempts.hand_back({job.job_id, job.attempt}, worker().id))
                  ->state,
              commit_state::cancelled);
    EXPECT_EQ(member(api().get(second.field("location")).body, "state"), "cancelled");
    const auto unknown = new_job_id(unix_now(), 0);
    EXPECT_EQ(api().get("/api/jobs/" + unknown).status, 404);
    EXPECT_EQ(api().call("DELETE", "/api/jobs/" + unknown).status, 404);
    EXPECT_EQ(api().get("/api/jobs/nonsense").status, 404);
}

TEST_F(handlers, the_annotated_photo) {
    const auto plain = api().post_photo("/api/recognize");
    worker().complete(worker().lease(), found);
    const auto none = api().get(plain.field("location") + "/image");
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(member(none.body, "type"), "/problems/no_image");
    const auto accepted = api().post_photo("/api/recognize?annotate=true");
    worker().complete(worker().lease(), found, "JPEG");
    const auto picture = api().get(accepted.field("location") + "/image");
    EXPECT_EQ(picture.status, 200);
    EXPECT_EQ(picture.field("content-type"), "image/jpeg");
    EXPECT_EQ(picture.body, "JPEG");
    const auto job = api().get(accepted.field("location"));
    EXPECT_NE(job.body.find("/image\""), std::string::npos);
}

TEST_F(handlers, unstored_requests_leave_nothing) {
    const auto keys = [] {
        return worker().redis.call(std::vector<std::string>{"DBSIZE"})->integer;
    };
    gallery_version version = 0;
    api().broker->on_frame([&](const protocol::frame& frame) {
        protocol::answer answer;
        answer.frame_id = frame.frame_id;
        answer.version = std::max(version, frame.min_version);
        answer.result = found;
        return answer;
    });
    const auto before = keys();
    const auto answer = api().post_photo("/api/recognize?durable=false", "Idempotency-Key: d\r\n");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, found);
    EXPECT_EQ(keys(), before);
    const auto failing = [&](const char* why, int status) {
        api().broker->on_frame([why](const protocol::frame& frame) {
            protocol::answer told;
            told.frame_id = frame.frame_id;
            told.error = why;
            return told;
        });
        EXPECT_EQ(api().post_photo("/api/recognize?durable=false").status, status) << why;
    };
    failing("no_worker", 503);
    failing("undecodable_image", 422);
    failing("nonsense", 500);
}

TEST_F(handlers, an_answer_older_than_a_clear_is_asked_for_again_once) {
    EXPECT_EQ(api().post_photo("/api/train?name=ada&collection=old").status, 202);
    worker().complete_train(worker().lease(), "ada");
    EXPECT_EQ(api().call("POST", "/api/clear?collection=old", "", "Prefer: wait=30\r\n").status,
              200);
    std::atomic<int> asked{0};  // by the broker's thread
    std::atomic<bool> learns{true};
    api().broker->on_frame([&](const protocol::frame& frame) {
        const bool again = ++asked > 1;
        protocol::answer answer;
        answer.frame_id = frame.frame_id;
        answer.version = again && learns ? frame.min_version : 1;
        answer.result = found;
        return answer;
    });
    EXPECT_EQ(api().post_photo("/api/recognize?durable=false&collection=old").status, 200);
    EXPECT_EQ(asked, 2);
    asked = 0;
    learns = false;
    const auto refused = api().post_photo("/api/recognize?durable=false&collection=old");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(member(refused.body, "type"), "/problems/old_version");
    EXPECT_EQ(asked, 2);
    api().broker->on_frame({});  // it names what goes with this test
}

TEST_F(handlers, status_says_why_jobs_wait) {
    EXPECT_EQ(member(api().get("/api/status").body, "state"), "ready");
    api().broker->with_worker = false;
    const auto status = api().get("/api/status");
    EXPECT_EQ(member(status.body, "state"), "degraded");
    EXPECT_NE(status.body.find("No worker registered"), std::string::npos);
    api().broker->with_worker = true;
    const auto metrics = api().get("/metrics");
    EXPECT_NE(metrics.body.find("vultus_http_requests_total"), std::string::npos);
}

}  // namespace
}  // namespace vultus::api::testing
