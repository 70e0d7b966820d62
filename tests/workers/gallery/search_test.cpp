// The search against brute force, bit for bit: the first look at 8-bit rows may leave out nothing,
// however near the ties, large or small the numbers, and whatever the kernel.
#include "workers/gallery/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "workers/gallery/parallel_for.hpp"

namespace vultus {
namespace {

using answer = std::vector<std::pair<float, std::string>>;

answer brute_force(const gallery& known, const embedding& face, std::size_t k) {
    answer all;
    for (const auto& segment : known.segments) {
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            if (segment->is_removed(row)) continue;
            all.emplace_back(squared_distance(face.data(), segment->vectors[row].data()),
                             segment->face_ids[row]);
        }
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(all.size(), k));
    return all;
}

answer read(const std::vector<neighbour>& found) {
    answer all;
    for (const neighbour& one : found) all.emplace_back(one.squared, one.face_id());
    return all;
}

/// Vectors that are hard to tell apart, of a seed's own kind.
class maker {
 public:
    explicit maker(unsigned seed) : random_(seed), way_(seed % 6), any_(vector()) {}

    embedding next() {
        embedding one = vector();
        switch (way_) {
            case 0:  // no relation
                break;
            case 1:  // all within a hair of one point: every distance is nearly the same
                for (std::size_t i = 0; i < one.size(); ++i) one[i] = any_[i] + 1e-4f * one[i];
                break;
            case 2:  // ties: one of a few vectors, some an ulp away
                one = any_;
                one[random_() % 3] += 0.25f;
                if (random_() % 2 == 0) one[5] = std::nextafter(one[5], 9.0f);
                break;
            case 3:  // of very different lengths, within a vector and among them
                for (float& x : one) x *= std::exp2(static_cast<float>(random_() % 40) - 20);
                break;
            case 4:  // about where 8 bits round to the same
                for (std::size_t i = 0; i < one.size(); ++i) {
                    one[i] = any_[i] + (random_() % 2 == 0 ? 1 : -1) * 0.004f;
                }
                break;
            default: {  // the largest and smallest floats there are, and nothing
                constexpr float sizes[] = {0, 1e-45f, 1e-38f, 1e-19f, 9e-16f, 1e-15f,
                                           1, 1e15f,  2e15f,  1e19f,  3e38f};
                const float size = sizes[random_() % std::size(sizes)];
                for (float& x : one) x = std::clamp(x, -1.0f, 1.0f) * size;
            }
        }
        return one;
    }

 private:
    embedding vector() {
        embedding one;
        for (float& x : one) x = value_(random_);
        return one;
    }

