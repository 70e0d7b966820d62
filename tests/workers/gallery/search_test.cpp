// The search against brute force, bit for bit: the first look at 8-bit rows may leave out nothing,
// however near the ties, large or small the numbers, and whatever the kernel.
#include "workers/gallery/search.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
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
            all.emplace_back(
                squared_distance(face.data(), segment->vector(row).data(), face.size()),
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
    maker(unsigned seed, std::size_t dimension)
        : random_(seed), way_(seed % 6), dimension_(dimension), any_(vector()) {}

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
        embedding one(dimension_);
        for (float& x : one) x = value_(random_);
        return one;
    }

    std::mt19937 random_;
    unsigned way_;
    std::size_t dimension_;
    std::normal_distribution<float> value_{0, 0.09f};
    embedding any_;
};

struct crowd {
    gallery_builder builder;
    std::vector<embedding> faces;
};

/// Six seeds, one a kind of vectors, have one dimension.
std::size_t dimension_of(unsigned seed) {
    return limits::embedding_dimensions[seed / 6 % limits::embedding_dimensions.size()];
}

crowd crowd_of(unsigned seed) {
    std::mt19937 random(seed);
    maker make(seed, dimension_of(seed));
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

/// Each kernel's products of so many rows and faces against sums in 64 bits.
void expect_exact_products(std::mt19937& random, std::size_t dimension, std::size_t count,
                           std::size_t faces) {
    std::uniform_real_distribution<float> value(-1, 1);
    quantized_rows rows(dimension);
    std::vector<quantized_face> wanted;
    const auto any = [&](bool extreme) {  // all of one sign and size: the largest sums there are
        embedding one(dimension);
        for (float& x : one) x = extreme ? 1.0f : value(random);
        return one;
    };
    for (std::size_t i = 0; i < count; ++i) rows.push_back(any(i % 3 == 0));
    for (std::size_t i = 0; i < faces; ++i) wanted.emplace_back(any(i % 2 == 0));
    for (const quantized_kernel& kernel : quantized_kernels()) {
        std::vector<std::int32_t> dots(faces * quantized_block, 77);
        kernel.products(rows.block(0, count), wanted, dots.data());
        for (std::size_t face = 0; face < faces; ++face) {
            for (std::size_t row = 0; row < count; ++row) {
                std::int64_t exact = 0;
                for (std::size_t i = 0; i < dimension; ++i) {
                    exact += std::int64_t{rows.row(row)[i]} * wanted[face].v[i];
                }
                ASSERT_EQ(dots[face * quantized_block + row], exact)
                    << kernel.name << " face " << face << " row " << row << " of " << dimension;
            }
            for (std::size_t row = count; row < quantized_block; ++row) {
                ASSERT_EQ(dots[face * quantized_block + row], 77) << "beyond the rows";
            }
        }
    }
}

TEST(search, kernels_give_exact_products) {
    std::mt19937 random(7);
    for (const std::size_t dimension : limits::embedding_dimensions) {
        for (const std::size_t faces : {1u, 2u, 3u, 4u, 5u, 8u, 11u}) {
            for (const std::size_t count : {0u, 1u, 7u, 8u, 15u, 16u, 33u, 127u, 128u}) {
                expect_exact_products(random, dimension, count, faces);
            }
        }
    }
}

TEST(search, the_largest_product_there_is_fits) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        EXPECT_LT(std::int64_t{127} * 32'767 * static_cast<std::int64_t>(dimension),
                  std::int64_t{1} << 31);
    }
}

// The proof of quantized.hpp, row by row: of each dimension, whatever the sizes, a row that brute
// force finds as near as the k-th so far is never skipped.
TEST(search, a_row_as_near_as_the_last_is_never_skipped) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        EXPECT_TRUE(rc::check("of " + std::to_string(dimension) + " floats", [dimension] {
            maker make(*rc::gen::inRange(0u, 6'000u), dimension);
            const embedding wanted = make.next();
            quantized_rows rows(dimension);
            std::vector<float> squared;
            for (std::size_t i = 0; i < quantized_block; ++i) {
                const embedding row = i % 16 == 0 ? wanted : make.next();
                rows.push_back(row);
                squared.push_back(squared_distance(wanted.data(), row.data(), dimension));
            }
            const std::vector<quantized_face> faces{quantized_face(wanted)};
            std::vector<std::int32_t> dots(quantized_block);
            quantized_kernels().back().products(rows.block(0, quantized_block), faces, dots.data());
            const float last = squared[*rc::gen::inRange<std::size_t>(0, quantized_block)];
            std::array<std::uint32_t, quantized_block> kept{};
            const std::size_t number = not_farther(rows, 0, quantized_block, faces[0], dots.data(),
                                                   quantized_reach(faces[0], last), kept.data());
            for (std::uint32_t i = 0; i < quantized_block; ++i) {
                const bool is_kept =
                    std::find(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(number),
                              i) != kept.begin() + static_cast<std::ptrdiff_t>(number);
                RC_ASSERT(is_kept || squared[i] > last);
            }
        }));
    }
}

TEST(search, rounding_costs_no_more_than_it_says) {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        maker make(seed, dimension_of(seed));
        for (int n = 0; n < 20; ++n) {
            const embedding x = make.next();
            quantized_rows rows(x.size());
            rows.push_back(x);
            double lost = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double gap = x[i] - static_cast<double>(rows.scale[0]) * rows.row(0)[i];
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
    std::vector<embedding> people(8'000, embedding(128));
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
        embedding one(128);
        one[i % 5] = static_cast<float>(random() % 1'000);  // many ties
        builder.add("f" + std::to_string(i), "p", one);
    }
    const auto known = builder.publish();
    std::vector<embedding> faces(5, embedding(128));
    for (embedding& one : faces) one[2] = static_cast<float>(random() % 1'000);
    parallel_for three(3);
    const auto whole = nearest_faces(*known, faces, 10);
    const auto split = nearest_faces(*known, faces, 10, {.parts = 3, .run = three.run()});
    for (std::size_t i = 0; i < faces.size(); ++i) EXPECT_EQ(read(split[i]), read(whole[i]));
}

TEST(search, lanes_run_each_part_once) {
    for (const std::size_t count : {1u, 2u, 5u}) {
        parallel_for some(count);
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
