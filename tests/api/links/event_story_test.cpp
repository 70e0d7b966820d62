// What events tell of a finished job, and what they keep to themselves after a removal.
#include "api/links/event_story.hpp"

#include <gtest/gtest.h>

namespace vultus::api {
namespace {

constexpr gallery_version epoch = 3'000'000'000;

job_outcome succeeded(job_type type, gallery_version version) {
    job_outcome of;
    of.found = true;
    of.job.type = type;
    of.job.state = job_state::succeeded;
    of.job.version = version;
    of.gallery = epoch + 9;
    of.removed_version = epoch + 5;
    return of;
}

job_outcome recognized(gallery_version version) {
    auto of = succeeded(job_type::recognize, version);
    of.job.result = R"({"faces":[{"status":"known","label":"Ada \"L\"","similarity":0.93},)"
                    R"({"status":"unknown","label":null,"similarity":0.2},)"
                    R"({"status":"ambiguous","label":"Bob","similarity":0.6},)"
                    R"({"status":"unknown","label":null,"similarity":null}]})";
    return of;
}

TEST(event_story, strangers_are_counted_and_not_named) {
    EXPECT_EQ(story_json(recognized(epoch + 5)),
              R"(,"faces":4,"known":[{"label":"Ada \"L\"","similarity":0.93}],)"
              R"("ambiguous":[{"label":"Bob","similarity":0.6}],"unknown":2)");
}

TEST(event_story, tells_people_of_one_name_apart) {
    auto of = recognized(epoch + 5);
    of.job.result = R"({"faces":[{"status":"known","label":"Sam","person_id":"hr/2",)"
                    R"("similarity":0.9}]})";
    EXPECT_EQ(story_json(of),
              R"(,"faces":1,"known":[{"label":"Sam","person_id":"hr/2","similarity":0.9}],)"
              R"("ambiguous":[],"unknown":0)");
    of = succeeded(job_type::train, epoch + 6);
    of.job.label = "Sam\x1fhr/2";
    of.job.person_id = "hr/2";
    of.job.faces = 1;
    EXPECT_EQ(story_json(of), R"(,"faces":1,"label":"Sam","person_id":"hr/2")");
    of = succeeded(job_type::rename, epoch + 6);
    of.job.label_to = "Bo\x1fhr/2";
    EXPECT_EQ(story_json(of), R"(,"faces":0,"label":"Bo")");
}

TEST(event_story, names_nobody_of_an_answer_older_than_a_removal) {
    for (const auto version : {epoch + 4, epoch + 10, epoch - 1'000'000'000 + 7, epoch * 2}) {
        EXPECT_EQ(story_json(recognized(version)), R"(,"faces":4,"outdated":true)") << version;
        for (const auto type : {job_type::train, job_type::rename, job_type::merge}) {
            auto of = succeeded(type, version);
            of.job.label = of.job.label_to = "Ada";
            of.job.faces = 2;
            EXPECT_EQ(story_json(of), R"(,"faces":2,"outdated":true)") << version;
        }
    }
    // The collection was deleted, and is not there or another one.
    auto gone = recognized(epoch + 5);
    gone.gallery = gone.removed_version = 0;
    EXPECT_EQ(story_json(gone), R"(,"faces":4,"outdated":true)");
}

TEST(event_story, changes_tell_the_new_name_and_never_a_removed_one) {
    auto of = succeeded(job_type::train, epoch + 6);
    of.job.label = "Ada";
    of.job.faces = 2;
    EXPECT_EQ(story_json(of), R"(,"faces":2,"label":"Ada")");
    of.job.superseded = true;
    EXPECT_EQ(story_json(of), R"(,"faces":2)");
    of = succeeded(job_type::rename, epoch + 6);
    of.job.label = "Ada";
    of.job.label_to = "Ada Lovelace";
    of.job.faces = 3;
    EXPECT_EQ(story_json(of), R"(,"faces":3,"label":"Ada Lovelace")");
    for (const auto type : {job_type::forget, job_type::clear, job_type::delete_collection}) {
        of.job.type = type;
        EXPECT_EQ(story_json(of), R"(,"faces":3)");
    }
}

TEST(event_story, tells_nothing_of_jobs_that_are_not_there_or_not_done) {
    auto of = recognized(epoch + 5);
    of.found = false;
    EXPECT_EQ(story_json(of), "");
    of.found = true;
    of.result_fits = false;
    EXPECT_EQ(story_json(of), "");
    of.result_fits = true;
    of.job.state = job_state::failed;
    EXPECT_EQ(story_json(of), "");
    of = recognized(epoch + 5);
    of.job.result = "[]";
    EXPECT_EQ(story_json(of), R"(,"faces":0,"known":[],"ambiguous":[],"unknown":0)");
}

TEST(event_story, an_event_has_its_type_and_collection) {
    event what;
    what.job_id = "j";
    what.from = "running";
    what.to = "succeeded";
    what.why = "complete";
    what.attempt = 1;
    const std::string before = R"({"id":"j","from":"running","to":"succeeded","attempt":1,)"
                               R"("why":"complete")";
    EXPECT_EQ(event_json(what, ""), before + "}") << "of an older version";
    EXPECT_FALSE(has_story(what));
    what.type = "recognize";
    what.collection = "door";
    EXPECT_EQ(event_json(what, R"(,"faces":1)"),
              before + R"(,"type":"recognize","collection":"door","faces":1})");
    EXPECT_TRUE(has_story(what));
    what.type = "calibrate";
    EXPECT_FALSE(has_story(what));
    what.type = "train";
    what.to = "publishing";
    EXPECT_FALSE(has_story(what));
}

}  // namespace
}  // namespace vultus::api
