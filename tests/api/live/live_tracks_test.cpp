// Which faces are tracked, which name is shown, and which faces need no comparison, as tables; and
// a simulation of people who walk past one another with a faulty matcher.
#include "api/live/live_tracks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace vultus::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr boot_time start{100'000};
constexpr gallery_version v1 = 10, v2 = 11;

/// An embedding of length 1 that points one person's way, turned a little.
std::vector<float> face_of(int person, double turned = 0) {
    std::vector<float> vector(128, 0.0F);
    vector[static_cast<std::size_t>(person)] = static_cast<float>(std::cos(turned));
    vector[static_cast<std::size_t>(person) + 64] = static_cast<float>(std::sin(turned));
    return vector;
}

face_box at(std::int64_t left, std::int64_t top = 100, std::int64_t side = 100) {
    return {left, top, left + side - 1, top + side - 1};
}

seen_face seen(face_box where, int person, std::string label, double turned = 0) {
    seen_face face;
    face.where = where;
    face.status = label.empty() ? face_status::unknown : face_status::known;
    face.label = std::move(label);
    face.distance = 0.3;
    face.similarity = 0.89;
    face.embedding = face_of(person, turned);
    return face;
}

seen_face known_at(face_box where, std::size_t index) {
    seen_face face;
    face.where = where;
    face.known = index;
    return face;
}

named_face only(const std::vector<named_face>& faces) {
    EXPECT_EQ(faces.size(), 1u);
    return faces.empty() ? named_face{} : faces.front();
}

/// Tracks with one face that was compared so often, 50 ms apart; the last time at `now`.
struct followed {
    live_tracks tracks;
    boot_time now = start;
    explicit followed(int comparisons, std::string label = "Ada", face_box where = at(100),
                      gallery_version version = v1) {
        for (int i = 0; i < comparisons; ++i) {
            now += std::chrono::milliseconds(50);
            tracks.take(std::vector{seen(where, 1, label)}, {}, version, now);
        }
    }
};

TEST(live_tracks, a_face_keeps_its_number_while_it_moves_and_another_gets_its_own) {
    live_tracks tracks;
    for (int step = 0; step < 20; ++step) {
        const std::vector faces{seen(at(100 + 20 * step), 1, "Ada"), seen(at(600, 300), 2, "")};
        const auto told = tracks.take(faces, {}, v1, start + std::chrono::milliseconds(66 * step));
        ASSERT_EQ(told.size(), 2u);
        EXPECT_EQ(told[0].track, 1u);
        EXPECT_EQ(told[0].label, "Ada");
        EXPECT_EQ(told[0].status, face_status::known);
        EXPECT_TRUE(told[0].embedded);
        EXPECT_EQ(told[1].track, 2u);
        EXPECT_EQ(told[1].status, face_status::unknown);
        EXPECT_EQ(told[1].label, "");
    }
}

TEST(live_tracks, somebody_else_in_the_same_place_is_another_track) {
    followed one(4);
    const auto told = only(one.tracks.take(std::vector{seen(at(100), 2, "Bob")}, {}, v1, one.now));
    EXPECT_EQ(told.track, 2u);
    EXPECT_EQ(told.label, "Bob");
}

/// A face of length 1 at that Euclidean distance from face_of(1).
seen_face apart(double distance, face_box where) {
    return seen(where, 1, "Ada", 2 * std::asin(distance / 2));
}

TEST(live_tracks, the_same_person_is_told_by_shares_of_the_embedders_threshold) {
    for (const double threshold : {0.38, 1.1}) {
        const auto track_of = [&](double thresholds, face_box where) {
            followed one(4);
            return only(one.tracks.take(std::vector{apart(thresholds * threshold, where)}, {}, v1,
                                        one.now, threshold))
                .track;
        };
        EXPECT_EQ(track_of(0.94, at(700, 700)), 1u) << threshold << ": anywhere";
        EXPECT_EQ(track_of(0.96, at(700, 700)), 2u) << threshold;
        // Two strangers' faces are 1.41 apart: there the share ends.
        const double place = std::min(1.26, 1.27 / threshold);
        EXPECT_EQ(track_of(place - 0.01, at(100)), 1u) << threshold << ": in its place";
        EXPECT_EQ(track_of(place + 0.01, at(100)), 2u) << threshold;
    }
    // Without a threshold, that of dlib's network, whatever the length of the embeddings.
    followed one(4);
    seen_face face = apart(0.38 * 0.94, at(700, 700));
    for (float& value : face.embedding) value *= 1.001F;
    EXPECT_EQ(only(one.tracks.take(std::vector{face}, {}, v1, one.now)).track, 1u);
}

