// What /api/status and /metrics report about workers and brokers, with a scripted broker.
#include <gmock/gmock.h>

#include "shared/store/broker_store.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A worker with a GPU, that has done something.
void with_a_gpu(protocol::status_reply& told) {
    if (told.workers.empty()) return;
    protocol::worker_status& worker = told.workers.front();
    worker.gpu = "NVIDIA T4, 15109 MiB, compute 7.5";
    worker.outstanding = 4;
    worker.load = {2, 37, 30, 15'000'000'000, 9'000'000'000, 3, 1'500, 2'500'000};
}

TEST(status, tells_what_a_worker_did) {
    running_api api;
    api.broker->on_status([](auto& told) { told.workers.front().load = {2, 37, 30, 0, 0, 4}; });
    EXPECT_THAT(api.get("/api/status").body,
                HasSubstr(R"("galleries":{},"load":{"batches":2,"faces":37,"photos":30,)"
                          R"("decoders_lost":4}})"));
}

/// A worker with these models, in Redis alone.
void enlist(running_api& api, std::vector<std::string> detectors) {
    registration who;
    who.worker_id = "w-1";
    who.types = {"recognize", "train"};
    who.proposed = {detectors.front(), "omz_0095/unit"};
    who.detectors = std::move(detectors);
    who.embedders = {{"omz_0095/unit", 256}};
    redis_blocking redis(api.redis.address());
    ASSERT_TRUE(redis.call(worker_store(store_context(0)).register_worker(who)));
}

TEST(status, tells_the_defaults_and_the_models_of_each_worker) {
    running_api api;
    EXPECT_THAT(api.get("/api/status").body,
                HasSubstr(R"("models":{"defaults":{"detector":null,"embedder":null},)"
                          R"("jobs_waiting":0,"waiting_for":[]}})"));
    enlist(api, {"yunet", "hog"});
    api.broker->on_status([](auto& told) {
        told.workers.front().detectors = {"yunet", "hog"};
        told.workers.front().embedders = {"omz_0095/unit"};
    });
    const std::string told = api.get("/api/status").body;
    EXPECT_THAT(told, HasSubstr(R"("defaults":{"detector":"yunet","embedder":"omz_0095/unit"})"));
    EXPECT_THAT(told, HasSubstr(R"("detectors":["yunet","hog"],"embedders":["omz_0095/unit"])"));
}

TEST(status, tells_whether_photos_by_url_are_fetched) {
    running_api api;
    EXPECT_THAT(api.get("/api/status").body, HasSubstr(R"("photo_urls":false)"));
}

TEST(status, tells_which_jobs_wait_for_a_model) {
    running_api api;
    enlist(api, {"hog"});
    const auto accepted = api.post_photo("/api/recognize?detector=yunet");
    ASSERT_EQ(accepted.status, 202);
    redis_blocking redis(api.redis.address());
    lease_request wanted;
    wanted.worker_id = "w-1";
    wanted.most = 1;
    ASSERT_TRUE(redis.call(broker_store(store_context(0)).lease(wanted)));
    const std::string told = api.get("/api/status").body;
    EXPECT_THAT(told, HasSubstr(R"("jobs_waiting":1,"waiting_for":[{"model":"yunet","jobs":1}])"));
    EXPECT_THAT(told, HasSubstr("1 job waits for the model yunet, which no worker has"));
    EXPECT_EQ(member(told, "state"), "ready") << "a client chose it; nothing else waits";
    const std::string job = api.get("/api/jobs/" + member(accepted.body, "id")).body;
    EXPECT_THAT(job, HasSubstr(R"("state":"delayed")"));
    EXPECT_THAT(job, HasSubstr(R"("waits_for":"yunet")"));
}

TEST(models, are_listed_with_licence_training_data_and_workers) {
    running_api api;
    api.broker->on_status([](auto& told) {
        told.workers.front().detectors = {"hog", "mine"};
        told.workers.front().embedders = {"dlib_resnet_v1/unit", "my/unit"};
    });
    const std::string told = api.get("/api/models").body;
    EXPECT_THAT(told, HasSubstr(R"({"defaults":{"detector":null,"embedder":null},"models":[)"));
    EXPECT_THAT(told, HasSubstr(R"({"name":"centerface","kind":"detector","licence":"MIT",)"
                                R"("training":"WIDER FACE)"));
    EXPECT_THAT(told,
                HasSubstr(R"("embedders":["dlib_resnet_v1/unit"],"dimension":128,"workers":1)"));
    EXPECT_THAT(told, HasSubstr(R"({"name":"mine","kind":"detector","licence":null,)"
                                R"("training":null,"workers":1})"));
    EXPECT_THAT(told, HasSubstr(R"("embedders":["my/unit"],"workers":1)"));
    EXPECT_THAT(told, HasSubstr(R"("name":"yunet","kind":"detector","licence":"Apache-2.0")"));
    EXPECT_THAT(api.get("/metrics").body, HasSubstr("vultus_jobs_waiting_for_model"));
}

TEST(models, of_a_worker_of_an_older_version_are_hog_cnn_and_dlibs) {
    running_api api;
    const std::string told = api.get("/api/models").body;
    for (const std::string line :
         {R"("name":"hog")", R"("name":"cnn")", R"("name":"dlib_resnet_v1")"}) {
        const std::size_t at = told.find(line);
        ASSERT_NE(at, std::string::npos) << line;
        EXPECT_EQ(told.substr(told.find("\"workers\":", at), 11), "\"workers\":1");
    }
}

TEST(status, a_gpu_has_a_name_and_memory) {
    running_api api;
    api.broker->on_status(with_a_gpu);
    const std::string told = api.get("/api/status").body;
    EXPECT_THAT(told, HasSubstr(R"("photos":30,"decoders_lost":3,"card_bytes":15000000000,)"
                                R"("card_free_bytes":9000000000},)"
                                R"("card":"NVIDIA T4, 15109 MiB, compute 7.5")"));
}

TEST(metrics, tell_of_workers_and_of_those_who_were_not_let_in) {
    running_api api;
    api.broker->on_status([](auto& told) {
        with_a_gpu(told);
        told.refused_peers = 5;
        told.turn_cpu_us = 40, told.turn_wall_us = 50;
    });
    const std::string text = api.get("/metrics").body;
    for (const char* line : {"# TYPE vultus_worker_batches_total counter\n"
                             "vultus_worker_batches_total{worker=\"w-1\"} 2\n",
                             "vultus_worker_faces_total{worker=\"w-1\"} 37\n",
                             "vultus_worker_photos_total{worker=\"w-1\"} 30\n",
                             "# TYPE vultus_worker_decoders_lost_total counter\n"
                             "vultus_worker_decoders_lost_total{worker=\"w-1\"} 3\n",
                             "vultus_worker_jobs{worker=\"w-1\"} 4\n",
                             "# TYPE vultus_worker_loop_longest_turn_seconds gauge\n",
                             "_turn_seconds{clock=\"processor\",worker=\"w-1\"} 0.0015\n",
                             "_turn_seconds{clock=\"wall\",worker=\"w-1\"} 2.5\n",
                             "vultus_broker_loop_longest_turn_seconds{broker=\"ipc://",
                             "\",clock=\"processor\"} 4e-05\n",
                             "vultus_worker_card_bytes{worker=\"w-1\"} 15000000000\n",
                             "vultus_worker_card_free_bytes{worker=\"w-1\"} 9000000000\n",
                             "# TYPE vultus_broker_refused_peers_total counter\n"
                             "vultus_broker_refused_peers_total{broker=\"ipc://",
                             "\"} 5\n"}) {
        EXPECT_THAT(text, HasSubstr(line));
    }
    api.broker->with_worker = false;
    EXPECT_THAT(api.get("/metrics").body, Not(HasSubstr("w-1"))) << "it left";
}

TEST(metrics, of_a_worker_without_a_gpu_say_nothing_of_one) {
    running_api api;
    const std::string text = api.get("/metrics").body;
    EXPECT_THAT(text, Not(HasSubstr("vultus_worker_card")));
    EXPECT_THAT(text, HasSubstr("vultus_worker_faces_total{worker=\"w-1\"} 0\n"));
}

}  // namespace
}  // namespace vultus::api::testing
