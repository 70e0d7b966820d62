// The quality gate of a train in the pipeline: each reason on a photo that was made bad, and faces
// of somebody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "shared/store/gallery_reader.hpp"
#include "tests/workers/pipeline/pipeline_support.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/image/image.hpp"
#include "workers/vision/image_draw.hpp"

namespace vultus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A sample photo as JPEG, after a change of its pixels.
std::string changed(const std::string& name, const std::function<image(const image&)>& change) {
    const auto decoded = decode_image(photo(name));
    EXPECT_TRUE(decoded) << name;
    return annotated_jpeg(change(decoded->picture), {}).value();
}
image scaled(const image& from, double factor) {
    const auto side = [factor](std::uint32_t pixels) {
        return static_cast<std::uint32_t>(std::lround(pixels * factor));
    };
    return resized(from, side(from.width), side(from.height));
}
image lit(const image& from, double factor, double more = 0) {
    image made = from.copy();
    for (std::uint8_t& one : made.rgb) {
        one = static_cast<std::uint8_t>(std::clamp(one * factor + more, 0.0, 255.0));
    }
    return made;
}

/// Stored; the worker may still be about to load the new version.
bool is_taught(const job_record& job) {
    return job.state == job_state::succeeded || job.state == job_state::publishing;
}

class gated : public seeing {};

TEST_F(gated, a_quality_gate_refuses_bad_photos_each_with_its_reason) {
    const double face =
        static_cast<double>(make_hog_detector()
                                ->detect(decode_image(photo("obama.jpg"))->picture, {})
                                .faces.at(0)
                                .where.width());
    const std::map<std::string, std::function<image(const image&)>> faults{
        {"too_small", [&](const image& from) { return scaled(from, 38 / face); }},
        {"blurred",
         [&](const image& from) {
             return resized(scaled(from, 10 / face), from.width, from.height);
         }},
        {"too_dark", [](const image& from) { return lit(from, 0.12); }},
        {"too_bright", [](const image& from) { return lit(from, 0.12, 222); }},
    };
    for (const auto& [reason, change] : faults) {
        const std::string bad = changed("obama.jpg", change);
        for (const std::string level : {"standard", "strict"}) {
            const job_record refused =
                train({bad}, "Obama", R"({"min_face_px":20,"quality":")" + level + "\"}");
            EXPECT_EQ(refused.state, job_state::failed) << reason;
            EXPECT_THAT(refused.error, HasSubstr("photo 1: " + reason + "\""));
            EXPECT_THAT(refused.error, HasSubstr("quality=" + level + " requires at "));
            EXPECT_THAT(refused.error, HasSubstr(R"("quality":{"score":)"));
        }
        EXPECT_TRUE(is_taught(train({bad}, "Obama", R"({"min_face_px":20})")))
            << reason << " without a gate";
        world.change(job_type::clear);
    }
    const std::string small = changed("obama.jpg", faults.at("too_small"));
    const job_record mixed =
        train({small, photo("obama.jpg")}, "Obama", R"({"min_face_px":20,"quality":"strict"})");
    EXPECT_TRUE(is_taught(mixed)) << mixed.error;
    EXPECT_THAT(mixed.result, HasSubstr(R"("reason":"too_small")"));
    EXPECT_THAT(mixed.result, HasSubstr("\"face_id\":\"" + mixed.id + "-1\""));
    EXPECT_THAT(world.must(gallery_reader(world.store).faces("people", "Obama", false)).at(0).json,
                HasSubstr(R"("quality_score":0.)"));
    EXPECT_THAT(recognize(small, R"({"min_face_px":20,"quality":"strict"})").result,
                HasSubstr(R"("quality":{"score":)"))
        << "a gate is for trains";
}

TEST_F(gated, a_quality_gate_refuses_a_face_that_is_somebody_elses) {
    open(embedding_kind::plain, true);
    const std::string strict = R"({"quality":"strict"})";
    const job_record first = train({photo("obama.jpg")}, "Obama", strict);
    EXPECT_TRUE(is_taught(first)) << first.error;
    const job_record other = train({photo("obama2.jpg")}, "Other", strict);
    EXPECT_EQ(other.state, job_state::failed) << other.result;
    EXPECT_THAT(other.error, HasSubstr("photo 1: looks_like_other"));
    EXPECT_THAT(other.error, HasSubstr("\"other\":{\"face_id\":\"" + first.id + "-0\""));
    EXPECT_THAT(other.error, Not(HasSubstr("Obama"))) << "names are told when the job is read";
    const job_record own = train({photo("obama2.jpg")}, "Obama", strict);
    EXPECT_TRUE(is_taught(own)) << own.error;
    const job_record mixed =
        train({photo("obama3.jpg"), photo("biden.jpg")}, "Biden", R"({"quality":"standard"})");
    EXPECT_TRUE(is_taught(mixed)) << mixed.error;
    EXPECT_THAT(mixed.result, HasSubstr(R"("reason":"looks_like_other")"));
    const auto faces = world.must(gallery_reader(world.store).faces("people", "Biden", true));
    ASSERT_EQ(faces.size(), 1u);
    EXPECT_EQ(faces[0].face_id, mixed.id + "-1");
    EXPECT_TRUE(faces[0].picture) << "the picture of the face that stayed";
    EXPECT_TRUE(is_taught(train({photo("obama3.jpg")}, "Other"))) << "no gate";
}

}  // namespace
}  // namespace vultus::testing
