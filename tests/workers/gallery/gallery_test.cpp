// The gallery against a plain map: whatever is added, removed and renamed, both know the same.
#include "workers/gallery/gallery.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <random>
#include <set>

namespace vultus {
namespace {

embedding vector_of(float value, std::size_t dimension = 128) {
    embedding vector(dimension);
    vector[0] = value;
    return vector;
}

struct face {
    std::string label;
    embedding vector;
    bool operator==(const face&) const = default;
};
using naive = std::map<std::string, face>;

naive contents(const gallery& from) {
    naive all;
    for (const auto& segment : from.segments) {
        EXPECT_EQ(segment->face_ids.size(), segment->rows());
        EXPECT_EQ(segment->labels.size(), segment->rows());
        EXPECT_LE(segment->rows(), limits::segment_rows);
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            if (segment->is_removed(row)) continue;
            const bool is_new =
                all.emplace(segment->face_ids[row],
                            face{*segment->labels[row], embedding(segment->vector(row))})
                    .second;
            EXPECT_TRUE(is_new) << segment->face_ids[row] << " twice";
        }
    }
    return all;
}

std::size_t people(const naive& all) {
    std::set<std::string> labels;
    for (const auto& [id, one] : all) labels.insert(one.label);
    return labels.size();
}

TEST(gallery, knows_what_a_map_knows) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        const auto up_to = [&](unsigned n) { return random() % n; };
        gallery_builder builder(7 * epoch_factor);
        naive expected;
        std::vector<std::pair<std::shared_ptr<const gallery>, naive>> published;
        for (int step = 0; step < 3'000; ++step) {
            const std::string id = "f" + std::to_string(up_to(seed % 2 != 0 ? 200 : 6'000));
            const std::string label = "person " + std::to_string(up_to(20));
            switch (up_to(8)) {
                case 0:
                case 1:
                    EXPECT_EQ(builder.remove(id), expected.erase(id) == 1);
                    break;
                case 2: {
                    const auto known = expected.find(id);
                    EXPECT_EQ(builder.rename(id, label), known != expected.end());
                    if (known != expected.end()) known->second.label = label;
                    break;
                }
                default: {
                    const embedding vector = vector_of(static_cast<float>(step));
                    EXPECT_TRUE(builder.add(id, label, vector));
                    expected[id] = {label, vector};
                }
            }
            if (up_to(100) == 0) published.emplace_back(builder.publish(), expected);
            if (up_to(50) == 0) builder.compact();
        }
        published.emplace_back(builder.publish(), expected);
        for (const auto& [snapshot, then] : published) {  // nothing published ever changes
            EXPECT_EQ(contents(*snapshot), then) << "seed " << seed;
            EXPECT_EQ(snapshot->faces, then.size());
            EXPECT_EQ(snapshot->people, people(then));
        }
    }
}

TEST(gallery, a_change_copies_one_segment) {
    gallery_builder builder;
    const std::size_t count = limits::segment_rows * 3 + 1;
    for (std::size_t i = 0; i < count; ++i) {
        builder.add("f" + std::to_string(i), "somebody", vector_of(static_cast<float>(i)));
    }
    const auto before = builder.publish();
    ASSERT_EQ(before->segments.size(), 4u);
    EXPECT_EQ(before->segments[2]->rows(), limits::segment_rows);
    EXPECT_EQ(before->segments[3]->rows(), 1u);
    builder.remove("f" + std::to_string(limits::segment_rows));  // the first of the second segment
    const auto removed = builder.publish();
    for (const std::size_t i : {0u, 2u, 3u}) EXPECT_EQ(removed->segments[i], before->segments[i]);
    EXPECT_NE(removed->segments[1], before->segments[1]);
    EXPECT_TRUE(removed->segments[1]->is_removed(0));
    EXPECT_FALSE(before->segments[1]->is_removed(0));
    builder.add("new", "somebody", vector_of(1));
    const auto added = builder.publish();
    for (const std::size_t i : {0u, 1u, 2u}) EXPECT_EQ(added->segments[i], removed->segments[i]);
    EXPECT_EQ(before->segments[3]->rows(), 1u);
    EXPECT_EQ(builder.publish()->segments, added->segments);
}

std::size_t rows_of(const gallery& held) {
    std::size_t rows = 0;
    for (const auto& segment : held.segments) rows += segment->rows();
    return rows;
}

TEST(gallery, a_segment_without_a_face_is_given_back_at_once) {
    gallery_builder builder;
    const std::size_t empty = builder.bytes();
    for (std::size_t i = 0; i < limits::segment_rows + 5; ++i) {
        builder.add("f" + std::to_string(i), "p", vector_of(static_cast<float>(i)));
    }
    for (std::size_t i = 0; i < limits::segment_rows; ++i) {
        builder.remove("f" + std::to_string(i));
    }
    const auto left = builder.publish();
    ASSERT_EQ(left->segments.size(), 1u);
    EXPECT_EQ(rows_of(*left), 5u);
    EXPECT_FALSE(builder.compact());
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_TRUE(builder.remove("f" + std::to_string(limits::segment_rows + i)));
    }
    EXPECT_TRUE(builder.publish()->segments.empty());
    EXPECT_EQ(builder.publish()->people, 0u);
    EXPECT_EQ(builder.bytes(), empty);
    EXPECT_TRUE(builder.add("again", "p", vector_of(1)));  // in the place that became free
    EXPECT_EQ(rows_of(*builder.publish()), 1u);
}

