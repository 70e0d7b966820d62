// Names in any script, and what is too long for its photo.
#include "workers/vision/text_draw.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "workers/image/image.hpp"
#include "workers/vision/image_draw.hpp"

namespace vultus {
namespace {

bool has_ink(const text_picture& drawn) {
    return std::any_of(drawn.cover.begin(), drawn.cover.end(), [](auto c) { return c > 128; });
}

TEST(text_draw, each_script_has_a_font) {
    for (const std::string name :
         {"Ada Lovelace", "Zo\u00EB", "\u0416\u0435\u043D\u044F", "\u0395\u03BB\u03AD\u03BD\u03B7",
          "\u05E9\u05E8\u05D4", "\u0644\u064A\u0644\u0649", "\u5C71\u7530 \u592A\u90CE",
          "\uAE40\uBBFC\uC218", "\u0905\u092E\u0930", "\u0E2A\u0E21\u0E0A\u0E32\u0E22",
          "\u0C30\u0C3E\u0C2E", "\u1014\u103E\u1004\u103A\u1038", "\u0F56\u0F7C\u0F51",
          "\u10DC\u10D8\u10DC\u10DD", "\u0531\u0580\u0561\u0574"}) {
        const text_picture drawn = draw_text(name, 18, 400);
        EXPECT_EQ(drawn.unknown_glyphs, 0) << name;
        EXPECT_TRUE(has_ink(drawn)) << name;
        EXPECT_EQ(drawn.cover.size(), static_cast<std::size_t>(drawn.width * drawn.height));
        EXPECT_LE(drawn.width, 400);
    }
}

TEST(text_draw, letters_differ_and_a_name_is_not_question_marks) {
    EXPECT_NE(draw_text("\u0416\u0435\u043D\u044F", 18, 400).cover,
              draw_text("????", 18, 400).cover);
    EXPECT_NE(draw_text("\u5C71", 18, 400).cover, draw_text("\u592A", 18, 400).cover);
}

TEST(text_draw, what_is_too_long_is_cut) {
    std::string name;
    for (int i = 0; i < 60; ++i) name += "\u00EB";
    const text_picture whole = draw_text(name, 18, 2'000), cut = draw_text(name, 18, 100);
    EXPECT_GT(whole.width, 300);
    EXPECT_LE(cut.width, 100);
    EXPECT_GT(cut.width, 60);
    EXPECT_EQ(draw_text("", 18, 100).cover.size(), 0u);
    EXPECT_LE(draw_text("Ada", 1, 1).width, 1);
}

TEST(text_draw, threads_draw_at_once) {
    const text_picture alone = draw_text("Ada \u5C71", 18, 400);
    std::vector<std::thread> threads;
    std::vector<text_picture> drawn(4);
    for (auto& one : drawn) {
        threads.emplace_back([&one] { one = draw_text("Ada \u5C71", 18, 400); });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& one : drawn) EXPECT_EQ(one.cover, alone.cover);
}

TEST(text_draw, a_name_stands_under_its_box) {
    const auto pixels = [](const std::string& name) {
        image photo(200, 120);
        const std::vector<annotation> notes{{{20, 10, 80, 60}, name, annotation::colour::green}};
        const auto file = annotated_jpeg(std::move(photo), notes);
        EXPECT_TRUE(file);
        auto back = decode_image(*file);
        EXPECT_TRUE(back);
        return std::move(back->picture);
    };
    const image named = pixels("\u0416\u0435\u043D\u044F"), bare = pixels("");
    std::size_t white = 0;
    for (std::uint32_t y = 61; y < 90; ++y) {
        for (std::uint32_t x = 20; x < 120; ++x) {
            const auto at = (std::size_t{y} * named.width + x) * 3;
            white += named.rgb[at] > 200 && named.rgb[at + 1] > 200 && bare.rgb[at + 1] < 100;
        }
    }
    EXPECT_GT(white, 30u);
    for (const char* small : {"Ada"}) {  // photos with no room for text, and of one pixel
        for (const std::uint32_t side : {1u, 6u, 16u}) {
            const std::vector<annotation> notes{{{0, 0, 0, 0}, small, annotation::colour::grey}};
            EXPECT_TRUE(annotated_jpeg(image(side, side), notes));
        }
    }
}

}  // namespace
}  // namespace vultus
