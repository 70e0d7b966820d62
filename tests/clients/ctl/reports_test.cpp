// Reports: the answers of Redis and the broker as text and JSON.
#include "clients/ctl/output/reports.hpp"

#include <gtest/gtest.h>

#include "clients/ctl/follow.hpp"

using namespace vultus;
using namespace vultus::ctl;

namespace {

job_record failed_job() {
    job_record job;
    job.id = "J";
    job.type = job_type::train;
    job.state = job_state::failed;
    job.collection = "default";
    job.label = "Zoë \x1b[2J";
    job.attempt = 2;
    job.created = unix_time{1'700'000'000'000};
    job.finished = unix_time{1'700'000'001'500};
    job.error = R"({"code":"no_face"})";
    return job;
}

status_view view() {
    status_view seen;
    seen.queue.interactive = 3;
    seen.queue.bytes = 2'048;
    seen.queue.now = unix_time{10'000};
    seen.queue.oldest_pending = unix_time{8'500};
    seen.collections.push_back({"default", "m", 2'000'000'005, 2'000'000'001, 7, 4, 0, {}});
    worker_row row;
    row.status.worker_id = "h-1-cpu-0";
    row.status.device = "cpu";
    row.status.state = "ready";
    row.status.window = 8;
    row.status.outstanding = 2;
    row.status.last_seen_ms = 120;
    row.status.galleries = {{"default", 2'000'000'005}};
    row.status.load = {4, 30, 25};
    seen.workers.push_back(row);
    return seen;
}

}  // namespace

TEST(reports, a_job_as_table) {
    EXPECT_EQ(print(job_report(failed_job()), false),
              "job          J\n"
              "type         train\n"
              "state        failed\n"
              "collection   default\n"
              "label        Zoë \\x1b[2J\n"
              "created_at   2023-11-14T22:13:20.000Z\n"
              "finished_at  2023-11-14T22:13:21.500Z\n"
              "attempt      2\n"
              "failures     0\n"
              "crashes      0\n"
              "min_version  0\n"
              "error        {\"code\":\"no_face\"}\n");
}

TEST(reports, a_job_as_json) {
    EXPECT_EQ(
        print(job_report(failed_job()), true),
        R"({"id":"J","type":"train","state":"failed","collection":"default",)"
        R"("created_at":"2023-11-14T22:13:20.000Z","started_at":null,)"
        R"("finished_at":"2023-11-14T22:13:21.500Z","deadline_at":null,"attempt":2,"failures":0,)"
        R"("crashes":0,"solo":false,"cancel_requested":false,"superseded":false,"min_version":0,)"
        R"("version":0,"removed_faces":0,"label":"Zoë \u001b[2J","error":{"code":"no_face"}})"
        "\n");
}

TEST(reports, jobs_with_their_age_and_the_next_page) {
    const job_page page{{failed_job()}, "17"};
    EXPECT_EQ(print(jobs_report(page, unix_time{1'700'000'120'000}), false),
              "id  type   state   collection  attempt    age  worker\n"
              "J   train  failed  default           2  2 min\n"
              "next: --page MTc\n");
    const std::string json = print(jobs_report({}, unix_time{0}), true);
    EXPECT_EQ(json, "{\"jobs\":[],\"next_page_token\":\"\"}\n");
}

TEST(reports, status_from_the_broker) {
    status_view seen = view();
    seen.from_broker = true;
    const std::string text = print(status_report(seen), false);
    EXPECT_NE(text.find("pending, interactive     3\n"), std::string::npos) << text;
    EXPECT_NE(
        text.find("photos stored: 2.0 KiB, finished jobs: 0 B, oldest job waiting for 1.5 s\n"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("workers, from the broker\n"
                        "worker     device  state  jobs    seen  photos  faces  per batch  "
                        "galleries\n"
                        "h-1-cpu-0  cpu     ready   2/8  120 ms      25     30        7.5  "
                        "default@2000000005\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("default          4      7  2000000005\n"), std::string::npos) << text;
    status_view with_gpu = seen;
    with_gpu.workers[0].status.gpu = "NVIDIA T4, 15109 MiB, compute 7.5";
    const std::string named = print(status_report(with_gpu), false);
    EXPECT_NE(named.find("cpu (NVIDIA T4, 15109 MiB, compute 7.5)"), std::string::npos) << named;
    with_gpu.workers[0].status.load.gpu_bytes = std::uint64_t{14} << 30;
    with_gpu.workers[0].status.load.gpu_free_bytes = std::uint64_t{3} << 30;
    const std::string room = print(status_report(with_gpu), false);
    EXPECT_NE(room.find("compute 7.5; 3.0 GiB free)"), std::string::npos) << room;
    EXPECT_NE(print(status_report(with_gpu), true)
                  .find(R"("photos":25,"decoders_lost":0,"card_bytes":15032385536,)"
                        R"("card_free_bytes":3221225472})"),
              std::string::npos);
    EXPECT_NE(print(status_report(with_gpu), true).find(R"("card":"NVIDIA T4, )"),
              std::string::npos);
    const std::string json = print(status_report(seen), true);
    EXPECT_NE(json.find(R"("workers_from":"broker")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("window":8,"frames":0,"last_seen_ms":120,)"
                        R"("load":{"batches":4,"faces":30,"photos":25,"decoders_lost":0})"),
              std::string::npos)
        << json;
}

TEST(reports, status_from_redis_tells_lapsed_workers) {
    status_view seen = view();
    seen.workers[0].lapses_in_ms = 4'200;
    seen.workers.push_back(seen.workers[0]);
    seen.workers[1].status.worker_id = "h-2-cpu-0";
    seen.workers[1].lapses_in_ms = 0;
    const std::string text = print(status_report(seen), false);
    EXPECT_NE(text.find("(the broker did not reply)"), std::string::npos) << text;
    EXPECT_EQ(text.find("per batch"), std::string::npos) << "Redis does not know it\n" << text;
    EXPECT_NE(text.find("h-1-cpu-0  cpu     ready   2/8      4.2 s"), std::string::npos) << text;
    EXPECT_NE(text.find("h-2-cpu-0  cpu     ready   2/8     lapsed"), std::string::npos) << text;
    const std::string json = print(status_report(seen), true);
    EXPECT_NE(json.find(R"("outstanding":2,"lapsed":false)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("outstanding":2,"lapsed":true)"), std::string::npos) << json;
}

TEST(reports, faces) {
    label_page page;
    page.gallery = {"", "m", 1'000'000'002, 0, 3, 2, 256, {}};
    page.labels = {{"Ann\x1f"
                    "7",
                    1,
                    {},
                    "7"},
                   {"田中", 2, {}, "hr/2"}};
    page.next = "9";
    EXPECT_EQ(
        print(faces_report("default", page), false),
        "label  person_id  faces\n"
        "Ann    7              1\n"
        "田中   hr/2           2\n"
        "default: 2 people, 3 faces, version 1000000002, m of 256 numbers; next: --page OQ\n");
    EXPECT_EQ(
        print(faces_report("default", page), true),
        R"({"collection":"default","version":1000000002,"removed_version":0,"people":2,"faces":3,)"
        R"("embedding_model":"m","dimension":256,)"
        R"("labels":[{"label":"Ann","person_id":"7","faces":1},)"
        R"({"label":"田中","person_id":"hr/2","faces":2}],)"
        R"("next_page_token":"OQ"})"
        "\n");
}

TEST(reports, fsck_is_bad_only_with_findings) {
    EXPECT_FALSE(fsck_report({}).bad);
    EXPECT_EQ(print(fsck_report({}), false), "finding\n(none)\n");
    const report found = fsck_report({"job J: in no index"});
    EXPECT_TRUE(found.bad);
    EXPECT_EQ(print(found, false), "finding\njob J: in no index\n");
    EXPECT_EQ(print(found, true), "{\"findings\":[\"job J: in no index\"]}\n");
}

TEST(reports, changes_and_drains) {
    EXPECT_EQ(print(change_report("J", "requested"), false), "J: requested\n");
    EXPECT_EQ(print(change_report("J", "requested"), true),
              "{\"id\":\"J\",\"answer\":\"requested\"}\n");
    EXPECT_EQ(print(drain_report("w", "draining"), true),
              "{\"worker_id\":\"w\",\"state\":\"draining\"}\n");
}

TEST(reports, events) {
    const event moved{"5-0", "J", "", "pending", "accept", "", "", "", 0};
    EXPECT_EQ(event_line(moved, false), "5-0  J  (none) -> pending  attempt 0  accept\n");
    const event leased{"6-1", "J", "pending", "running", "lease", "w", "", "", 1};
    EXPECT_EQ(event_line(leased, false), "6-1  J  pending -> running  attempt 1  lease  w\n");
    EXPECT_EQ(
        event_line(leased, true),
        R"({"id":"6-1","job_id":"J","from":"pending","to":"running","why":"lease","attempt":1,)"
        R"("worker":"w"})"
        "\n");
}
