// The pipeline with the real models over the sample photos and a real Redis; the test plays the
// session.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/store/worker_store.hpp"
#include "tests/workers/pipeline/store_support.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/models.hpp"
#include "workers/pipeline/pipeline.hpp"

namespace vultus::testing {

inline constexpr const char* worker = "host-1-cpu-aa";

inline std::string folder_of(const char* variable, const char* otherwise) {
    const char* given = std::getenv(variable);
    return given != nullptr ? given : VULTUS_SOURCE_DIR + std::string(otherwise);
}

inline std::string photo(const std::string& name) {
    std::ifstream file(folder_of("VULTUS_PHOTOS", "/build/photos") + "/" + name, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_FALSE(bytes.empty()) << name;
    return bytes;
}

/// An embedder of another dimension and another chip: the brightness of 256 places of a chip of 128
/// pixels, around the mean of all.
class brightness final : public embedder {
 public:
    std::string_view name() const noexcept override { return "made_up/unit"; }
    std::size_t dimension() const noexcept override { return 256; }
    chip_form form() const noexcept override { return {alignment::omz, 128}; }
    std::unique_ptr<embedder> clone() const override { return std::make_unique<brightness>(); }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        std::vector<embedding> all;
        for (const chip& face : chips) {
            EXPECT_TRUE(face.has_side(128)) << "a pass holds chips of one embedder";
            embedding vector(256);
            float mean = 0;
            for (std::size_t i = 0; i < 256 && face.has_side(128); ++i) {
                for (std::size_t k = 0; k < 64; ++k) {
                    const std::size_t row = i / 16 * 8 + k / 8, column = i % 16 * 8 + k % 8;
                    vector[i] += face.rgb[(row * 128 + column) * 3 + 1];
                }
                mean += vector[i] / 256;
            }
            for (float& value : vector) value -= mean;
            all.push_back(unit_length(vector));
        }
        return all;
    }
};

class seeing : public ::testing::Test {
 protected:
    void SetUp() override {
        registration one;
        one.worker_id = worker;
        one.connection = "1";
        one.types = {"recognize", "train", "calibrate"};
        one.lasts = std::chrono::minutes(10);
        one.detectors = {"hog", "cnn", "centerface"};
        one.embedders = {{"dlib_resnet_v1/plain", 128},
                         {"dlib_resnet_v1/mirror_unit", 128},
                         {"made_up/unit", 256},
                         {"test", 128}};
        one.proposed = {"hog", "dlib_resnet_v1/plain"};
        world.must(worker_store(world.store).register_worker(one));
        open(embedding_kind::plain);
    }
    void open(embedding_kind kind, bool keep_pictures = false, const std::string& decoder = {}) {
        work.reset();
        const auto files = find_models(folder_of("VULTUS_MODELS", "/build/models"));
        ASSERT_TRUE(files) << files.error().detail;
        vision_models models;
        auto nets = load_networks(*files, "onednn", "auto");
        ASSERT_TRUE(nets) << nets.error().detail;
        std::vector<std::unique_ptr<detector>> detectors;
        detectors.push_back(make_hog_detector());
        detectors.push_back(std::move(nets->finder));
        detectors.push_back(
            load_network_detector(files->detectors.at("centerface"), centerface_rules).value());
        models.detectors = detector_set(std::move(detectors));
        models.landmarks =
            std::make_unique<const aligner>(std::move(aligner::load(files->landmarks).value()));
        std::vector<std::unique_ptr<embedder>> embedders;
        embedders.push_back(with_kind(std::move(nets->network), kind));
        embedders.push_back(std::make_unique<brightness>());
        models.embedders = embedder_set(std::move(embedders));
        pipeline_settings settings;
        settings.redis = settings.galleries.redis = world.server.address();
        settings.vision_threads = 2;
        settings.keep_pictures = keep_pictures;
        settings.decoder = decoder;
        work.emplace(settings, world.store, std::move(models), mail, stages);
        work->registered(worker, {});
    }
    /// Gives everything that waits to the pipeline, as many as were submitted. `leased` is called
    /// between the lease and that.
    void run(std::size_t count, const std::function<void(const leased_job&)>& leased = nullptr) {
        const auto jobs = world.lease(worker, 8);
        ASSERT_EQ(jobs.size(), count);
        for (const leased_job& job : jobs) {
            if (leased) leased(job);
        }
        std::vector<attempt_id> begun;
        for (const leased_job& job : jobs) begun.push_back({job.job_id, job.attempt});
        ASSERT_TRUE(world.must(worker_store(world.store).started(worker, begun)).empty());
        for (const leased_job& job : jobs) {
            EXPECT_TRUE(work->take(job_ticket{job, worker, std::make_shared<drop_flag>()}));
        }
        for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(next_letter<job_finished>(mail));
    }
    job_record train(std::vector<std::string> photos, const std::string& label,
                     const std::string& options = "{}") {
        const std::string id = world.submit(job_type::train, std::move(photos), label, options);
        run(1);
        return world.job(id);
    }
    job_record recognize(std::string bytes, const std::string& options = "{}") {
        const std::string id = world.submit(job_type::recognize, {std::move(bytes)}, "", options);
        run(1);
        return world.job(id);
    }
    protocol::answer ask(std::string bytes, gallery_version min_version = 0,
                         std::chrono::milliseconds patience = std::chrono::seconds(20)) {
        frame_ticket ticket;
        ticket.frame.frame_id = "f";
        ticket.frame.collection = "people";
        ticket.frame.min_version = min_version;
        ticket.frame.image = std::move(bytes);
        ticket.give_up = boot_now() + patience;
        ticket.dropped = std::make_shared<drop_flag>();
        EXPECT_TRUE(work->take(std::move(ticket)));
        auto answered = next_letter<frame_answered>(mail);
        EXPECT_TRUE(answered);
        return answered ? answered->answer : protocol::answer{};
    }

    test_store world;
    mailbox<session_mail> mail{1'000};
    progress stages;
    std::optional<pipeline> work;
};

}  // namespace vultus::testing
