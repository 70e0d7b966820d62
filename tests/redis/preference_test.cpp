// Leases of a worker that prefers jobs for a kind of device: which it takes, skips and waits for.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class preference : public redis_test {
 protected:
    void SetUp() override {
        redis_test::SetUp();
        f("register", {"w", "1", "100000", "host", "1", "cpu", "b", "recognize,train", "128",
                       "hog,cnn,centerface,yunet", "m=128", "hog", "m"});
    }
    /// A job that came so many milliseconds after the first.
    void look(int n, const std::string& detector, const std::string& priority = "interactive",
              int after_ms = 0) {
        accept_options options;
        options.priority = priority;
        options.options = R"({"detector":")" + detector + R"(","min_face_px":40})";
        ASSERT_EQ(accept(n, options).at(0), "ok");
        if (first_ms == 0) first_ms = std::stoll(f.field(id_of(n), "created_ms"));
        f.plain(
            {"HSET", f.key("job:" + id_of(n)), "created_ms", std::to_string(first_ms + after_ms)});
    }
    /// The numbers of the jobs that it gets, and how many are left at the end.
    std::vector<int> taken(const std::string& prefer, int n, int spill = 0, int outstanding = 0,
                           const words& gpu_detectors = {"cnn"}) {
        words call{"w", "1",    std::to_string(outstanding), std::to_string(n), "100000",
                   "",  prefer, std::to_string(spill)};
        call.insert(call.end(), gpu_detectors.begin(), gpu_detectors.end());
        const words reply = f("lease", call);
        std::vector<int> found;
        const std::size_t count = reply.at(0) == "ok" ? std::stoul(reply.at(2)) : 0;
        EXPECT_EQ(reply.size(), 5 + 10 * count);
        for (std::size_t i = 0; i < count; ++i) {
            for (int job = 1; job <= 200; ++job) {
                if (reply.at(3 + 10 * i) == id_of(job)) found.push_back(job);
            }
        }
        left = std::stoi(reply[reply.size() - 2]);
        EXPECT_EQ(reply.back(), "0") << "it has all models";
        return found;
    }
    long long first_ms = 0;
    int left = 0;
};

TEST_F(preference, its_own_come_first_and_the_others_stay_in_order) {
    look(1, "cnn");
    look(2, "hog");
    look(3, "cnn");
    look(4, "hog");
    EXPECT_THAT(taken("cpu", 8), ElementsAre(2, 4));
    EXPECT_EQ(left, 2);
    EXPECT_THAT(taken("cpu", 8), IsEmpty());
    EXPECT_THAT(taken("gpu", 1), ElementsAre(1));
    EXPECT_THAT(taken("", 8), ElementsAre(3));
    EXPECT_EQ(left, 0);
}

TEST_F(preference, spills_over_as_far_as_it_may) {
    look(1, "cnn");
    look(2, "cnn");
    look(3, "hog");
    look(4, "cnn");
    EXPECT_THAT(taken("cpu", 8, 2), ElementsAre(3, 1, 2));
    EXPECT_THAT(taken("cpu", 8, 1), ElementsAre(4));
}

TEST_F(preference, the_spill_is_of_both_lines_together) {
    look(1, "cnn");
    look(2, "cnn", "bulk");
    look(3, "hog", "bulk");
    EXPECT_THAT(taken("cpu", 8, 1), ElementsAre(1, 3)) << "interactive first, whatever it wants";
    EXPECT_EQ(left, 1);
}

