// The search against brute force in double, and the decision by table.
#include "workers/gallery/matcher.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace vultus {
namespace {

/// A face on a line: distances are differences.
embedding at(float place) {
    embedding vector(128);
    vector[3] = place;
    return vector;
}

struct trained {
    std::string face_id, label;
    float place;
};

std::shared_ptr<const gallery> gallery_of(const std::vector<trained>& faces) {
    gallery_builder builder;
    for (const trained& one : faces) builder.add(one.face_id, one.label, at(one.place));
    return builder.publish();
}

match one_match(const std::vector<trained>& faces, const match_options& options, float place = 0) {
    return match_faces(*gallery_of(faces), std::vector{at(place)}, options).at(0);
}

TEST(matcher, empty_gallery) {
    EXPECT_EQ(one_match({}, {}), match{});
    EXPECT_TRUE(match_faces(gallery{}, {}, {}).empty());
}

TEST(matcher, one_photo_a_person) {
    const std::vector<trained> faces{
        {"a-0", "ann", 0.30f}, {"b-0", "bob", 0.54f}, {"c-0", "cid", 0.9f}};
    for (const int k : {1, 3, 100}) {
        const match found = one_match(faces, {0.55, 0.05, k});
        EXPECT_EQ(found.status, match_status::known);
        EXPECT_EQ(found.label, "ann");
        EXPECT_EQ(found.face_id, "a-0");
        EXPECT_NEAR(*found.distance, 0.30, 1e-6);
        EXPECT_EQ(found.candidates.size(), k == 1 ? 1u : 2u);
    }
}

match_options top(int people, double distance_max = 0.55) {
    match_options options;
    options.distance_max = distance_max;
    options.top = people;
    return options;
}

std::vector<std::string> names_of(const match& found) {
    std::vector<std::string> names;
    for (const candidate& one : found.candidates) names.push_back(one.label + " " + one.face_id);
    return names;
}

TEST(matcher, the_nearest_people_are_listed_however_far_and_the_vote_stays) {
    const std::vector<trained> faces{{"a-0", "ann", 0.3f},
                                     {"a-1", "ann", 0.2f},
                                     {"b-0", "bob", 0.6f},
                                     {"c-0", "cid", 1.5f},
                                     {"d-0", "dee", 1.8f}};
    const match plain = one_match(faces, {});
    const match found = one_match(faces, top(3));
    EXPECT_EQ(found.label, plain.label);
    EXPECT_EQ(found.margin, plain.margin);
    EXPECT_EQ(names_of(found), (std::vector<std::string>{"ann a-1", "bob b-0", "cid c-0"}));
    EXPECT_EQ(one_match(faces, top(100)).candidates.size(), 4u);
    EXPECT_EQ(one_match(faces, top(1)).candidates.size(), 1u);
    const match stranger = one_match(faces, top(2), 5);
    EXPECT_EQ(stranger.status, match_status::unknown);
    EXPECT_EQ(names_of(stranger), (std::vector<std::string>{"dee d-0", "cid c-0"}));
    EXPECT_TRUE(one_match({}, top(5)).candidates.empty());
}

// One person has all of the near faces: the search goes on behind them.
TEST(matcher, the_nearest_people_stand_behind_many_faces_of_one) {
    std::vector<trained> faces;
    for (int i = 0; i < 200; ++i) {
        faces.push_back({"a-" + std::to_string(i), "ann", 0.001f * static_cast<float>(i + 1)});
    }
    faces.push_back({"b-0", "bob", 0.5f});
    faces.push_back({"c-0", "cid", 1.9f});
    EXPECT_EQ(names_of(one_match(faces, top(3))),
              (std::vector<std::string>{"ann a-0", "bob b-0", "cid c-0"}));
}

TEST(matcher, nobody_within_the_threshold) {
    const match found = one_match({{"a-0", "ann", 0.56f}}, {0.55, 0.05, 3});
    EXPECT_EQ(found.status, match_status::unknown);
    EXPECT_EQ(found.label, "");
    EXPECT_EQ(found.face_id, "");
    EXPECT_NEAR(*found.distance, 0.56, 1e-6);
    EXPECT_TRUE(found.candidates.empty());
}

TEST(matcher, the_threshold_itself_is_within) {
    const match found = one_match({{"a-0", "ann", 0.5f}}, {0.5, 0.05, 3});
    EXPECT_EQ(found.status, match_status::known);
    EXPECT_EQ(found.margin, 1);
    // Two at the threshold have no vote either: nobody leads.
    const match both = one_match({{"a-0", "ann", 0.5f}, {"b-0", "bob", -0.5f}}, {0.5, 0.05, 3});
    EXPECT_EQ(both.status, match_status::ambiguous);
    EXPECT_EQ(both.margin, 0);
}

TEST(matcher, votes_outweigh_one_near_face) {
    const std::vector<trained> faces{
        {"a-0", "ann", 0.20f}, {"b-0", "bob", 0.22f}, {"b-1", "bob", -0.24f}};
    const match found = one_match(faces, {0.5, 0.05, 3});
    EXPECT_EQ(found.label, "bob");
    EXPECT_EQ(found.face_id, "b-0");  // the winner's nearest
    EXPECT_NEAR(*found.distance, 0.22, 1e-6);
    // Votes: bob 0.56 + 0.52, ann 0.60.
    EXPECT_NEAR(found.margin, (1.08 - 0.60) / 1.68, 1e-6);
    ASSERT_EQ(found.candidates.size(), 2u);
    EXPECT_EQ(found.candidates[0].label, "ann");
    EXPECT_EQ(one_match(faces, {0.5, 0.05, 1}).label, "ann");  // k = 1: the nearest decides
}

TEST(matcher, a_small_lead_is_ambiguous) {
    const std::vector<trained> faces{{"a-0", "ann", 0.25f}, {"b-0", "bob", -0.26f}};
    // Votes 0.50 and 0.48: a lead of 0.02 of 0.98.
    const match found = one_match(faces, {0.5, 0.05, 3});
    EXPECT_EQ(found.status, match_status::ambiguous);
    EXPECT_EQ(found.label, "ann");  // who leads
    EXPECT_EQ(found.face_id, "");
    EXPECT_NEAR(found.margin, 0.02 / 0.98, 1e-5);
    EXPECT_EQ(found.candidates.at(0).label, "ann");
    EXPECT_EQ(one_match(faces, {0.5, 0.02, 3}).label, "ann");
}

TEST(matcher, ties_do_not_depend_on_the_order) {
    std::vector<trained> faces{
        {"x-2", "ann", 0.25f}, {"x-1", "bob", -0.25f}, {"x-0", "cid", 0.25f}};
    std::sort(faces.begin(), faces.end(), [](auto& a, auto& b) { return a.face_id < b.face_id; });
    do {
        const match nearest = one_match(faces, {0.5, 0, 1});
        EXPECT_EQ(nearest.candidates.size(), 3u);  // as near as the one nearest, so all vote
        EXPECT_EQ(nearest.label, "ann");
        EXPECT_EQ(nearest.margin, 0);
        const match all = one_match(faces, {0.5, 0, 3});
        EXPECT_EQ(all.label, "ann");  // equal votes and distances: the smallest label
    } while (std::next_permutation(faces.begin(), faces.end(),
                                   [](auto& a, auto& b) { return a.face_id < b.face_id; }));
}

TEST(matcher, a_photo_taught_again_adds_no_vote) {
    const match once = one_match({{"a-0", "ann", 0.1f}, {"b-0", "bob", 0.1f}}, {0.5, 0.05, 3});
    EXPECT_EQ(once.status, match_status::ambiguous);
    EXPECT_EQ(once.candidates.size(), 2u);
    for (const int times : {2, 3, 40, 900}) {
        std::vector<trained> faces;
        for (int i = 0; i < times; ++i) faces.push_back({"b-" + std::to_string(i), "bob", 0.1f});
        faces.push_back({"z-0", "ann", 0.1f});
        const match found = one_match(faces, {0.5, 0.05, 3});
        EXPECT_EQ(found.status, match_status::ambiguous) << times;
        EXPECT_EQ(found.margin, 0);
        ASSERT_EQ(found.candidates.size(), 2u);
        EXPECT_EQ(found.candidates[0].label, "ann");
    }
    // Other photos of bob still count, each once.
    const match more = one_match(
        {{"a-0", "ann", 0.1f}, {"b-0", "bob", 0.1f}, {"b-1", "bob", 0.1f}, {"b-2", "bob", 0.2f}},
        {0.5, 0.05, 3});
    EXPECT_EQ(more.status, match_status::known);
    EXPECT_EQ(more.label, "bob");
    EXPECT_NEAR(more.margin, (0.8 + 0.6 - 0.8) / (0.8 + 0.6 + 0.8), 1e-6);
}

TEST(matcher, candidates_are_told_the_nearest_first) {
    const match found = one_match(
        {{"a-0", "ann", 0.20f}, {"b-0", "bob", 0.22f}, {"b-1", "bob", -0.24f}}, {0.5, 0.05, 3});
    EXPECT_EQ(found.label, "bob");
    EXPECT_EQ(found.candidates.at(0).label, "ann");
    EXPECT_EQ(found.candidates.at(1).label, "bob");
}

TEST(matcher, a_crowd_of_equal_faces_is_bounded) {
    std::vector<trained> faces;
    for (std::size_t i = 0; i < neighbours_max + 10; ++i) {
        faces.push_back({"f-" + std::to_string(i), "p" + std::to_string(i), 0.1f});
    }
    const match found = one_match(faces, {0.5, 0.05, 3});
    EXPECT_EQ(found.status, match_status::ambiguous);
    EXPECT_EQ(found.candidates.size(), candidates_max);
}

/// What an answer says, without the ids of faces, which tell when each was taught.
auto told(const match& one) {
    std::vector<std::pair<std::string, double>> candidates;
    for (const candidate& who : one.candidates) candidates.emplace_back(who.label, who.distance);
    return std::tuple(one.status, one.label, one.distance, one.margin, candidates);
}

TEST(matcher, the_order_of_teaching_and_repeated_photos_change_nothing) {
    EXPECT_TRUE(rc::check([] {
        const auto place = rc::gen::element(0.0f, 0.1f, -0.1f, 0.2f, 0.30f, 0.45f, 0.6f);
        const auto name = rc::gen::element<std::string>("ann", "bob", "cid");
        auto taught = *rc::gen::container<std::vector<std::pair<std::string, float>>>(
            rc::gen::pair(name, place));
        const match_options options{0.5, 0.05, *rc::gen::inRange(1, 6)};
        const auto answer = [&](const auto& faces) {
            std::vector<trained> rows;
            for (std::size_t i = 0; i < faces.size(); ++i) {
                rows.push_back({"f-" + std::to_string(i), faces[i].first, faces[i].second});
            }
            return told(one_match(rows, options));
        };
        const auto first = answer(taught);
        if (!taught.empty()) {
            const auto again = *rc::gen::inRange<std::size_t>(0, taught.size());
            for (int i = *rc::gen::inRange(0, 12); i > 0; --i) taught.push_back(taught[again]);
        }
        std::shuffle(taught.begin(), taught.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
        RC_ASSERT(answer(taught) == first);
    }));
}

struct random_gallery {
    std::vector<trained> names;
    std::vector<embedding> vectors;
    gallery_builder builder;
    std::vector<embedding> queries;
};

void fill(random_gallery& world, unsigned seed, std::size_t count) {
    std::mt19937 random(seed);
    std::normal_distribution<float> value(0, 0.04f);
    const auto any = [&] {
        embedding vector(128);
        for (float& x : vector) x = value(random);
        return vector;
    };
    for (std::size_t i = 0; i < count; ++i) {
        world.names.push_back({"f" + std::to_string(i), "p" + std::to_string(random() % 9), 0});
        world.vectors.push_back(i % 7 == 3 ? world.vectors[i / 2] : any());  // some twins
        world.builder.add(world.names[i].face_id, world.names[i].label, world.vectors[i]);
    }
    for (int i = 0; i < 5; ++i) world.queries.push_back(any());
}

double exact(const embedding& a, const embedding& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    }
    return std::sqrt(sum);
}

TEST(matcher, equals_brute_force) {
    for (unsigned seed = 1; seed <= 12; ++seed) {
        random_gallery world;
        fill(world, seed, seed % 3 == 0 ? limits::segment_rows + 50 : 40 * seed);
        std::mt19937 random(seed);
        std::vector<bool> gone(world.names.size());
        for (std::size_t i = 0; i < gone.size(); ++i) {
            gone[i] = random() % 4 == 0;
            if (gone[i]) world.builder.remove(world.names[i].face_id);
        }
        const auto answers = match_faces(*world.builder.publish(), world.queries, {2.0, 0, 1});
        for (std::size_t q = 0; q < world.queries.size(); ++q) {
            double best = 1e9;
            for (std::size_t i = 0; i < gone.size(); ++i) {
                if (!gone[i]) best = std::min(best, exact(world.queries[q], world.vectors[i]));
            }
            EXPECT_NEAR(*answers[q].distance, best, 1e-5) << "seed " << seed;
            const auto who = std::find_if(world.names.begin(), world.names.end(), [&](auto& one) {
                return one.face_id == answers[q].face_id;
            });
            ASSERT_NE(who, world.names.end());
            const auto place = static_cast<std::size_t>(who - world.names.begin());
            EXPECT_FALSE(gone[place]) << "a removed face matched";
            EXPECT_EQ(who->label, answers[q].label);
            EXPECT_NEAR(exact(world.queries[q], world.vectors[place]), best, 1e-5);
            // In company or alone: the same answer.
            EXPECT_EQ(match_faces(*world.builder.publish(), std::span(&world.queries[q], 1),
                                  {2.0, 0, 1})[0],
                      answers[q]);
        }
    }
}

TEST(matcher, all_k_neighbours_vote) {
    random_gallery world;
    fill(world, 5, 500);
    const auto answers = match_faces(*world.builder.publish(), world.queries, {1.0, 0, 20});
    for (std::size_t q = 0; q < world.queries.size(); ++q) {
        std::vector<std::pair<double, std::string>> nearest;
        for (std::size_t i = 0; i < world.names.size(); ++i) {
            nearest.emplace_back(exact(world.queries[q], world.vectors[i]), world.names[i].label);
        }
        std::sort(nearest.begin(), nearest.end());
        nearest.erase(std::unique(nearest.begin(), nearest.end()), nearest.end());
        std::map<std::string, double> votes;
        for (std::size_t i = 0; i < 20; ++i) {
            if (nearest[i].first <= 1.0) votes[nearest[i].second] += 1 - nearest[i].first;
        }
        const auto winner = std::max_element(votes.begin(), votes.end(),
                                             [](auto& a, auto& b) { return a.second < b.second; });
        EXPECT_EQ(answers[q].label, winner->first);
        EXPECT_EQ(answers[q].candidates.size(), votes.size());
    }
}

TEST(matcher, distance_between_is_euclidean) {
    random_gallery world;
    fill(world, 9, 20);
    EXPECT_EQ(distance_between(world.queries[0], world.queries[0]), 0);
    EXPECT_NEAR(distance_between(world.queries[0], world.vectors[0]),
                exact(world.queries[0], world.vectors[0]), 1e-5);
}

}  // namespace
}  // namespace vultus
