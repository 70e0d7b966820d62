// See store_support.hpp.
#include "tests/workers/pipeline/store_support.hpp"

#include <thread>

#include "shared/store/broker_store.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/gallery/gallery.hpp"

namespace vultus::testing {

bool comes_true(const std::function<bool()>& condition) {
    const boot_time end = boot_now() + std::chrono::seconds(90);
    while (!condition()) {
        if (boot_now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

test_store::test_store() : redis(server.address()) {
    const auto ready = prepare_store(redis, store);
    EXPECT_TRUE(ready) << ready.error().detail;
}

std::string test_store::submit(job_type type, std::vector<std::string> photos, std::string label,
                               std::string options, std::string collection) {
    new_job job;
    job.id = new_job_id(unix_now(), store.shard());
    job.type = type;
    job.collection = std::move(collection);
    job.label = std::move(label);
    job.options = std::move(options);
    job.images.assign(std::move_iterator(photos.begin()), std::move_iterator(photos.end()));
    return must(submission_store(store).accept(job, 1'000, 64 * limits::mib)).job_id;
}

void test_store::register_worker(const std::string& worker_id) {
    registration one;
    one.worker_id = worker_id;
    one.connection = "1";
    one.host = "host";
    one.device = "cpu";
    one.build = "test";
    one.pid = 1;
    one.types = {"recognize", "train"};
    one.lasts = std::chrono::minutes(10);
    must(worker_store(store).register_worker(one));
}

std::vector<leased_job> test_store::lease(const std::string& worker_id, std::uint32_t most,
                                          std::uint32_t connection, std::uint32_t outstanding) {
    lease_request wanted;
    wanted.worker_id = worker_id;
    wanted.connection = worker_id + "." + std::to_string(connection);
    wanted.most = most;
    wanted.outstanding = outstanding;
    return must(broker_store(store).lease(wanted)).jobs;
}

job_ticket test_store::ticket(const std::string& worker_id) {
    const auto leased = lease(worker_id, 1);
    EXPECT_EQ(leased.size(), 1u);
    job_ticket one;
    if (leased.empty()) return one;
    one.job = leased.front();
    one.worker_id = worker_id;
    one.dropped = std::make_shared<drop_flag>();
    EXPECT_TRUE(must(worker_store(store).started(worker_id, {one.id()})).empty());
    return one;
}

gallery_version test_store::change(job_type type, const std::string& label) {
    new_change wanted;
    wanted.id = new_job_id(unix_now(), store.shard());
    wanted.type = type;
    wanted.collection = "people";
    wanted.label = label;
    must(submission_store(store).change(wanted));
    return version();
}

gallery_version test_store::train(const std::string& worker_id, const std::string& label,
                                  const std::vector<float>& values, const std::string& collection) {
    submit(job_type::train, {"photo"}, label, "{}", collection);
    const job_ticket one = ticket(worker_id);
    std::vector<new_face> faces;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const embedding vector(std::vector<float>(128, values[i]));
        faces.push_back({one.job.job_id + "-" + std::to_string(i),
                         "{\"job_id\":\"" + one.job.job_id + "\"}", bytes_of(vector)});
    }
    must(worker_store(store).complete_train(one.id(), worker_id, "{\"files\":[]}", "test", faces));
    return version(collection);
}

gallery_version test_store::version(const std::string& collection) {
    return must(gallery_reader(store).gallery(collection)).version;
}

}  // namespace vultus::testing
