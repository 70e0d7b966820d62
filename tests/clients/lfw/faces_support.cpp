// See faces_support.hpp.
#include "tests/clients/lfw/faces_support.hpp"

#include <cmath>
#include <random>

namespace vultus::lfw::testing {

numbered_face at(float place, std::uint32_t person) {
    numbered_face one{embedding(128), person};
    one.vector[0] = place;
    return one;
}

std::vector<numbered_face> crowd(std::uint32_t people, int photos_max, double crowded,
                                 std::uint64_t seed) {
    constexpr std::size_t dimensions = 12;
    std::mt19937_64 chance(seed);
    std::normal_distribution<float> normal;
    std::vector<numbered_face> faces;
    for (std::uint32_t person = 0; person < people; ++person) {
        const float spread = person < crowded * people ? 0.3F : 1.0F;
        embedding middle(128);
        for (std::size_t i = 0; i < dimensions; ++i) middle[i] = spread * normal(chance);
        const auto photos = 1 + chance() % static_cast<std::uint64_t>(photos_max);
        for (std::uint64_t photo = 0; photo < photos; ++photo) {
            numbered_face one{middle, person};
            for (std::size_t i = 0; i < dimensions; ++i) one.vector[i] += 0.2F * normal(chance);
            faces.push_back(one);
        }
    }
    return faces;
}

}  // namespace vultus::lfw::testing