TEST(live_tracks, a_face_that_jumps_or_comes_back_within_two_seconds_has_its_track_again) {
    for (const auto& [away, track] :
         {std::pair{live_tracks::kept, 1u}, std::pair{live_tracks::kept + boot_time(1), 2u}}) {
        followed one(4);
        const auto told = only(
            one.tracks.take(std::vector{seen(at(500, 20), 1, "Ada", 0.1)}, {}, v1, one.now + away));
        EXPECT_EQ(told.track, track) << away.count();
    }
}

TEST(live_tracks, one_wrong_name_does_not_change_what_is_shown_and_many_do) {
    followed one(5);
    const auto say = [&](const std::string& label) {
        one.now += std::chrono::milliseconds(50);
        return only(one.tracks.take(std::vector{seen(at(100), 1, label)}, {}, v1, one.now)).label;
    };
    EXPECT_EQ(say("Bob"), "Ada");
    EXPECT_EQ(say(""), "Ada");
    EXPECT_EQ(say("Bob"), "Ada");
    std::string shown;
    for (int i = 0; i < 12; ++i) shown = say("Bob");
    EXPECT_EQ(shown, "Bob");
}

TEST(live_tracks, large_faces_count_more) {
    live_tracks tracks;
    tracks.take(std::vector{seen(at(100, 100, 80), 1, "Bob")}, {}, v1, start);
    tracks.take(std::vector{seen(at(100, 100, 80), 1, "Bob")}, {}, v1, start);
    const auto near =
        only(tracks.take(std::vector{seen(at(80, 80, 160), 1, "Ada")}, {}, v1, start));
    EXPECT_EQ(near.track, 1u);
    EXPECT_EQ(near.label, "Ada") << "one face of 160 px against two of 80";
}

TEST(live_tracks, only_ambiguous_votes_make_an_ambiguous_name) {
    live_tracks tracks;
    auto unsure = seen(at(100), 1, "Ada");
    unsure.status = face_status::ambiguous;
    EXPECT_EQ(only(tracks.take(std::vector{unsure}, {}, v1, start)).status, face_status::ambiguous);
    const auto sure = only(tracks.take(std::vector{seen(at(100), 1, "Ada")}, {}, v1, start));
    EXPECT_EQ(sure.status, face_status::known);
    EXPECT_EQ(only(tracks.take(std::vector{unsure}, {}, v1, start)).status, face_status::known);
}

TEST(live_tracks, a_face_is_compared_until_its_name_is_trusted_and_then_no_more) {
    EXPECT_THAT(followed(1).tracks.known(start, v1), IsEmpty());
    followed two(2);
    EXPECT_THAT(two.tracks.known(two.now, v1), IsEmpty());
    followed three(3);
    const auto known = three.tracks.known(three.now, v1);
    EXPECT_THAT(known, ElementsAre(known_track{1, at(100)}));
    const auto told =
        only(three.tracks.take(std::vector{known_at(at(110), 0)}, known, v1, three.now));
    EXPECT_EQ(told.track, 1u);
    EXPECT_EQ(told.label, "Ada");
    EXPECT_EQ(told.distance, 0.3);
    EXPECT_EQ(told.similarity, 0.89);
    EXPECT_FALSE(told.embedded);
    EXPECT_THAT(three.tracks.known(three.now, v1), ElementsAre(known_track{1, at(110)}));
}

