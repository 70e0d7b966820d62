// detect, embed, verify and given vectors through the whole pipeline: the real models, the sample
// photos, a real Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "shared/store/gallery_admin.hpp"
#include "tests/workers/pipeline/pipeline_support.hpp"
#include "workers/vision/image_draw.hpp"

namespace vultus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace json = boost::json;

json::object read(const std::string& text) {
    return json::parse(text).as_object();
}

std::string empty_room() {
    return annotated_jpeg(image(200, 200), {}).value();
}

class asking : public seeing {
 protected:
    void SetUp() override {
        seeing::SetUp();
        join({announced_types.begin(), announced_types.end()});
    }
    void join(std::vector<std::string> types) {
        registration one;
        one.worker_id = worker;
        one.connection = "1";
        one.types = std::move(types);
        one.lasts = std::chrono::minutes(10);
        one.detectors = {"hog", "cnn", "centerface"};
        one.embedders = {{"dlib_resnet_v1/plain", 128}, {"made_up/unit", 256}};
        one.proposed = {"hog", "dlib_resnet_v1/plain"};
        world.must(worker_store(world.store).register_worker(one));
    }
    job_record question(job_type type, std::vector<std::string> photos,
                        const std::string& options = "{}", const std::string& label = "",
                        const std::string& collection = "") {
        const std::string id = world.submit(type, std::move(photos), label, options, collection);
        run(1);
        return world.job(id);
    }
    protocol::answer frame(std::string type, std::string payload, std::string options = "{}",
                           std::string collection = "") {
        frame_ticket ticket;
        ticket.frame.frame_id = "f";
        ticket.frame.type = std::move(type);
        ticket.frame.collection = std::move(collection);
        ticket.frame.options = std::move(options);
        ticket.frame.image = std::move(payload);
        ticket.give_up = boot_now() + std::chrono::seconds(20);
        ticket.dropped = std::make_shared<drop_flag>();
        EXPECT_TRUE(work->take(std::move(ticket)));
        auto answered = next_letter<frame_answered>(mail);
        EXPECT_TRUE(answered);
        return answered ? answered->answer : protocol::answer{};
    }
};

TEST_F(asking, a_detect_tells_what_a_recognize_sees_and_no_name) {
    train({photo("obama.jpg")}, "Obama");
    const auto seen = read(recognize(photo("obama2.jpg")).result);
    const job_record found = question(job_type::detect, {photo("obama2.jpg")});
    ASSERT_EQ(found.state, job_state::succeeded) << found.error;
    const auto told = read(found.result);
    for (const char* member : {"box", "landmarks", "quality", "detection_score"}) {
        EXPECT_EQ(told.at("faces").at(0).at(member), seen.at("faces").at(0).at(member)) << member;
    }
    EXPECT_EQ(told.at("image"), seen.at("image"));
    EXPECT_EQ(told.at("timing_ms").at("embed"), 0);
    EXPECT_THAT(found.result, Not(HasSubstr("Obama")));
    EXPECT_THAT(found.result, Not(HasSubstr("embedding")));
    EXPECT_EQ(found.version, 0u);
}

TEST_F(asking, an_embed_has_the_vectors_and_their_model) {
    const auto seen = read(recognize(photo("obama2.jpg"), R"({"embeddings":true})").result);
    const auto told = read(question(job_type::embed, {photo("obama2.jpg")}).result);
    EXPECT_EQ(told.at("models").at("embedding"), "dlib_resnet_v1/plain");
    EXPECT_EQ(told.at("dimension"), 128);
    EXPECT_EQ(told.at("faces").at(0).at("embedding"), seen.at("faces").at(0).at("embedding"));
    const auto other = read(
        question(job_type::embed, {photo("obama2.jpg")}, R"({"embedder":"made_up/unit"})").result);
    EXPECT_EQ(other.at("models").at("embedding"), "made_up/unit");
    EXPECT_EQ(other.at("dimension"), 256);
    EXPECT_EQ(other.at("faces").at(0).at("embedding").as_array().size(), 256u);
}

