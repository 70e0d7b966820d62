// See embedding.hpp.
#include "workers/engine/embedding.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "shared/base/require.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {

static_assert(std::endian::native == std::endian::little && sizeof(float) == 4,
              "the bytes in Redis are float32, little-endian");

result<embedding> embedding_from(std::string_view bytes, std::size_t dimension) {
    if (!limits::is_embedding_dimension(dimension) || bytes.size() != dimension * sizeof(float)) {
        return fail(errc::malformed, "an embedding of " + std::to_string(dimension) +
                                         " floats cannot have " + std::to_string(bytes.size()) +
                                         " bytes");
    }
    embedding vector(dimension);
    std::memcpy(vector.data(), bytes.data(), bytes.size());
    for (const float value : vector) {
        if (!std::isfinite(value)) return fail(errc::malformed, "an embedding is not finite");
    }
    return vector;
}

std::string bytes_of(const embedding& vector) {
    return {reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)};
}

embedding mean(const std::vector<embedding>& vectors) {
    VULTUS_REQUIRE(!vectors.empty(), "a mean of something");
    embedding middle(vectors.front().size());
    for (const embedding& vector : vectors) {
        VULTUS_REQUIRE(vector.size() == middle.size(), "embeddings of one model");
        for (std::size_t i = 0; i < middle.size(); ++i) middle[i] += vector[i];
    }
    for (float& value : middle) value /= static_cast<float>(vectors.size());
    return middle;
}

embedding embedder::combined(const std::vector<embedding>& of_one_face) const {
    return mean(of_one_face);
}

}  // namespace vultus
