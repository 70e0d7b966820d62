// The watchdog over the stages.
#include "workers/pipeline/progress.hpp"

#include <gtest/gtest.h>

#include "workers/calibration/vision_models.hpp"
#include "workers/pipeline/startup.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;

TEST(progress, an_idle_stage_is_never_late) {
    progress stages;
    stages.add();
    EXPECT_FALSE(stages.stuck(boot_now() + std::chrono::hours(24)));
}

TEST(progress, a_step_is_late_one_millisecond_after_its_allowance) {
    progress stages;
    progress::slot& slot = stages.add();
    const boot_time begin{1'000'000};
    slot.begin(begin, milliseconds(5'000));
    EXPECT_FALSE(stages.stuck(begin + milliseconds(4'999)));
    EXPECT_FALSE(stages.stuck(begin + milliseconds(5'000)));
    EXPECT_TRUE(stages.stuck(begin + milliseconds(5'001)));
    slot.done();
    EXPECT_FALSE(stages.stuck(begin + milliseconds(5'001)));
    EXPECT_EQ(stages.steps(), 1u);
}

TEST(progress, a_busy_neighbour_does_not_hide_a_stuck_stage) {
    progress stages;
    progress::slot& stuck = stages.add();
    progress::slot& busy = stages.add();
    const boot_time begin{1'000'000};
    stuck.begin(begin);
    const boot_time later = begin + limits::progress + milliseconds(1);
    busy.begin(later);
    busy.done();
    EXPECT_TRUE(stages.stuck(later));
}

TEST(device, a_gpu_is_taken_at_its_word_and_never_becomes_the_cpu) {
    EXPECT_EQ(choose_device("cpu").value(), "cpu");
    EXPECT_EQ(choose_device("cuda:3").value(), "cuda:3");
    EXPECT_FALSE(choose_device("gpu"));
    // This test program has no libvultus-cuda.so beside it.
    EXPECT_EQ(choose_device("auto").value(), "cpu");
    worker_settings settings;
    settings.models = std::string(VULTUS_SOURCE_DIR) + "/build/models";
    settings.device = "cuda:0";
    const auto loaded = load_vision_models(settings, "cuda:0");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, errc::bad_option);
    EXPECT_NE(loaded.error().detail.find("cuda backend unusable"), std::string::npos);
    EXPECT_EQ(loaded.error().detail.find('\n'), std::string::npos);
}

TEST(device, where_auto_finds_a_gpu_that_cannot_be_used_the_cpu_takes_over) {
    worker_settings settings;
    settings.models = std::string(VULTUS_SOURCE_DIR) + "/build/models";
    ASSERT_EQ(settings.device, "auto");
    const auto loaded = load_vision_models(settings, "cuda:0");
    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_EQ(loaded->device, "cpu");
    EXPECT_EQ(loaded->gpu.name, "");
    settings.precision = "fp16";
    const auto refused = load_vision_models(settings, "cuda:0");
    ASSERT_FALSE(refused) << "the CPU has no fp16";
    EXPECT_EQ(refused.error().code, errc::bad_option);
}

}  // namespace
}  // namespace vultus