TEST_F(asking, two_photos_of_one_person_are_the_same_and_others_not) {
    const job_record same = question(job_type::verify, {photo("obama.jpg"), photo("obama2.jpg")});
    ASSERT_EQ(same.state, job_state::succeeded) << same.error;
    const auto told = read(same.result);
    EXPECT_EQ(told.at("same"), true) << same.result;
    EXPECT_LT(told.at("distance").to_number<double>(), told.at("distance_max").to_number<double>());
    EXPECT_GT(told.at("similarity").to_number<double>(), 0.5);
    EXPECT_EQ(told.at("photos").as_array().size(), 2u);
    EXPECT_EQ(told.at("photos").at(1).at("faces").as_array().size(), 1u);
    EXPECT_EQ(told.at("compared"), json::parse(R"({"face":0,"other_face":0})"));
    const auto other =
        read(question(job_type::verify, {photo("obama.jpg"), photo("biden.jpg")}).result);
    EXPECT_EQ(other.at("same"), false);
}

TEST_F(asking, a_photo_without_a_face_is_named) {
    const job_record none = question(job_type::verify, {photo("obama.jpg"), empty_room()});
    EXPECT_EQ(none.state, job_state::failed);
    EXPECT_THAT(none.error, HasSubstr("no_face"));
    EXPECT_THAT(none.error, HasSubstr("Photo 2: "));
    const auto nobody = read(question(job_type::detect, {empty_room()}).result);
    EXPECT_TRUE(nobody.at("faces").as_array().empty());
}

TEST_F(asking, a_person_who_was_cleared_is_never_the_same) {
    const job_record trained = train({photo("obama.jpg")}, "Obama");
    const auto verify = [&] {
        return read(
            question(job_type::verify, {photo("obama2.jpg")}, "{}", "Obama", "people").result);
    };
    const auto before = verify();
    EXPECT_EQ(before.at("same"), true);
    EXPECT_EQ(before.at("person"), json::parse(R"({"label":"Obama","faces":1})"));
    EXPECT_EQ(before.at("compared").at("face_id").as_string(), trained.id + "-0");
    EXPECT_EQ(before.at("gallery").at("version"), trained.version);
    world.change(job_type::clear);  // the pipeline was told nothing
    const auto after = verify();
    EXPECT_EQ(after.at("same"), false);
    EXPECT_TRUE(after.at("distance").is_null());
    EXPECT_TRUE(after.at("compared").is_null());
    EXPECT_EQ(after.at("person").at("faces"), 0);
}

TEST_F(asking, frames_are_answered_alike) {
    const auto seen = frame("detect", photo("obama2.jpg"));
    EXPECT_EQ(seen.error, "") << seen.detail;
    EXPECT_EQ(seen.type, "detect");
    EXPECT_EQ(read(seen.result).at("faces").as_array().size(), 1u);
    const auto vectors = read(frame("embed", photo("obama2.jpg")).result);
    EXPECT_EQ(vectors.at("faces").at(0).at("embedding").as_array().size(), 128u);
    const std::string first = photo("obama.jpg");
    const std::string cut = R"({"first_bytes":)" + std::to_string(first.size()) + "}";
    const auto pair = frame("verify", first + photo("obama2.jpg"), cut);
    EXPECT_THAT(pair.result, HasSubstr(R"({"same":true)")) << pair.detail;
    train({first}, "Obama");
    const auto person = frame("verify", photo("obama2.jpg"), R"({"label":"Obama"})", "people");
    EXPECT_THAT(person.result, HasSubstr(R"({"same":true)")) << person.detail;
    EXPECT_EQ(person.version, world.version());
    const auto nobody = frame("embed", empty_room());
    EXPECT_EQ(read(nobody.result).at("dimension"), 128);
}

TEST_F(asking, frames_that_cannot_be_understood_are_refused) {
    EXPECT_EQ(frame("train", photo("obama.jpg")).error, "bad_option");
    EXPECT_EQ(frame("sing", photo("obama.jpg")).error, "bad_option");
    EXPECT_EQ(frame("verify", "abc", R"({"first_bytes":3})").error, "bad_option");
    EXPECT_EQ(frame("vectors", "abc", R"({"vectors":1})", "people").error, "malformed");
}