TEST(gallery, half_empty_segments_are_joined) {
    std::mt19937 random(5);
    gallery_builder builder;
    naive expected;
    for (std::size_t i = 0; i < limits::segment_rows * 4; ++i) {
        const std::string id = "f" + std::to_string(i);
        expected[id] = {"p" + std::to_string(i % 9), vector_of(static_cast<float>(i))};
        builder.add(id, expected[id].label, expected[id].vector);
    }
    const auto full = builder.publish();
    for (std::size_t i = 0; i < limits::segment_rows * 4; ++i) {
        const std::string id = "f" + std::to_string(i);
        // Three of the four keep a third; the last one is whole.
        if (i >= limits::segment_rows * 3 || random() % 3 == 0) continue;
        builder.remove(id);
        expected.erase(id);
    }
    const auto before = builder.publish();
    int steps = 0;
    while (builder.compact()) {
        ++steps;
        const auto now = builder.publish();
        EXPECT_EQ(contents(*now), expected);
        ASSERT_LE(steps, 10);
    }
    const auto after = builder.publish();
    EXPECT_GE(steps, 2);
    EXPECT_EQ(before->segments.size(), 4u);
    EXPECT_LE(after->segments.size(), 3u);
    EXPECT_LT(rows_of(*after), 2 * expected.size());
    EXPECT_EQ(rows_of(*before), limits::segment_rows * 4);  // those who hold it keep it
    EXPECT_EQ(contents(*full).size(), limits::segment_rows * 4);
    // The moved faces are found where they are now.
    for (auto& [id, one] : expected) {
        if (random() % 2 == 0) continue;
        EXPECT_TRUE(builder.rename(id, "renamed"));
        one.label = "renamed";
    }
    const auto renamed = builder.publish();
    EXPECT_EQ(contents(*renamed), expected);
    for (const auto& segment : renamed->segments) {
        EXPECT_EQ(segment->quantized.size(), segment->rows());
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            quantized_rows alone(segment->dimension());
            alone.push_back(embedding(segment->vector(row)));
            ASSERT_TRUE(std::ranges::equal(alone.row(0), segment->quantized.row(row)));
            ASSERT_EQ(alone.error[0], segment->quantized.error[row]);
        }
    }
}

