// Embeddings as bytes: of each dimension a model may have, at one byte less and one more.
#include "workers/engine/embedding.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace vultus {
namespace {

embedding rising(std::size_t dimension) {
    embedding vector(dimension);
    for (std::size_t i = 0; i < dimension; ++i) vector[i] = static_cast<float>(i) / 4 - 9;
    return vector;
}

TEST(embedding, has_four_bytes_a_float_and_no_other_number) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        const std::string bytes = bytes_of(rising(dimension));
        ASSERT_EQ(bytes.size(), dimension * 4);
        EXPECT_EQ(*embedding_from(bytes, dimension), rising(dimension));
        for (const std::size_t size : {bytes.size() - 4, bytes.size() - 1, bytes.size() + 1,
                                       bytes.size() + 4, std::size_t{0}}) {
            EXPECT_EQ(embedding_from(std::string(size, '\0'), dimension).error().code,
                      errc::malformed)
                << size << " bytes for " << dimension;
        }
    }
}

TEST(embedding, of_one_dimension_is_not_of_another) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        for (const std::size_t other : limits::embedding_dimensions) {
            const auto read = embedding_from(bytes_of(rising(dimension)), other);
            EXPECT_EQ(read.has_value(), dimension == other) << dimension << " as " << other;
        }
    }
    EXPECT_NE(embedding(128), embedding(256));
    EXPECT_NE(embedding(), embedding(128));
}

TEST(embedding, has_a_dimension_of_a_model) {
    for (const std::size_t dimension : {0u, 1u, 127u, 129u, 255u, 257u, 511u, 513u, 1024u}) {
        EXPECT_FALSE(limits::is_embedding_dimension(dimension));
        EXPECT_EQ(embedding_from(std::string(dimension * 4, '\0'), dimension).error().code,
                  errc::malformed);
    }
    EXPECT_DEATH(embedding(129), "a dimension of a model");
    EXPECT_DEATH(mean({embedding(128), embedding(256)}), "embeddings of one model");
}

TEST(embedding, is_little_endian_and_finite) {
    embedding one(256);
    one[0] = 1;
    EXPECT_EQ(bytes_of(one).substr(0, 4), std::string("\0\0\x80\x3F", 4));
    one[255] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(embedding_from(bytes_of(one), 256).error().code, errc::malformed);
    EXPECT_EQ(embedding_from(std::string(512, '\xFF'), 128).error().code, errc::malformed);
}

TEST(embedding, mean_is_of_each_float) {
    const embedding half = mean({embedding(512), rising(512)});
    ASSERT_EQ(half.size(), 512u);
    for (std::size_t i = 0; i < 512; ++i) EXPECT_EQ(half[i], rising(512)[i] / 2);
}

}  // namespace
}  // namespace vultus