/// The only face of a photo, as the bytes that come with a job.
std::string packed(const json::object& embedded) {
    embedding vector(128);
    for (std::size_t i = 0; i < 128; ++i) {
        const auto& value = embedded.at("faces").at(0).at("embedding").at(i);
        vector[i] = static_cast<float>(value.to_number<double>());
    }
    return bytes_of(vector);
}

TEST_F(asking, given_vectors_are_taught_and_recognized_as_photos_are) {
    const auto first = packed(read(question(job_type::embed, {photo("obama.jpg")}).result));
    const auto second = packed(read(question(job_type::embed, {photo("obama2.jpg")}).result));
    const auto other = packed(read(question(job_type::embed, {photo("biden.jpg")}).result));
    const job_record taught =
        train({first + other}, "Obama", R"({"vectors":2,"model":"dlib_resnet_v1/plain"})");
    ASSERT_EQ(taught.state, job_state::succeeded) << taught.error;
    EXPECT_THAT(taught.result, HasSubstr(taught.id + "-1"));
    const job_record again =
        train({first}, "Obama", R"({"vectors":1,"model":"dlib_resnet_v1/plain"})");
    EXPECT_THAT(again.result, HasSubstr("taught_before"));
    const auto stored = recognize(second + second, R"({"vectors":2})");
    ASSERT_EQ(stored.state, job_state::succeeded) << stored.error;
    const auto known = read(stored.result);
    EXPECT_EQ(known.at("faces").as_array().size(), 2u);
    EXPECT_EQ(known.at("faces").at(1).at("label"), "Obama");
    EXPECT_FALSE(known.at("faces").at(1).as_object().contains("box"));
    EXPECT_FALSE(known.contains("image"));
    EXPECT_EQ(known.at("models"), json::parse(R"({"embedding":"dlib_resnet_v1/plain"})"));
    const auto direct = frame("vectors", second, R"({"vectors":1})", "people");
    EXPECT_THAT(direct.result, HasSubstr(R"("label":"Obama")")) << direct.detail;
    EXPECT_THAT(recognize(photo("obama2.jpg")).result, HasSubstr(R"("status":"known")"));
}

TEST_F(asking, vectors_of_another_model_change_nothing) {
    train({photo("obama.jpg")}, "Obama");
    const gallery_version before = world.version();
    const std::string narrow(128 * 4, '\1'), wide(256 * 4, '\1');
    for (const auto& [model, bytes] :
         {std::pair("made_up/unit", wide), std::pair("dlib_resnet_v1/plain", wide),
          std::pair("dlib_resnet_v1/unit", narrow)}) {
        const std::string options = R"({"vectors":1,"model":")" + std::string(model) + "\"}";
        for (const job_record& refused :
             {train({bytes}, "Biden", options), recognize(bytes, options)}) {
            EXPECT_EQ(refused.state, job_state::failed) << options;
            EXPECT_THAT(refused.error, HasSubstr("model_mismatch")) << options;
        }
    }
    EXPECT_EQ(world.version(), before);
}

TEST_F(asking, the_nearest_people_are_listed_however_far) {
    train({photo("obama.jpg")}, "Obama");
    train({photo("biden.jpg")}, "Biden");
    const auto votes = read(recognize(photo("obama2.jpg")).result);
    EXPECT_EQ(votes.at("faces").at(0).at("candidates").as_array().size(), 1u);
    const auto top = read(recognize(photo("obama2.jpg"), R"({"top":5})").result);
    EXPECT_EQ(top.at("faces").at(0).at("candidates").as_array().size(), 2u);
    EXPECT_EQ(top.at("faces").at(0).at("candidates").at(1).at("label"), "Biden");
    EXPECT_EQ(top.at("faces").at(0).at("label"), "Obama");
}

}  // namespace
}  // namespace vultus::testing