TEST(live_tracks, what_asks_for_a_new_comparison) {
    const auto is_known_after = [](face_box moved_to, std::chrono::milliseconds later,
                                   gallery_version newest) {
        followed one(8);
        const auto known = one.tracks.known(one.now, v1);
        EXPECT_EQ(known.size(), 1u);
        one.tracks.take(std::vector{known_at(moved_to, 0)}, known, v1, one.now + later);
        return !one.tracks.known(one.now + later, newest).empty();
    };
    constexpr std::chrono::milliseconds soon{100};
    EXPECT_TRUE(is_known_after(at(100), soon, v1));
    EXPECT_TRUE(is_known_after(at(149), soon, v1));
    EXPECT_FALSE(is_known_after(at(151), soon, v1)) << "moved by half its width";
    EXPECT_TRUE(is_known_after(at(100, 100, 118), soon, v1));
    EXPECT_FALSE(is_known_after(at(100, 100, 119), soon, v1)) << "grew";
    EXPECT_FALSE(is_known_after(at(100, 100, 84), soon, v1)) << "shrank";
    EXPECT_TRUE(is_known_after(at(100), live_tracks::old_most - boot_time(1), v1));
    EXPECT_FALSE(is_known_after(at(100), live_tracks::old_most, v1)) << "old";
    EXPECT_TRUE(is_known_after(at(100), live_tracks::news_in - boot_time(1), v2));
    EXPECT_FALSE(is_known_after(at(100), live_tracks::news_in, v2)) << "the gallery is newer";
}

TEST(live_tracks, a_box_that_nobody_was_seen_in_lately_is_not_known) {
    followed one(8);
    EXPECT_EQ(one.tracks.known(one.now + live_tracks::fresh, v1).size(), 1u);
    EXPECT_THAT(one.tracks.known(one.now + live_tracks::fresh + boot_time(1), v1), IsEmpty());
}

TEST(live_tracks, a_stranger_who_was_trained_has_a_name_at_the_first_comparison) {
    followed stranger(20, "");
    const auto told =
        only(stranger.tracks.take(std::vector{seen(at(100), 1, "Eve")}, {}, v2, stranger.now));
    EXPECT_EQ(told.track, 1u);
    EXPECT_EQ(told.label, "Eve");
}

