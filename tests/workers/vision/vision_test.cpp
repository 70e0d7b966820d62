// From photo to name with the real models, against dlib called directly.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "tests/workers/engine/dlib_direct_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/models.hpp"
#include "workers/gallery/gallery.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"
#include "workers/vision/aligner.hpp"
#include "workers/vision/image_draw.hpp"
#include "workers/vision/turned_face.hpp"

namespace vultus {
namespace {

using namespace testing;

const std::vector<std::string> photos{"biden.jpg",
                                      "obama.jpg",
                                      "obama2.jpg",
                                      "obama3.jpg",
                                      "obama_partial_face.jpg",
                                      "obama_partial_face2.jpg",
                                      "32bit.png"};

image photo(const std::string& name) {
    auto decoded = decode_image(sample(name));
    if (!decoded) throw std::runtime_error(name + ": " + decoded.error().detail);
    return std::move(decoded->picture);
}

/// The chain, loaded once: loading takes longer than most tests.
struct chain {
    model_paths paths;
    std::unique_ptr<detector> hog = make_hog_detector();
    std::unique_ptr<detector> cnn;
    std::unique_ptr<aligner> align;
    std::unique_ptr<embedder> net;
};

chain& loaded() {
    static chain all = [] {
        use_one_blas_thread();
        const auto paths = find_models(models_folder());
        if (!paths) throw std::runtime_error(paths.error().detail);
        chain made;
        made.paths = *paths;
        made.cnn = load_cnn_detector(paths->detector).value();
        made.align = std::make_unique<aligner>(aligner::load(paths->landmarks).value());
        made.net = load_reference_embedder(paths->embedder).value();
        return made;
    }();
    return all;
}

struct described {
    box where;
    chip face;
    embedding vector;
};

std::vector<described> faces_of(const image& picture, const detector_options& options = {}) {
    std::vector<described> all;
    std::vector<chip> chips;
    for (const auto& found : loaded().hog->detect(picture, options).faces) {
        all.push_back({found.where, loaded().align->align(picture, found.where).face, {}});
        chips.push_back(all.back().face);
    }
    if (chips.empty()) return all;
    const auto vectors = loaded().net->embed(chips);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].vector = vectors[i];
    return all;
}

void expect_near(const box& a, const box& b, int px) {
    EXPECT_LE(std::abs(a.left - b.left), px);
    EXPECT_LE(std::abs(a.top - b.top), px);
    EXPECT_LE(std::abs(a.right - b.right), px);
    EXPECT_LE(std::abs(a.bottom - b.bottom), px);
}

/// Ours on the photo against dlib's on the same resized picture, its boxes brought back.
void compare_boxes(detector& ours, const std::string& name, const detector_options& options,
                   const std::function<std::vector<detected_face>(const image&)>& direct) {
    const image picture = photo(name);
    const picture_size size = detection_size(picture.width, picture.height, options);
    auto expected = direct(resized(picture, size.width, size.height));
    const auto found = ours.detect(picture, options);
    ASSERT_EQ(found.faces.size(), expected.size()) << name;
    std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
        return a.where.width() * a.where.height() > b.where.width() * b.where.height();
    });
    const double back = static_cast<double>(picture.width) / size.width;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto moved = [&](std::int32_t edge, int far_edge) {
            return static_cast<std::int32_t>(std::lround((edge + far_edge) * back)) - far_edge;
        };
        const box& e = expected[i].where;
        expect_near(found.faces[i].where,
                    {moved(e.left, 0), moved(e.top, 0), moved(e.right, 1), moved(e.bottom, 1)}, 1);
        EXPECT_NEAR(found.faces[i].score, expected[i].score, 1e-4) << name;
    }
}