TEST(gallery, follows_the_log) {
    gallery_builder builder(3 * epoch_factor + 5);
    using kind = log_entry::kind;
    const std::vector<log_entry> entries{
        {6, kind::add, "a-0", "ann", bytes_of(vector_of(1))},
        {7, kind::add, "gone-0", "bob", ""},  // its vector went with the remove that follows
        {8, kind::add, "b-0", "bob", bytes_of(vector_of(2))},
        {8, kind::add, "b-1", "bob", bytes_of(vector_of(3))},
        {9, kind::remove, "gone-0", "bob", ""},
        {10, kind::rename, "b-0", "ben", ""},
        {11, kind::remove, "b-1", "bob", ""},
    };
    builder.apply(entries);
    const auto now = builder.publish();
    EXPECT_EQ(now->version, 3 * epoch_factor + 11);
    EXPECT_EQ(contents(*now),
              (naive{{"a-0", {"ann", vector_of(1)}}, {"b-0", {"ben", vector_of(2)}}}));
    EXPECT_EQ(now->people, 2u);
    builder.apply(entries);  // a log read twice changes nothing
    EXPECT_EQ(contents(*builder.publish()), contents(*now));
}

TEST(gallery, refuses_what_is_not_a_vector) {
    gallery_builder builder;
    EXPECT_FALSE(builder.add("f", "p", vector_of(std::numeric_limits<float>::quiet_NaN())));
    EXPECT_FALSE(builder.add("f", "p", vector_of(std::numeric_limits<float>::infinity())));
    EXPECT_EQ(builder.faces(), 0u);
}

TEST(gallery, the_first_face_decides_the_dimension_of_all) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        gallery_builder builder;
        EXPECT_EQ(builder.dimension(), 0u);
        EXPECT_TRUE(builder.add("f-0", "p", vector_of(1, dimension)));
        EXPECT_EQ(builder.publish()->dimension, dimension);
        const std::size_t bytes = builder.bytes();
        for (const std::size_t other : limits::embedding_dimensions) {
            const bool same = other == dimension;
            EXPECT_EQ(builder.add("f-1", "p", vector_of(2, other)), same);
            EXPECT_EQ(builder.add("f-0", "p", vector_of(3, other)), same) << "nor in its place";
        }
        EXPECT_EQ(contents(*builder.publish()), (naive{{"f-0", {"p", vector_of(3, dimension)}},
                                                       {"f-1", {"p", vector_of(2, dimension)}}}));
        EXPECT_GE(builder.bytes(), bytes + dimension * 5) << "float32 and 8 bits";
        builder.remove("f-0");
        builder.remove("f-1");
        EXPECT_EQ(builder.publish()->dimension, 0u);
        EXPECT_TRUE(builder.add("f-2", "p", vector_of(1, 128))) << "an empty gallery takes any";
        EXPECT_TRUE(builder.add("f-3", "p", vector_of(1, 128)));
    }
}

TEST(gallery, follows_the_log_in_its_dimension_only) {
    gallery_builder builder(epoch_factor);
    builder.apply(std::vector<log_entry>{
        {1, log_entry::kind::add, "a-0", "ann", bytes_of(vector_of(1, 256))},
        {2, log_entry::kind::add, "b-0", "bob", bytes_of(vector_of(1, 128))},
        {3, log_entry::kind::add, "c-0", "cid", std::string(1025, 0)},
        {4, log_entry::kind::add, "d-0", "dan", bytes_of(vector_of(4, 256))},
    });
    EXPECT_EQ(contents(*builder.publish()),
              (naive{{"a-0", {"ann", vector_of(1, 256)}}, {"d-0", {"dan", vector_of(4, 256)}}}));
}

TEST(gallery, face_limit) {
    gallery_builder builder;
    const embedding vector = vector_of(1);
    for (std::size_t i = 0; i < limits::gallery_faces - 1; ++i) {
        ASSERT_TRUE(builder.add(std::to_string(i), "p", vector));
    }
    EXPECT_TRUE(builder.add("last", "p", vector));
    EXPECT_FALSE(builder.add("one more", "p", vector));
    EXPECT_TRUE(builder.add("last", "q", vector));  // replacing is no growth
    EXPECT_EQ(builder.faces(), limits::gallery_faces);
}

}  // namespace
}  // namespace vultus
