// YuNet's outputs (decoders.hpp).
#include <algorithm>
#include <cmath>

#include "workers/engine/faces/decoders.hpp"
#include "workers/engine/faces/tensors.hpp"

namespace vultus {
namespace {

double score_of(float cls, float obj) {
    return std::sqrt(std::clamp(cls, 0.0f, 1.0f) * std::clamp(obj, 0.0f, 1.0f));
}

result<void> add_stride(std::span<const output_tensor> outputs, long stride,
                        std::vector<sighting>& found) {
    const std::string end = "_" + std::to_string(stride);
    const auto cls = tensor_named(outputs, "cls" + end, 1);
    const auto obj = tensor_named(outputs, "obj" + end, 1);
    const auto sides = tensor_named(outputs, "bbox" + end, 4);
    const auto points = tensor_named(outputs, "kps" + end, 10);
    for (const auto* one : {&cls, &obj, &sides, &points}) {
        if (!*one) return fail(one->error());
        if (!(*one)->same_places(*cls)) return fail(errc::malformed, "outputs of two sizes");
    }
    const auto pixels = static_cast<double>(stride);
    for (long row = 0; row < cls->rows(); ++row) {
        for (long column = 0; column < cls->columns(); ++column) {
            const double score = score_of(cls->at(0, row, column), obj->at(0, row, column));
            if (!(score > yunet_score_min)) continue;
            const double x = (double(column) + sides->at(0, row, column)) * pixels;
            const double y = (double(row) + sides->at(1, row, column)) * pixels;
            const double width = std::exp(sides->at(2, row, column)) * pixels;
            const double height = std::exp(sides->at(3, row, column)) * pixels;
            sighting one{{x - width / 2, y - height / 2, x + width / 2, y + height / 2}, score, {}};
            for (long k = 0; k < 5; ++k) {
                one.points[static_cast<std::size_t>(k)] = {
                    static_cast<float>((double(column) + points->at(2 * k, row, column)) * pixels),
                    static_cast<float>((double(row) + points->at(2 * k + 1, row, column)) *
                                       pixels)};
            }
            if (is_finite(one)) found.push_back(one);
        }
    }
    return {};
}

}  // namespace

result<std::vector<sighting>> yunet_sightings(std::span<const output_tensor> outputs) {
    std::vector<sighting> found;
    for (const long stride : {8, 16, 32}) {
        if (auto added = add_stride(outputs, stride, found); !added) return fail(added.error());
    }
    return surest(std::move(found));
}

}  // namespace vultus
