// Which gallery is used, and what waits for one.
#include "workers/pipeline/match_stage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workers/calibration/similarity.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr boot_time start{1'000'000};

class matching : public ::testing::Test {
 protected:
    work_ptr item(gallery_version min_version = 1'000'000'000) {
        auto one = std::make_shared<work>();
        job_ticket ticket;
        ticket.dropped = std::make_shared<drop_flag>();
        one->who = ticket;
        one->collection = "people";
        one->min_version = min_version;
        found_face face;
        face.vector = embedding(std::vector<float>(128, 0.25f));
        one->seen.faces = {face};
        return one;
    }
    gallery_update people(gallery_version version, std::uint64_t registered) {
        gallery_builder builder(version);
        const embedding vector(std::vector<float>(128, 0.25f));
        builder.add("f-0", "Ada", vector);
        builder.set_version(version);
        return {"people", builder.publish(), std::make_shared<last_use>(0), registered};
    }

    std::atomic<std::uint64_t> registration{1};
    std::vector<std::pair<std::string, gallery_version>> wanted;
    parallel_for together{2};
    bool note(const std::string& name, gallery_version at_least, std::uint64_t question) {
        wanted.emplace_back(name, at_least);
        asked = question;
        return true;
    }
    std::uint64_t asked = 0;  ///< number of the last question
    match_stage stage{
        {}, {}, together, registration, [this](auto& name, auto at_least, auto question) {
            return note(name, at_least, question);
        }};
};