TEST_F(preference, nothing_is_overtaken_by_what_came_two_seconds_later) {
    look(1, "cnn");
    look(2, "hog", "interactive", 2'000);
    look(3, "hog", "interactive", 2'001);
    EXPECT_THAT(taken("cpu", 8), ElementsAre(2)) << "3 has to wait for 1";
    EXPECT_THAT(taken("cpu", 8), IsEmpty());
    EXPECT_THAT(taken("cpu", 8, 1), ElementsAre(1, 3));
}

TEST_F(preference, a_job_that_must_run_alone_overtakes_nothing_and_is_not_passed_over) {
    look(1, "cnn");
    look(2, "hog");
    look(3, "hog");
    f.plain({"HSET", f.key("job:" + id_of(2)), "solo", "1"});
    EXPECT_THAT(taken("cpu", 8), IsEmpty()) << "a GPU takes 1 first";
    EXPECT_THAT(taken("gpu", 8), ElementsAre(1)) << "and 2 is for a worker that has nothing";
    EXPECT_THAT(taken("gpu", 8, 0, 1), IsEmpty());
    EXPECT_THAT(taken("gpu", 8), ElementsAre(2)) << "of either kind";
    EXPECT_THAT(taken("cpu", 8), ElementsAre(3));
}

TEST_F(preference, every_eighth_is_bulk_and_the_order_of_each_line_stays) {
    for (int n = 1; n <= 3; ++n) look(n, "hog", "bulk");
    for (int n = 11; n <= 40; ++n) look(n, n % 2 == 0 ? "hog" : "cnn");
    EXPECT_THAT(taken("cpu", 9), ElementsAre(12, 14, 16, 18, 20, 22, 24, 1, 26));
}

TEST_F(preference, looks_at_the_first_64_of_a_line) {
    for (int n = 1; n <= 64; ++n) look(n, "cnn");
    look(65, "hog");
    EXPECT_THAT(taken("cpu", 8), IsEmpty());
    EXPECT_THAT(taken("gpu", 1), ElementsAre(1));
    EXPECT_THAT(taken("cpu", 8), ElementsAre(65));
}

TEST_F(preference, a_job_past_its_deadline_and_one_without_options_disturb_nobody) {
    accept(1);
    f.plain({"HDEL", f.key("job:" + id_of(1)), "options", "detector"});
    accept_options late;
    late.deadline_ms = "0";
    accept(2, late);
    look(3, "cnn");
    EXPECT_THAT(taken("gpu", 8), ElementsAre(1, 3));
    EXPECT_THAT(taken("cpu", 8), IsEmpty());
    EXPECT_EQ(f.state(id_of(2)), "failed");
}

TEST_F(preference, the_detector_is_read_from_the_options_when_a_job_is_accepted) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"({"k":3, "detector" : "cnn"})", "cnn"},
        {R"({"detector":"yunet"})", "yunet"},
        {R"({"note":"\"detector\":\"cnn\""})", ""},
        {R"({"inner":{"detector":"cnn"}})", ""},
        {R"({"detector":7})", ""},
        {"{}", ""},
        {"[]", ""},
        {"7", ""},
        {"no JSON", ""}};
    int n = 0;
    for (const auto& [text, name] : cases) {
        accept_options options;
        options.options = text;
        ASSERT_EQ(accept(++n, options).at(0), "ok");
        EXPECT_EQ(f.field(id_of(n), "detector"), name) << text;
        EXPECT_EQ(f.field(id_of(n), "options"), text);
    }
    EXPECT_THAT(taken("gpu", 16), ElementsAre(1));
}

TEST_F(preference, a_job_of_an_older_library_gets_its_detector_with_the_first_look) {
    look(1, "cnn");
    look(2, "hog");
    for (const int n : {1, 2}) f.plain({"HDEL", f.key("job:" + id_of(n)), "detector"});
    EXPECT_THAT(taken("cpu", 1), ElementsAre(2));
    EXPECT_EQ(f.field(id_of(1), "detector"), "cnn") << "it was looked at and passed over";
    f.plain({"HSET", f.key("job:" + id_of(1)), "options", "{}"});
    EXPECT_THAT(taken("gpu", 8), ElementsAre(1)) << "the options are read once";
}

TEST_F(preference, an_older_broker_names_a_detector_and_no_list) {
    look(1, "cnn");
    look(2, "hog");
    look(3, "yunet");
    look(4, "cnn");
    EXPECT_THAT(taken("hog", 8, 0, 0, {}), ElementsAre(2, 3));
    EXPECT_THAT(taken("cnn", 8, 0, 0, {}), ElementsAre(1, 4));
}

TEST_F(preference, the_broker_names_the_detectors_that_are_for_a_gpu) {
    look(1, "cnn");
    look(2, "hog");
    look(3, "centerface");
    EXPECT_THAT(taken("gpu", 8, 0, 0, {"centerface,other"}), ElementsAre(3));
    EXPECT_THAT(taken("gpu", 8, 0, 0, {"cnn2,xhog,centerfaces"}), IsEmpty()) << "whole names only";
    EXPECT_THAT(taken("cpu", 1, 0, 0, {"cnn,centerface"}), ElementsAre(2));
    EXPECT_THAT(taken("cpu", 8, 0, 0, {""}), ElementsAre(1)) << "none is for a GPU";
}

TEST_F(preference, is_one_of_the_known_words) {
    EXPECT_THAT(f("lease", {"w", "1", "0", "1", "1000", "", "dog", "0"}).at(0),
                testing::StartsWith("ERROR"));
    EXPECT_THAT(f("lease", {"w", "1", "0", "1", "1000", "", "cnn"}).at(0),
                testing::StartsWith("ERROR"))
        << "spill is missing";
}

}  // namespace
}  // namespace vultus::test
