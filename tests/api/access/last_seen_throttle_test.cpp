// Last-seen times: written once an hour for each person, with a bounded table.
#include "api/access/last_seen_throttle.hpp"

#include <gtest/gtest.h>

#include "api/http/json.hpp"

using namespace vultus;
using namespace vultus::api;
using labels = std::vector<std::string>;

TEST(last_seen_throttle, each_person_once_an_hour) {
    last_seen_throttle notes;
    const boot_time start{1'000};
    EXPECT_EQ(notes.due("a", {"Ada", "Bob", "Ada"}, start), (labels{"Ada", "Bob"}));
    EXPECT_EQ(notes.due("a", {"Ada", "Cyd"}, start), (labels{"Cyd"}));
    EXPECT_EQ(notes.due("b", {"Ada"}, start), (labels{"Ada"})) << "another collection";
    const auto hour = start + last_seen_throttle::again;
    EXPECT_EQ(notes.due("a", {"Ada"}, hour - std::chrono::milliseconds(1)), labels{});
    EXPECT_EQ(notes.due("a", {"Ada"}, hour), (labels{"Ada"}));
}

TEST(last_seen_throttle, what_could_not_be_written_is_due_again) {
    last_seen_throttle notes;
    const boot_time now{1'000};
    const auto due = notes.due("a", {"Ada"}, now);
    notes.undo("a", due);
    EXPECT_EQ(notes.due("a", {"Ada"}, now), (labels{"Ada"}));
}

TEST(last_seen_throttle, forgets_all_before_it_grows_without_end) {
    last_seen_throttle notes;
    const boot_time now{1'000};
    for (std::size_t n = 0; n < last_seen_throttle::people_max; ++n) {
        notes.due("a", {std::to_string(n)}, now);
    }
    EXPECT_EQ(notes.due("a", {"0"}, now), labels{});
    notes.due("a", {"one more"}, now);
    EXPECT_EQ(notes.due("a", {"0"}, now), (labels{"0"}));
}

TEST(last_seen_throttle, known_faces_of_a_result) {
    EXPECT_EQ(known_labels(R"({"faces":[{"status":"known","label":"A\"B"},
                                        {"status":"ambiguous","label":"C"},
                                        {"status":"unknown","label":null}]})"),
              (labels{"A\"B"}));
    for (const char* none : {"", "[]", "{}", R"({"faces":1})", R"({"faces":[1,{"label":"x"}]})"}) {
        EXPECT_EQ(known_labels(none), labels{}) << none;
    }
}
