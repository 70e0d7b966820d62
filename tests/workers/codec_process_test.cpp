// The process that decodes: the same pixels as in here, the same refusals, and what happens when it
// dies.
#include "workers/codec_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include "photo_support.hpp"

namespace vultus {
namespace {

class apart : public ::testing::Test {
 protected:
    void SetUp() override {
        auto found = tried_decoder();
        ASSERT_TRUE(found) << found.error().detail;
        decoder = std::make_unique<codec_process>(*found);
    }
    std::unique_ptr<codec_process> decoder;
};

TEST_F(apart, the_same_pixels_as_in_this_process) {
    for (const char* name : {"obama.jpg", "biden.jpg", "32bit.png"}) {
        const std::string photo = testing::sample(name);
        const auto here = decode_image(photo), there = decode_image(photo, decoder.get());
        ASSERT_TRUE(here && there) << name;
        EXPECT_EQ(there->picture.width, here->picture.width);
        EXPECT_EQ(there->picture.rgb, here->picture.rgb) << name;
    }
    const std::string photo = testing::sample("biden.jpg");
    const auto header = inspect_image(photo).value();
    EXPECT_EQ(decode_reduced(photo, header, 200, decoder.get())->picture.rgb,
              decode_reduced(photo, header, 200)->picture.rgb);
}

TEST_F(apart, the_same_refusals_and_it_lives_on) {
    std::string cut = testing::sample("obama.jpg");
    cut.replace(cut.size() / 2, cut.size() / 2 - 2, cut.size() / 2 - 2, '\0');
    EXPECT_EQ(decode_image(cut, decoder.get()).error(), decode_image(cut).error());
    const int first = decoder->pid();
    EXPECT_GT(first, 0);
    EXPECT_TRUE(decode_image(testing::sample("obama.jpg"), decoder.get()));
    EXPECT_EQ(decoder->pid(), first);
}

TEST_F(apart, one_that_died_costs_one_photo) {
    const std::string photo = testing::sample("obama.jpg");
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    const auto lost = decode_image(photo, decoder.get());
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::undecodable_image);
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    EXPECT_NE(decoder->pid(), first);
}

TEST_F(apart, it_ends_with_its_owner) {
    ASSERT_TRUE(decode_image(testing::sample("obama.jpg"), decoder.get()));
    const int pid = decoder->pid();
    decoder.reset();
    EXPECT_EQ(::kill(pid, 0), -1) << "it was waited for";
}

}  // namespace
}  // namespace vultus
