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

}  // namespace
}  // namespace vultus::api