    std::mt19937 random_;
    unsigned way_;
    std::normal_distribution<float> value_{0, 0.09f};
    embedding any_;
};

struct crowd {
    gallery_builder builder;
    std::vector<embedding> faces;
};

crowd crowd_of(unsigned seed) {
    std::mt19937 random(seed);
    maker make(seed);
    crowd all;
    const std::size_t count = seed % 5 == 0 ? limits::segment_rows + 77 : 1 + random() % 700;
    for (std::size_t i = 0; i < count; ++i) {
        // Face ids in an order that has nothing to do with the rows'.
        all.builder.add("f" + std::to_string((i * 7'919) % 100'003), "p", make.next());
    }
    for (std::size_t i = 0; i < count / 5; ++i) {
        all.builder.remove("f" + std::to_string((random() % count * 7'919) % 100'003));
    }
    const std::size_t faces = 1 + random() % 9;
    for (std::size_t i = 0; i < faces; ++i) all.faces.push_back(make.next());
    return all;
}

TEST(search, equals_brute_force_on_near_ties) {
    for (unsigned seed = 1; seed <= 120; ++seed) {
        crowd all = crowd_of(seed);
        const auto known = all.builder.publish();
        for (const quantized_kernel& kernel : quantized_kernels()) {
            for (const std::size_t k : {1u, 3u, 20u}) {
                const auto found =
                    nearest_faces(*known, all.faces, k, {.products = kernel.products});
                for (std::size_t face = 0; face < all.faces.size(); ++face) {
                    ASSERT_EQ(read(found[face]), brute_force(*known, all.faces[face], k))
                        << "seed " << seed << " " << kernel.name << " k " << k;
                }
            }
        }
    }
}

TEST(search, kernels_give_exact_products) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> value(-1, 1);
    for (const std::size_t faces : {1u, 2u, 3u, 4u, 5u, 8u, 11u}) {
        for (const std::size_t count : {0u, 1u, 7u, 8u, 15u, 16u, 33u, 127u, 128u}) {
            quantized_rows rows;
            std::vector<quantized_face> wanted;
            const auto any = [&](bool extreme) {
                embedding one;
                for (float& x : one) x = value(random);
                for (float& x : one) x = extreme ? std::copysign(1.0f, x) : x;
                return one;
            };
            for (std::size_t i = 0; i < count; ++i) rows.push_back(any(i % 3 == 0));
            for (std::size_t i = 0; i < faces; ++i) wanted.emplace_back(any(i % 2 == 0));
            for (const quantized_kernel& kernel : quantized_kernels()) {
                std::vector<std::int32_t> dots(faces * quantized_block, 77);
                kernel.products(rows.rows, wanted, dots.data());
                for (std::size_t face = 0; face < faces; ++face) {
                    for (std::size_t row = 0; row < count; ++row) {
                        std::int64_t exact = 0;
                        for (std::size_t i = 0; i < limits::embedding_floats; ++i) {
                            exact += std::int64_t{rows.rows[row].c[i]} * wanted[face].v[i];
                        }
                        ASSERT_EQ(dots[face * quantized_block + row], exact)
                            << kernel.name << " face " << face << " row " << row;
                    }
                    for (std::size_t row = count; row < quantized_block; ++row) {
                        ASSERT_EQ(dots[face * quantized_block + row], 77) << "beyond the rows";
                    }
                }
            }
        }
    }
}

TEST(search, rounding_costs_no_more_than_it_says) {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        maker make(seed);
        for (int n = 0; n < 20; ++n) {
            const embedding x = make.next();
            quantized_rows rows;
            rows.push_back(x);
            double lost = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double gap = x[i] - static_cast<double>(rows.scale[0]) * rows.rows[0].c[i];
                lost += gap * gap;
            }
            ASSERT_LE(std::sqrt(lost), rows.error[0]) << "seed " << seed;
            const quantized_face face(x);
            double lost_16 = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double gap = x[i] - static_cast<double>(face.twice_scale) / 2 * face.v[i];
                lost_16 += gap * gap;
            }
            ASSERT_LE(std::sqrt(lost_16), face.error) << "seed " << seed;
        }
    }
}

TEST(search, looks_closely_at_few) {
    std::mt19937 random(3);
    std::normal_distribution<float> value(0, 0.09f);
    gallery_builder builder;
    std::vector<embedding> people(8'000);
    for (std::size_t i = 0; i < people.size(); ++i) {
        for (float& x : people[i]) x = value(random);
        builder.add("f" + std::to_string(i), "p", people[i]);
    }
    embedding near = people[5'000];
    for (float& x : near) x += value(random) * 0.3f;
    std::uint64_t compared = 0;
    const auto found =
        nearest_faces(*builder.publish(), std::span(&near, 1), 3, {.compared = &compared});
    EXPECT_EQ(found[0][0].face_id(), "f5000");
    EXPECT_GE(compared, 3u);
    EXPECT_LT(compared, 1'000u);  // of 8,000
}

TEST(search, parts_give_the_same_answer) {
    std::mt19937 random(11);
    gallery_builder builder;
    const std::size_t count = faces_per_part_min * 2 + 100;
    for (std::size_t i = 0; i < count; ++i) {
        embedding one{};
        one[i % 5] = static_cast<float>(random() % 1'000);  // many ties
        builder.add("f" + std::to_string(i), "p", one);
    }
    const auto known = builder.publish();
    std::vector<embedding> faces(5);
    for (embedding& one : faces) one[2] = static_cast<float>(random() % 1'000);
    lanes three(3);
    const auto whole = nearest_faces(*known, faces, 10);
    const auto split = nearest_faces(*known, faces, 10, {.parts = 3, .run = three.run()});
    for (std::size_t i = 0; i < faces.size(); ++i) EXPECT_EQ(read(split[i]), read(whole[i]));
}

TEST(search, lanes_run_each_part_once) {
    for (const std::size_t count : {1u, 2u, 5u}) {
        lanes some(count);
        EXPECT_EQ(some.count(), count);
        for (int round = 0; round < 50; ++round) {
            std::vector<int> done(7);
            some.run()(done.size(), [&](std::size_t i) { ++done[i]; });
            EXPECT_EQ(done, std::vector<int>(7, 1));
        }
    }
}

}  // namespace
}  // namespace vultus
