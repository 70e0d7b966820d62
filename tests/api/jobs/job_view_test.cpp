// A job as clients see it: the verdicts on photos, and the names in them.
#include "api/jobs/job_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vultus::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What it looks like in a text that a person wrote: no member.
constexpr const char* refused =
    R"({"index":0,"state":"refused","reason":"looks_like_other",)"
    R"("detail":"\"other\":{\"face_id\":\"z-9\"","other":{"face_id":"a-0","distance":0.25}})";

job_record train(job_state state) {
    job_record job =
        fresh_job("01936a3e-7f10-7b01-a3c4-5d6e7f809101", job_type::train, "people", "Ada", state);
    const std::string files = std::string("[") + refused +
                              R"(,{"index":1,"other":{"face_id":"b-3","distance":0.3}},)"
                              R"({"index":2,"other":{"face_id":"a-0","distance":0.1}}])";
    if (state == job_state::failed) {
        job.error = R"({"code":"no_usable_photo","detail":"d","files":)" + files + "}";
    } else {
        job.result = R"({"files":)" + files + "}";
    }
    return job;
}

TEST(job_view, faces_that_a_photo_was_compared_with_are_named_by_the_caller) {
    for (const job_state state : {job_state::succeeded, job_state::failed}) {
        const job_record job = train(state);
        EXPECT_THAT(faces_compared(job), ElementsAre("a-0", "b-3"));
        EXPECT_THAT(job_json(job), HasSubstr(R"("other":{"face_id":"a-0","distance":0.25})"));
        EXPECT_THAT(job_json(job), Not(HasSubstr("label\":\"B")));
        const std::string named =
            job_json(job, {{"a-0", {"Bob \"B\"", "p\"1", true}}, {"z-9", {"Zoe", "", false}}});
        EXPECT_THAT(named, HasSubstr(R"("other":{"label":"Bob \"B\"","person_id":"p\"1",)"
                                     R"("name_shared":true,"face_id":"a-0","distance":0.25})"));
        EXPECT_THAT(named, HasSubstr(R"("name_shared":true,"face_id":"a-0","distance":0.1)"));
        EXPECT_THAT(job_json(job, {{"b-3", {"Zoe", "", false}}}),
                    HasSubstr(R"("other":{"label":"Zoe","face_id":"b-3")"));
        EXPECT_THAT(named, HasSubstr(R"("other":{"face_id":"b-3")")) << "removed since";
        EXPECT_THAT(named, Not(HasSubstr("Zoe"))) << "a sentence is no member";
    }
    job_record other = train(job_state::succeeded);
    other.type = job_type::recognize;
    EXPECT_THAT(faces_compared(other), IsEmpty());
}

TEST(job_view, a_listing_has_the_reason_and_not_the_verdicts) {
    const std::string row = job_summary_json(train(job_state::failed));
    EXPECT_THAT(row, HasSubstr(R"("error":{"code":"no_usable_photo","detail":"d"},"links")"));
    job_record plain = train(job_state::failed);
    plain.error = R"({"code":"poison","detail":"d"})";
    EXPECT_THAT(job_summary_json(plain), HasSubstr(R"("error":{"code":"poison","detail":"d"})"));
    plain.error.clear();
    EXPECT_THAT(job_summary_json(plain), HasSubstr(R"("error":{"code":"internal")"));
    EXPECT_THAT(job_json(plain), HasSubstr(R"("error":{"code":"internal")"));
}

}  // namespace
}  // namespace vultus::api
