// Answers of a service to vultus-lfw. tests/e2e/clients/test_lfw.py uses a real service.
#include "clients/lfw/service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vultus::lfw {
namespace {

std::string numbers(float first) {
    std::string text = "[" + std::to_string(first);
    for (int i = 1; i < 128; ++i) text += ",0";
    return text + "]";
}

std::string face_at(int left, float first) {
    return R"({"box":{"left":)" + std::to_string(left) + R"(,"top":40,"right":)" +
           std::to_string(left + 19) + R"(,"bottom":59},"embedding":)" + numbers(first) + "}";
}

std::string answer(const std::string& faces, const std::string& model = "net/mirror_unit") {
    return R"({"image":{"width":100,"height":100},"models":{"detector":"hog","embedding":")" +
           model + R"("},"faces":[)" + faces + "]}";
}

TEST(service, an_answer_gives_the_face_nearest_the_middle) {
    const auto found =
        read_answer(answer(face_at(0, 1) + "," + face_at(40, 2) + "," + face_at(80, 3)));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->embedder, "net/mirror_unit");
    EXPECT_EQ(found->detector, "hog");
    ASSERT_TRUE(found->face);
    EXPECT_EQ((*found->face)[0], 2.0F);
    const auto nobody = read_answer(answer("", "net/plain"));
    ASSERT_TRUE(nobody);
    EXPECT_FALSE(nobody->face);
    EXPECT_EQ(nobody->embedder, "net/plain");
}

TEST(service, an_answer_that_lacks_something_is_malformed) {
    const std::string good = answer(face_at(0, 1));
    std::string flood = good.substr(0, good.size() - 1);
    for (int i = 0; i < 100; ++i) flood += ",\"m" + std::to_string(i) + "\":1";
    ASSERT_TRUE(read_answer(good));
    for (const std::string& bad :
         {std::string("half"), std::string("[]"), good.substr(0, good.size() - 1),
          answer(face_at(0, 1), "net with spaces"), answer(face_at(0, 1), ""),
          answer(R"({"box":{"left":1,"top":1,"right":2,"bottom":2}})"),
          answer(R"({"box":{"left":1,"top":1,"right":2,"bottom":2},"embedding":[1,2]})"),
          std::string(R"({"faces":[]})"), flood + "}"}) {
        const auto found = read_answer(bad);
        ASSERT_FALSE(found) << bad;
        EXPECT_EQ(found.error().code, errc::malformed);
    }
}

}  // namespace
}  // namespace vultus::lfw