TEST_F(matching, waits_for_a_gallery_and_is_woken_by_it) {
    const work_ptr one = item(1'000'000'001);
    EXPECT_FALSE(stage.match(one, start));
    EXPECT_THAT(wanted, ElementsAre(Pair("people", 1'000'000'001u)));
    EXPECT_THAT(stage.wake(start).matched, IsEmpty());
    stage.update(people(1'000'000'001, 1));
    EXPECT_THAT(stage.wake(start).matched, ElementsAre(one));
    EXPECT_EQ(one->seen.matches.at(0).label, "Ada");
    EXPECT_EQ(one->seen.version, 1'000'000'001u);
    EXPECT_FALSE(stage.waiting());
}

TEST_F(matching, a_gallery_that_is_too_old_is_not_used) {
    stage.update(people(1'000'000'001, 1));
    const work_ptr one = item(1'000'000'002);
    EXPECT_FALSE(stage.match(one, start));
    EXPECT_THAT(wanted, ElementsAre(Pair("people", 1'000'000'002u)));
    stage.update(people(1'000'000'002, 1));
    EXPECT_THAT(stage.wake(start).matched, ElementsAre(one));
}

// Where Redis says nothing newer, the collection may have been deleted, and made again.
TEST_F(matching, another_gallery_is_used_only_if_redis_was_asked_after_the_work) {
    constexpr gallery_version here = 3'000'000'005;
    for (const gallery_version wanted_at_least :
         {gallery_version{0}, gallery_version{2'000'000'009}, gallery_version{4'000'000'001}}) {
        stage.update(people(here, 1));
        const work_ptr one = item(wanted_at_least);
        EXPECT_FALSE(stage.match(one, start)) << wanted_at_least;
        gallery_update news = people(here, 1);
        news.answers = asked - 1;
        stage.update(news);
        EXPECT_THAT(stage.wake(start).matched, IsEmpty()) << "asked before this work was there";
        news.answers = asked;
        stage.update(news);
        EXPECT_THAT(stage.wake(start).matched, ElementsAre(one));
        EXPECT_EQ(one->seen.version, here);
        EXPECT_FALSE(stage.match(one, start)) << "matched again: a question of its own";
        news.answers = asked;
        stage.update(news);
        stage.wake(start);
    }
}

TEST_F(matching, work_for_a_gallery_that_cannot_be_read_is_given_up_and_other_work_goes_on) {
    const work_ptr bad = item(1), good = item(1'000'000'001);
    bad->collection = "broken";
    stage.match(bad, start);
    gallery_update news{"broken", nullptr, nullptr, 1, asked, true};
    stage.match(good, start);
    stage.update(news);
    stage.update(people(1'000'000'001, 1));
    const auto woken = stage.wake(start);
    EXPECT_THAT(woken.given_up, ElementsAre(bad));
    EXPECT_THAT(woken.matched, ElementsAre(good));
    const work_ptr later = item(1);
    later->collection = "broken";
    stage.match(later, start);
    EXPECT_THAT(stage.wake(start).given_up, IsEmpty()) << "Redis was not asked again yet";
}

TEST_F(matching, a_gallery_of_an_earlier_registration_is_not_used) {
    stage.update(people(1'000'000'001, 1));
    registration = 2;
    EXPECT_FALSE(stage.match(item(1'000'000'001), start));
    stage.update(people(1'000'000'001, 1));  // was on its way when the registration ended
    EXPECT_THAT(stage.wake(start).matched, IsEmpty());
    stage.update(people(1'000'000'001, 2));
    EXPECT_EQ(stage.wake(start).matched.size(), 1u);
}

TEST_F(matching, faces_of_another_model_are_not_compared) {
    gallery_builder builder(1'000'000'001);
    const embedding vector(std::vector<float>(128, 0.25f));
    builder.add("f-0", "Ada", vector);
    builder.set_embedding_model("net/unit");
    stage.update({"people", builder.publish(), std::make_shared<last_use>(0), 1});
    const work_ptr other = item(), same = item(), nobody = item();
    other->seen.embedding_model = nobody->seen.embedding_model = "net/plain";
    same->seen.embedding_model = "net/unit";
    nobody->seen.faces.clear();
    for (const work_ptr& one : {other, same, nobody}) EXPECT_TRUE(stage.match(one, start));
    EXPECT_TRUE(other_model(other->seen));
    EXPECT_EQ(other->seen.matches.at(0).status, match_status::unknown);
    EXPECT_FALSE(other_model(same->seen));
    EXPECT_EQ(same->seen.matches.at(0).label, "Ada");
    EXPECT_FALSE(other_model(nobody->seen)) << "a photo without faces compares nothing";
}

TEST_F(matching, faces_of_another_dimension_are_not_compared) {
    gallery_builder builder(1'000'000'001);
    builder.add("f-0", "Ada", embedding(std::vector<float>(256, 0.25f)));
    stage.update({"people", builder.publish(), std::make_shared<last_use>(0), 1});
    const work_ptr other = item(), same = item(), followed = item();
    same->seen.faces[0].vector = embedding(std::vector<float>(256, 0.25f));
    followed->seen.faces[0].vector = {};  // the sender of the frame knows it: not embedded
    followed->seen.faces[0].known = 0;
    for (const work_ptr& one : {other, same, followed}) EXPECT_TRUE(stage.match(one, start));
    EXPECT_TRUE(other_model(other->seen)) << "a gallery whose model has no name";
    EXPECT_FALSE(other_model(same->seen));
    EXPECT_EQ(same->seen.matches.at(0).label, "Ada");
    EXPECT_FALSE(other_model(followed->seen));
}

TEST_F(matching, an_evicted_gallery_is_not_used) {
    stage.update(people(1'000'000'001, 1));
    stage.update({"people", nullptr, nullptr, 1});
    EXPECT_FALSE(stage.match(item(), start));
}

TEST_F(matching, work_that_nobody_wants_is_forgotten_and_work_that_waits_too_long_given_up) {
    const work_ptr unwanted = item(), patient = item();
    stage.match(unwanted, start);
    stage.match(patient, start);
    unwanted->job()->dropped->set();
    EXPECT_THAT(stage.wake(start + gallery_patience).given_up, IsEmpty());
    const auto woken = stage.wake(start + gallery_patience + milliseconds(1));
    EXPECT_THAT(woken.given_up, ElementsAre(patient));
    EXPECT_FALSE(stage.waiting());
}

TEST_F(matching, a_frame_waits_no_longer_than_its_answer_is_worth) {
    const work_ptr one = item();
    frame_ticket frame;
    frame.dropped = std::make_shared<drop_flag>();
    frame.give_up = start + milliseconds(300);
    one->who = frame;
    stage.match(one, start);
    EXPECT_THAT(stage.wake(start + milliseconds(299)).given_up, IsEmpty());
    EXPECT_THAT(stage.wake(start + milliseconds(300)).given_up, ElementsAre(one));
}

TEST_F(matching, the_threshold_follows_the_gallery_and_the_answer_says_so) {
    const calibration_table known{"hog",
                                  "test",
                                  "made up",
                                  {{0.001, 0.2}, {0.1, 0.4}},
                                  {{1, {{0.01, 0.35}, {0.1, 0.4}}}, {10, {{0.01, 0.3}}}}};
    match_stage by_rate({}, threshold_rule{0, 0, 0.01, known}, together, registration,
                        [this](auto& name, auto at_least, auto question) {
                            return note(name, at_least, question);
                        });
    by_rate.update(people(1'000'000'001, 1));
    const work_ptr one = item();
    one->seen.faces[0].vector = embedding(std::vector<float>(128, 0.28f));  // 0.34 away
    EXPECT_TRUE(by_rate.match(one, start));
    EXPECT_EQ(one->seen.matches.at(0).status, match_status::known);
    EXPECT_DOUBLE_EQ(one->seen.distance_max, 0.35);
    EXPECT_NEAR(*one->seen.stranger_rate, 0.01, 1e-9);
    EXPECT_NEAR(*one->seen.false_match_rate, 0.0316, 0.0001);
    one->options.distance_max = 0.5;  // outside of the table
    EXPECT_TRUE(by_rate.match(one, start));
    EXPECT_DOUBLE_EQ(one->seen.distance_max, 0.5);
    EXPECT_FALSE(one->seen.stranger_rate);
    EXPECT_FALSE(one->seen.false_match_rate);
}

TEST_F(matching, a_gallery_larger_than_what_was_measured_is_said_in_the_answer) {
    const calibration_table known{
        "hog", "test", "made up", {{0.001, 0.2}, {0.1, 0.4}}, {{0.5, {{0.01, 0.35}, {0.1, 0.4}}}}};
    match_stage by_rate({}, threshold_rule{0, 0, 0.01, known}, together, registration,
                        [this](auto& name, auto at_least, auto question) {
                            return note(name, at_least, question);
                        });
    by_rate.update(people(1'000'000'001, 1));
    const work_ptr one = item();
    EXPECT_TRUE(by_rate.match(one, start));
    EXPECT_TRUE(one->seen.extrapolated);
    stage.update(people(1'000'000'001, 1));
    EXPECT_TRUE(stage.match(one, start));
    EXPECT_FALSE(one->seen.extrapolated);
}

// The distance follows the gallery's embedder and the detector of the work; of a gallery without
// faces, the embedder of the work.
TEST_F(matching, each_pair_of_detector_and_embedder_has_a_threshold) {
    threshold_rules rules;
    rules.add("hog", "a/unit", {0.3, 0, 0, {}});
    rules.add("yunet", "a/unit", {0.4, 0, 0, {}});
    rules.add("hog", "b/unit", {0.9, 0, 0, {}});
    match_stage by_pair({}, rules, together, registration,
                        [this](auto& name, auto at_least, auto question) {
                            return note(name, at_least, question);
                        });
    gallery_builder empty(1'000'000'001);
    by_pair.update({"people", empty.publish(), std::make_shared<last_use>(0), 1});
    const auto distance = [&](const char* detector, const char* embedder) {
        const work_ptr one = item();
        one->detector = detector;
        one->embedder = one->seen.embedding_model = embedder;
        EXPECT_TRUE(by_pair.match(one, start));
        EXPECT_EQ(one->seen.distance_max, one->seen.threshold);
        return one->seen.threshold;
    };
    EXPECT_EQ(distance("hog", "a/unit"), 0.3);
    EXPECT_EQ(distance("yunet", "a/unit"), 0.4);
    EXPECT_EQ(distance("cnn", "a/unit"), 0.3);
    EXPECT_EQ(distance("yunet", "b/unit"), 0.9);
    gallery_builder trained(1'000'000'002);
    trained.set_embedding_model("b/unit");
    by_pair.update({"people", trained.publish(), std::make_shared<last_use>(0), 1});
    EXPECT_EQ(distance("yunet", "a/unit"), 0.9) << "the gallery's, not the work's";
}

TEST_F(matching, the_options_of_the_job_win_over_the_defaults) {
    stage.update(people(1'000'000'001, 1));
    const work_ptr one = item();
    one->seen.faces[0].vector = embedding(std::vector<float>(128, 0.28f));  // 0.34 away
    EXPECT_TRUE(stage.match(one, start));
    EXPECT_EQ(one->seen.matches.at(0).status, match_status::known);
    EXPECT_DOUBLE_EQ(one->seen.distance_max, one->seen.threshold);
    one->options.similarity_min = 0.99;
    EXPECT_TRUE(stage.match(one, start));
    EXPECT_DOUBLE_EQ(one->seen.distance_max, distance_at_similarity(0.99, 0.55));
    EXPECT_EQ(one->seen.matches.at(0).status, match_status::unknown) << "0.34 is beyond 0.297";
    one->options.similarity_min = 0.9;
    EXPECT_TRUE(stage.match(one, start));
    EXPECT_EQ(one->seen.matches.at(0).status, match_status::known) << "0.34 is within 0.43";
    EXPECT_DOUBLE_EQ(one->seen.threshold, 0.55) << "the service's own";
    one->options.distance_max = 0.3;
    EXPECT_TRUE(stage.match(one, start));
    EXPECT_EQ(one->seen.matches.at(0).status, match_status::unknown);
}

/// A train of two photos as the match stage leaves it: each has one face.
work taught(std::vector<match> matches) {
    work item;
    item.label = "Ada";
    item.options.quality = quality_gate::strict;
    item.seen.threshold = item.seen.distance_max = 0.4;
    item.files = {{"", {errc::no_face, "none"}}, {"j-1", {}}, {"j-2", {}}};
    item.photo_of_face = {1, 2};
    item.pictures = {"one", "two"};
    found_face face;
    item.seen.faces = {face, face};
    item.seen.faces[0].known = 7;  // to tell the two apart
    item.seen.matches = std::move(matches);
    return item;
}

match near(std::vector<candidate> candidates) {
    match found;
    found.candidates = std::move(candidates);
    return found;
}

TEST(lookalikes, a_photo_whose_nearest_face_is_somebody_elses_is_refused_alone) {
    work item = taught({near({{"Bob", 0.2, "b-0"}, {"Ada", 0.21, "a-0"}}), near({})});
    refuse_lookalikes(item);
    EXPECT_EQ(item.files[0].why.code, errc::no_face) << "as it was";
    EXPECT_EQ(item.files[1].face_id, "");
    EXPECT_EQ(item.files[1].why.code, errc::looks_like_other);
    EXPECT_EQ(item.files[1].why.detail,
              "The nearest trained face belongs to another person: distance 0.20; quality=strict "
              "requires more than 0.40");
    ASSERT_TRUE(item.files[1].other);
    EXPECT_EQ(item.files[1].other->face_id, "b-0");
    EXPECT_NEAR(item.files[1].other->similarity, similarity_at(0.2, 0.4), 1e-9);
    EXPECT_EQ(item.files[2].face_id, "j-2");
    EXPECT_THAT(item.photo_of_face, ElementsAre(2u));
    EXPECT_THAT(item.pictures, ElementsAre("two"));
    ASSERT_EQ(item.seen.faces.size(), 1u);
    EXPECT_EQ(item.seen.faces[0].known, -1);
}

TEST(lookalikes, who_is_near_to_their_own_face_stays) {
    work item = taught({near({{"Ada", 0.2, "a-0"}, {"Bob", 0.21, "b-0"}}),
                        near({{"Abe", 0.3, "b-0"}, {"Ada", 0.3, "a-0"}})});
    refuse_lookalikes(item);
    EXPECT_EQ(item.seen.faces.size(), 2u);
    EXPECT_EQ(item.files[1].face_id, "j-1");
    EXPECT_EQ(item.files[2].face_id, "j-2") << "as near to their own as to another one";
    item = taught({match{}, match{}});
    item.pictures.clear();
    refuse_lookalikes(item);
    EXPECT_EQ(item.seen.faces.size(), 2u) << "nobody is near";
}

}  // namespace
}  // namespace vultus