TEST(vision, hog_boxes_are_dlibs) {
    for (const std::string& name : photos) {
        for (const int min_face_px : {40, 80, 100}) {
            compare_boxes(*loaded().hog, name, {min_face_px, 2'000}, dlib_hog);
        }
    }
}

TEST(vision, cnn_boxes_are_dlibs) {
    for (const std::string name : {"biden.jpg", "obama2.jpg"}) {
        compare_boxes(*loaded().cnn, name, {160, 2'000}, [](const image& picture) {
            return dlib_cnn(picture, loaded().paths.detector);
        });
    }
}

TEST(vision, embeddings_are_dlibs) {
    for (const std::string& name : photos) {
        const image picture = photo(name);
        const auto ours = faces_of(picture);
        ASSERT_GE(ours.size(), 1u) << name;
        std::vector<box> boxes;
        for (const auto& one : ours) boxes.push_back(one.where);
        const auto direct =
            dlib_embeddings(picture, boxes, loaded().paths.landmarks, loaded().paths.embedder);
        for (std::size_t i = 0; i < ours.size(); ++i) {
            for (std::size_t j = 0; j < direct[i].size(); ++j) {
                ASSERT_NEAR(ours[i].vector[j], direct[i][j], 1e-4) << name;
            }
        }
    }
}

TEST(vision, names_of_the_sample_photos) {
    gallery_builder builder;
    builder.add("biden-0", "biden", faces_of(photo("biden.jpg")).at(0).vector);
    const auto name = [&](const std::string& file) {
        const auto vector = faces_of(photo(file)).at(0).vector;
        const match found = match_faces(*builder.publish(), std::span(&vector, 1), {})[0];
        return found.status == match_status::known ? found.label
                                                   : std::string(name_of(found.status));
    };
    EXPECT_EQ(name("obama2.jpg"), "unknown");
    builder.add("obama-0", "obama", faces_of(photo("obama.jpg")).at(0).vector);
    EXPECT_EQ(name("biden.jpg"), "biden");
    for (const std::string file : {"obama2.jpg", "obama3.jpg", "obama_partial_face.jpg",
                                   "obama_partial_face2.jpg", "32bit.png"}) {
        EXPECT_EQ(name(file), "obama") << file;
    }
}

TEST(vision, alone_and_in_company_the_same) {
    std::vector<chip> chips;
    for (const std::string name : {"biden.jpg", "obama.jpg", "obama3.jpg"}) {
        chips.push_back(faces_of(photo(name)).at(0).face);
    }
    const auto together = loaded().net->embed(chips);
    const auto copy = loaded().net->clone();
    for (std::size_t i = 0; i < chips.size(); ++i) {
        const auto alone = copy->embed(std::span(&chips[i], 1));
        EXPECT_LT(distance_between(alone[0], together[i]), 1e-5);
    }
    EXPECT_EQ(loaded().net->name(), "dlib_resnet_v1/plain");
}

TEST(vision, jitter_is_the_same_each_time_and_near) {
    const chip face = faces_of(photo("obama.jpg")).at(0).face;
    EXPECT_EQ(jittered(face, 1).at(0).rgb, face.rgb);
    const auto first = jittered(face, 10), again = jittered(face, 10);
    ASSERT_EQ(first.size(), 10u);
    std::set<std::vector<std::uint8_t>> distinct;
    for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_EQ(first[i].rgb, again[i].rgb);
        distinct.insert(first[i].rgb);
    }
    EXPECT_EQ(distinct.size(), 10u);
    const auto plain = loaded().net->embed(std::span(&face, 1))[0];
    EXPECT_LT(distance_between(mean(loaded().net->embed(first)), plain), 0.3f);
}

TEST(vision, jitter_keeps_the_side_of_a_chip) {
    for (const std::uint32_t side : {112u, 128u}) {
        chip face{std::vector<std::uint8_t>(chip::bytes_of(side), 90), side};
        std::fill_n(face.rgb.begin(), face.rgb.size() / 2, std::uint8_t{200});
        const auto copies = jittered(face, 3);
        ASSERT_EQ(copies.size(), 3u);
        for (const chip& one : copies) {
            EXPECT_TRUE(one.has_side(side));
            EXPECT_NE(one.rgb, face.rgb);
            EXPECT_NEAR(one.rgb[chip::bytes_of(side) / 2 - side * 40 * 3], 200, 30);
        }
    }
}

TEST(vision, a_turned_photo_gives_the_same_face) {
    const image upright = photo("obama2.jpg");
    // Stored turned by 90 degrees to the left; orientation 6 says: turn it right.
    const auto file = encode_jpeg(turned_upright(upright.copy(), 8), 95);
    const auto decoded = decode_image(with_orientation(*file, 6));
    ASSERT_TRUE(decoded);
    ASSERT_EQ(decoded->picture.width, upright.width);
    const auto there = faces_of(upright), here = faces_of(decoded->picture);
    ASSERT_EQ(here.size(), there.size());
    expect_near(here[0].where, there[0].where, 4);
    EXPECT_LT(distance_between(here[0].vector, there[0].vector), 0.15f);
}

TEST(vision, a_large_photo_from_afar_has_the_same_faces) {
    const image small = photo("obama2.jpg");
    const auto file = encode_jpeg(resized(small, 4 * small.width, 4 * small.height), 90);
    const detector_options wanted{200, 1'000};
    const auto whole = decode_image(*file);
    const picture_size size = detection_size(whole->width, whole->height, wanted);
    const auto afar =
        decode_reduced(*file, *inspect_image(*file), std::max(size.width, size.height));
    ASSERT_LT(afar->picture.width, whole->picture.width);
    const auto there = loaded().hog->detect(whole->picture, wanted).faces;
    const auto here =
        loaded().hog->detect(afar->picture, {afar->width, afar->height}, wanted).faces;
    ASSERT_EQ(here.size(), there.size());
    ASSERT_EQ(here.size(), 1u);
    expect_near(here[0].where, there[0].where, 12);  // 3 pixels of what the detector sees
}

TEST(vision, tiny_and_empty_pictures_have_no_face) {
    for (const auto& [width, height] : {std::pair{1u, 1u},
                                        {1u, 300u},
                                        {7u, 5u},
                                        {20u, 20u},
                                        {20u, 900u},
                                        {79u, 79u},
                                        {640u, 2u},
                                        {640u, 39u}}) {
        const image picture = quarters(width, height);
        EXPECT_TRUE(loaded().hog->detect(picture, {}).faces.empty()) << width;
        EXPECT_TRUE(loaded().cnn->detect(picture, {}).faces.empty()) << width;
        EXPECT_TRUE(loaded().hog->detect(picture, {2'000, 80}).faces.empty()) << width;
        EXPECT_TRUE(loaded().cnn->detect(picture, {2'000, 80}).faces.empty()) << width;
    }
}

TEST(vision, a_box_outside_the_photo_can_be_aligned) {
    const image picture = photo("obama2.jpg");
    for (const box& where : {box{-200, -200, 50, 50}, box{600, 1'150, 900, 1'450}, box{0, 0, 0, 0},
                             box{5'000, 5'000, 5'100, 5'100}}) {
        EXPECT_EQ(loaded().align->align(picture, where).face.rgb.size(), chip::bytes);
    }
}

/// A face of a photo as if the photo had been turned so that so many quarters bring it back.
detected_face lying(const detected_face& upright, const image& photo, int quarters) {
    detected_face face = upright;
    face.quarters = quarters;
    face.where =
        box_of(turned(rectangle_of(upright.where), photo.width, photo.height, (4 - quarters) % 4));
    return face;
}

TEST(vision, a_face_that_lies_on_its_side_is_aligned_upright) {
    const image upright = photo("obama2.jpg");
    const detected_face face = loaded().hog->detect(upright, {}).faces.at(0);
    const aligned_face expected = align_face(*loaded().align, upright, face, {});
    EXPECT_EQ(expected.face.rgb, loaded().align->align(upright, face.where).face.rgb);
    const auto vector = loaded().net->embed(std::span(&expected.face, 1))[0];
    for (int quarters = 1; quarters <= 3; ++quarters) {
        const image on_its_side = turned(upright.copy(), 4 - quarters);
        const aligned_face aligned =
            align_face(*loaded().align, on_its_side, lying(face, upright, quarters), {});
        const auto same = loaded().net->embed(std::span(&aligned.face, 1))[0];
        EXPECT_LT(distance_between(same, vector), 0.05f) << quarters;
        for (std::size_t k = 0; k < aligned.points.size(); ++k) {
            const point there =
                turned(expected.points[k], upright.width - 1, upright.height - 1, 4 - quarters);
            EXPECT_NEAR(aligned.points[k].x, there.x, 2) << quarters;
            EXPECT_NEAR(aligned.points[k].y, there.y, 2) << quarters;
        }
    }
}

TEST(vision, a_lying_face_at_the_edge_can_be_aligned) {
    const image picture = photo("obama2.jpg");
    for (const box& where : {box{-80, -80, 50, 50}, box{600, 1'150, 900, 1'450}, box{0, 0, 0, 0},
                             box{5'000, 5'000, 5'100, 5'100}}) {
        for (int quarters = 1; quarters <= 3; ++quarters) {
            const detected_face face{where, 1, {}, quarters};
            EXPECT_EQ(align_face(*loaded().align, picture, face, {}).face.rgb.size(), chip::bytes);
        }
    }
}

TEST(vision, a_predictor_has_its_own_square_on_a_face) {
    const rectangle where{10, 20, 110, 245};  // 100 x 225: the root of its area is 150
    const rectangle square = predictor_fit{0.8, 0.1, -0.2}(where);
    EXPECT_NEAR(square.width(), 120, 1e-9);
    EXPECT_NEAR(square.height(), 120, 1e-9);
    EXPECT_NEAR(square.left, 60 + 15 - 60, 1e-9);
    EXPECT_NEAR(square.top, 132.5 - 30 - 60, 1e-9);
    EXPECT_EQ(predictor_fit{}(where), where);
}

TEST(vision, a_large_photo_tells_that_small_faces_were_not_searched_for) {
    const auto scale = [](std::uint32_t width, std::uint32_t height, int min_face_px) {
        return loaded().hog->scale_for({width, height}, {min_face_px, 2'000});
    };
    EXPECT_EQ(scale(1'000, 700, 40), (detection_scale{{2'000, 1'400}, 40, false}));
    EXPECT_EQ(scale(1'001, 700, 40), (detection_scale{{2'000, 1'399}, 41, true}));
    EXPECT_EQ(scale(4'032, 3'024, 40), (detection_scale{{2'000, 1'500}, 162, true}));
    EXPECT_EQ(scale(4'032, 3'024, 200), (detection_scale{{1'613, 1'210}, 200, false}));
    const auto found = loaded().hog->detect(photo("obama2.jpg"), {40, 1'000});
    EXPECT_TRUE(found.limited);
    EXPECT_GT(found.min_face_px, 80);
}

TEST(vision, the_one_resize) {
    EXPECT_EQ(detection_size(640, 480, {80, 2'000}), (picture_size{640, 480}));
    EXPECT_EQ(detection_size(640, 480, {40, 2'000}), (picture_size{1'280, 960}));
    EXPECT_EQ(detection_size(640, 480, {160, 2'000}), (picture_size{320, 240}));
    EXPECT_EQ(detection_size(4'000, 3'000, {40, 2'000}), (picture_size{2'000, 1'500}));
    EXPECT_EQ(detection_size(3'000, 4'000, {40, 2'000}), (picture_size{1'500, 2'000}));
    EXPECT_EQ(detection_size(1, 65'500, {40, 2'000}), (picture_size{1, 2'000}));
}

TEST(vision, more_faces_than_the_limit) {
    const image face = resized(photo("obama2.jpg"), 157, 300);
    image crowd(157 * 13, 300 * 8);
    for (std::uint32_t y = 0; y < crowd.height; ++y) {
        for (std::uint32_t column = 0; column < 13; ++column) {
            std::copy_n(face.row(y % 300), 157 * 3, crowd.row(y) + std::size_t{column} * 157 * 3);
        }
    }
    const auto found = loaded().hog->detect(crowd, {40, 5'000});
    EXPECT_EQ(found.faces.size(), limits::faces_per_image);
    EXPECT_TRUE(found.truncated);
    EXPECT_GE(found.faces.front().where.width(), found.faces.back().where.width());
}

TEST(vision, wrong_model_files_are_refused) {
    EXPECT_EQ(load_cnn_detector(loaded().paths.embedder).error().code, errc::malformed);
    EXPECT_EQ(load_reference_embedder(loaded().paths.detector).error().code, errc::malformed);
    EXPECT_EQ(aligner::load(loaded().paths.detector).error().code, errc::malformed);
    EXPECT_EQ(aligner::load("/nowhere").error().code, errc::malformed);
}

TEST(vision, annotated_pictures_fit) {
    image large(5'000, 4'000);
    std::uint32_t noise = 1;  // noise compresses badly
    for (auto& value : large.rgb) {
        noise = noise * 1664525u + 1013904223u;
        value = static_cast<std::uint8_t>(noise >> 24);
    }
    const std::vector<annotation> notes{
        {{-50, -50, 300, 300}, "J\xC3\xBCrgen \xF0\x9F\x98\x80", annotation::colour::green},
        {{4'900, 3'900, 6'000, 6'000}, std::string(200, 'x'), annotation::colour::amber},
        {{10, 10, 11, 11}, "", annotation::colour::grey}};
    const auto file = annotated_jpeg(std::move(large), notes);
    ASSERT_TRUE(file);
    EXPECT_LE(file->size(), limits::annotated_bytes);
    EXPECT_TRUE(decode_image(*file));
    const auto small = annotated_jpeg(
        image(400, 300),
        std::vector<annotation>{{{100, 100, 200, 200}, "ann", annotation::colour::green}});
    const auto back = decode_image(*small);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->picture.width, 400u);
    EXPECT_GT(back->picture.row(150)[100 * 3 + 1], 100);  // the box's left edge is green
    EXPECT_LT(back->picture.row(150)[150 * 3 + 1], 30);   // its inside is as it was
}

}  // namespace
}  // namespace vultus
