// What /api/status and /metrics report about workers and brokers, with a scripted broker.
#include <gmock/gmock.h>

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
    worker.load = {2, 37, 30, 15'000'000'000, 9'000'000'000, 3};
}

TEST(status, tells_what_a_worker_did) {
    running_api api;
    api.broker->on_status([](auto& told) { told.workers.front().load = {2, 37, 30, 0, 0, 4}; });
    EXPECT_THAT(api.get("/api/status").body,
                HasSubstr(R"("galleries":{},"load":{"batches":2,"faces":37,"photos":30,)"
                          R"("decoders_lost":4}})"));
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
    });
    const std::string text = api.get("/metrics").body;
    for (const char* line : {"# TYPE vultus_worker_batches_total counter\n"
                             "vultus_worker_batches_total{worker=\"w-1\"} 2\n",
                             "vultus_worker_faces_total{worker=\"w-1\"} 37\n",
                             "vultus_worker_photos_total{worker=\"w-1\"} 30\n",
                             "# TYPE vultus_worker_decoders_lost_total counter\n"
                             "vultus_worker_decoders_lost_total{worker=\"w-1\"} 3\n",
                             "vultus_worker_jobs{worker=\"w-1\"} 4\n",
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