TEST(live_tracks, names_of_a_gallery_that_is_gone_are_forgotten) {
    constexpr gallery_version other = 2'000'000'000;
    for (const watched_gallery& now : {watched_gallery{0, 0}, watched_gallery{other, other},
                                       watched_gallery{other + 5, other}}) {
        followed one(8, "Ada", at(100), 1'000'000'005);
        EXPECT_EQ(one.tracks.known(one.now, 1'000'000'005).size(), 1u);
        EXPECT_THAT(one.tracks.known(one.now, now.version), IsEmpty()) << "compared at once";
        EXPECT_TRUE(one.tracks.forget_outdated(now));
        const auto told =
            only(one.tracks.take(std::vector{seen(at(100), 1, "")}, {}, now.version, one.now));
        EXPECT_EQ(told.track, 1u);
        EXPECT_EQ(told.status, face_status::unknown);
    }
}

TEST(live_tracks, votes_of_two_galleries_are_never_added) {
    followed one(8, "Ada", at(100), 2'000'000'005);
    const auto told = only(one.tracks.take(std::vector{seen(at(100), 1, "")}, {}, 0, one.now));
    EXPECT_EQ(told.label, "");
}

TEST(live_tracks, after_a_removal_names_are_forgotten_and_tracks_stay) {
    followed one(8);
    EXPECT_FALSE(one.tracks.forget_outdated({v1, v1})) << "learned from that very version";
    EXPECT_FALSE(one.tracks.forget_outdated({v2, v1})) << "nobody was removed";
    const auto known = one.tracks.known(one.now, v1);
    EXPECT_TRUE(one.tracks.forget_outdated({v2, v2}));
    EXPECT_FALSE(one.tracks.forget_outdated({v2, v2}));
    EXPECT_THAT(one.tracks.known(one.now, v2), IsEmpty());
    const auto late = only(one.tracks.take(std::vector{known_at(at(100), 0)}, known, v1, one.now));
    EXPECT_EQ(late.track, 1u);
    EXPECT_EQ(late.label, "") << "the answer to a frame from before the removal";
    EXPECT_EQ(late.status, face_status::unknown);
    const auto after = only(one.tracks.take(std::vector{seen(at(100), 1, "")}, {}, v2, one.now));
    EXPECT_EQ(after.track, 1u);
    EXPECT_EQ(after.label, "");
}

TEST(live_tracks, a_known_list_of_something_else_does_no_harm) {
    live_tracks tracks;
    const std::vector lost{known_at(at(100), 3), known_at(at(400), 0)};
    const std::vector gone{known_track{77, at(400)}};
    const auto told = tracks.take(lost, gone, v1, start);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_NE(told[0].track, told[1].track);
    EXPECT_EQ(told[0].status, face_status::unknown);
}

TEST(live_tracks, tracks_are_limited) {
    live_tracks tracks;
    for (int round = 0; round < 50; ++round) {
        std::vector<seen_face> crowd;
        for (int i = 0; i < 100; ++i) {
            seen_face face = seen(at(200 * i, 200 * round), 1, "");
            face.embedding.clear();
            crowd.push_back(face);
        }
        tracks.take(crowd, {}, v1, start + boot_time(round));
        EXPECT_LE(tracks.size(), live_tracks::tracks_max + 100);
    }
}

/// Three people walk back and forth for a minute at 15 frames a second; one comparison in ten gives
/// another name or none. Counts how often a name changes, with tracks and without.
TEST(live_tracks, names_change_a_tenth_as_often_as_without_tracks) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> chance(0, 1);
    const std::vector<std::string> people{"Ada", "Bob", "Cid"};
    live_tracks tracks;
    std::vector<std::string> raw_before(3), before(3);
    int raw_flips = 0, flips = 0, compared = 0, faces = 0;
    for (int step = 0; step < 900; ++step) {
        const boot_time now = start + std::chrono::milliseconds(66 * step);
        const auto known = tracks.known(now, v1);
        std::vector<seen_face> all;
        std::vector<std::string> raw(3);
        for (std::size_t who = 0; who < 3; ++who) {
            const double swing = std::sin(step * 0.03 + static_cast<double>(who) * 2.0);
            const face_box where = at(300 + std::lround(250 * swing), 60 + 120 * std::int64_t(who));
            const double luck = chance(random);
            raw[who] = luck < 0.05 ? "" : luck < 0.1 ? people[(who + 1) % 3] : people[who];
            raw_flips += step > 0 && raw[who] != raw_before[who];
            seen_face face = seen(where, static_cast<int>(who), raw[who], 0.2 * chance(random));
            for (std::size_t k = 0; k < known.size(); ++k) {
                if (overlap(known[k].where, where) > 0.4) face = known_at(where, k);
            }
            compared += !face.known;
            ++faces;
            all.push_back(face);
        }
        const auto told = tracks.take(all, known, v1, now);
        for (std::size_t who = 0; who < 3; ++who) {
            flips += step > 0 && told[who].label != before[who];
            EXPECT_EQ(told[who].track, who + 1) << "at frame " << step;
            before[who] = told[who].label;
        }
        raw_before = raw;
    }
    EXPECT_GT(raw_flips, 300);
    EXPECT_LE(flips * 10, raw_flips);
    EXPECT_LE(compared * 2, faces);
}

TEST(live_tracks, relative_distance_knows_no_length) {
    std::vector<float> a{3, 0}, b{0, 4}, a_longer{30, 0}, b_longer{0, 40};
    EXPECT_DOUBLE_EQ(relative_distance(a, b), 5 / 3.5);
    EXPECT_DOUBLE_EQ(relative_distance(a_longer, b_longer), relative_distance(a, b));
    EXPECT_TRUE(std::isinf(relative_distance(a, {})));
    EXPECT_TRUE(std::isinf(relative_distance(std::vector<float>{0, 0}, std::vector<float>{0, 0})));
}

}  // namespace
}  // namespace vultus::api
