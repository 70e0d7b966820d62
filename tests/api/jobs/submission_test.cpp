// What a submission makes of a body: photos are views of it, and count as long as they are held.
#include "api/jobs/submission.hpp"

#include <gtest/gtest.h>

#include "tests/api/http/server_support.hpp"

namespace vultus::api {
namespace {

using testing::png;

request with_body(const std::string& type, const std::string& body) {
    request req;
    req.fields = {{"Content-Type", type}};
    req.room = std::make_shared<char>();
    const auto kept =
        std::make_shared<const std::pair<std::string, std::shared_ptr<const void>>>(body, req.room);
    req.body = {kept, kept->first};
    return req;
}

std::string form_of(const std::string& photo) {
    return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n" +
           photo + "\r\n--b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n3\r\n--b--\r\n";
}

TEST(submission, a_photo_is_a_view_of_its_body) {
    const std::string photo = png();
    for (const auto& [type, text] :
         {std::pair(std::string("image/png"), photo),
          std::pair(std::string("multipart/form-data; boundary=b"), form_of(photo))}) {
        request req = with_body(type, text);
        const std::string_view body = req.body;
        const auto read = read_submission(job_type::recognize, req);
        ASSERT_TRUE(read) << type << ": " << read.error().detail;
        ASSERT_EQ(read->images.size(), 1u);
        EXPECT_EQ(read->images[0].view(), photo);
        EXPECT_GE(read->images[0].data(), body.data()) << type;
        EXPECT_LE(read->images[0].data() + photo.size(), body.data() + body.size()) << type;
    }
}

TEST(submission, a_photo_counts_while_it_is_held) {
    const std::string photo = png();
    // Base64 of a photo whose size is a multiple of three.
    const std::string padded = photo + std::string((3 - photo.size() % 3) % 3, '\0');
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string base64;
    for (std::size_t i = 0; i < padded.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return static_cast<unsigned>(static_cast<unsigned char>(padded[i + at]));
        };
        const unsigned bits = byte(0) << 16U | byte(1) << 8U | byte(2);
        for (const unsigned shift : {18U, 12U, 6U, 0U}) base64 += digits[bits >> shift & 63U];
    }
    const std::string data_part =
        "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ndata:image/png;base64," +
        base64 + "\r\n--b--";
    for (const auto& [type, text] :
         {std::pair(std::string("image/png"), photo),
          std::pair(std::string("multipart/form-data; boundary=b"), form_of(photo)),
          std::pair(std::string("multipart/form-data; boundary=b"), data_part),
          std::pair(std::string("application/json"), "{\"image\":\"" + base64 + "\"}")}) {
        request req = with_body(type, text);
        const std::weak_ptr<const void> room = req.room;
        auto read = read_submission(job_type::recognize, req);
        ASSERT_TRUE(read) << type << ": " << read.error().detail;
        EXPECT_TRUE(req.body.empty());
        req = {};
        EXPECT_FALSE(room.expired()) << type << ": the photo is held";
        read->images.clear();
        EXPECT_TRUE(room.expired()) << type;
    }
}

TEST(submission, urls_stand_for_photos) {
    const auto read = [](job_type type, const std::string& media, const std::string& body,
                         name_values query = {}) {
        request req = with_body(media, body);
        req.query = std::move(query);
        return read_submission(type, req);
    };
    using urls = std::vector<std::string>;
    const std::string json = "application/json", form = "multipart/form-data; boundary=b";
    EXPECT_EQ(read(job_type::recognize, json, R"({"url":"http://a/"})")->urls, urls{"http://a/"});
    EXPECT_EQ(read(job_type::recognize, "", "", {{"url", "http://a/"}})->urls, urls{"http://a/"});
    const auto field = [](const std::string& name, const std::string& value) {
        return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value +
               "\r\n";
    };
    const auto train = read(job_type::train, form,
                            field("url", "http://a/") + field("urls", "http://b/ http://c/") +
                                field("url", "http://d/") + field("name", "Ada") + "--b--");
    ASSERT_TRUE(train) << train.error().detail;
    EXPECT_EQ(train->urls, (urls{"http://a/", "http://d/", "http://b/", "http://c/"}));
    const std::string photo =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\""
        "\r\n\r\nno photo\r\n--b--";
    EXPECT_EQ(read(job_type::train, form, field("url", "http://a/") + field("name", "a") + photo)
                  ->images.size(),
              1u)
        << "the photos are looked at once all are there";
    const auto two = read(job_type::recognize, form, field("url", "http://a/") + photo);
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().detail, "recognize takes one photo, not 2");
    std::string many;
    for (int i = 0; i < 17; ++i) many += "http://a/ ";
    EXPECT_EQ(read(job_type::train, json, R"({"name":"a","urls":")" + many + R"("})").error().code,
              errc::too_large);
    for (const std::string none : {R"({"url":""})", R"({"urls":" "})"}) {
        EXPECT_FALSE(read(job_type::recognize, json, none)) << none;
    }
    EXPECT_FALSE(read(job_type::recognize, json, R"({"url":"http://a/"})", {{"url", "http://b/"}}))
        << "in both";
}

TEST(submission, a_repetition_by_url_is_the_same_whatever_it_gives) {
    submitted one, other;
    one.urls = other.urls = {"http://a/door.jpg"};
    EXPECT_EQ(fingerprint_of(one), fingerprint_of(other));
    other.urls = {"http://a/door.jpg?2"};
    EXPECT_NE(fingerprint_of(one), fingerprint_of(other));
    submitted photo;
    photo.images.emplace_back("http://a/door.jpg");
    EXPECT_NE(fingerprint_of(one), fingerprint_of(photo));
}

}  // namespace
}  // namespace vultus::api
