// CenterFace's outputs (decoders.hpp).
#include <cmath>

#include "workers/engine/faces/decoders.hpp"
#include "workers/engine/faces/tensors.hpp"

namespace vultus {
namespace {

constexpr double stride = 4;

}  // namespace

result<std::vector<sighting>> centerface_sightings(std::span<const output_tensor> outputs) {
    const auto heat = tensor_named(outputs, "537", 1);
    const auto size = tensor_named(outputs, "538", 2);
    const auto offset = tensor_named(outputs, "539", 2);
    const auto points = tensor_named(outputs, "540", 10);
    for (const auto* one : {&heat, &size, &offset, &points}) {
        if (!*one) return fail(one->error());
        if (!(*one)->same_places(*heat)) return fail(errc::malformed, "outputs of two sizes");
    }
    std::vector<sighting> found;
    for (long row = 0; row < heat->rows(); ++row) {
        for (long column = 0; column < heat->columns(); ++column) {
            const float score = heat->at(0, row, column);
            if (!(score > centerface_score_min)) continue;
            const double height = std::exp(size->at(0, row, column)) * stride;
            const double width = std::exp(size->at(1, row, column)) * stride;
            const double y = (double(row) + offset->at(0, row, column) + 0.5) * stride;
            const double x = (double(column) + offset->at(1, row, column) + 0.5) * stride;
            sighting one{{x - width / 2, y - height / 2, x + width / 2, y + height / 2}, score, {}};
            for (long k = 0; k < 5; ++k) {
                const double down = points->at(2 * k, row, column) * height;
                const double across = points->at(2 * k + 1, row, column) * width;
                one.points[static_cast<std::size_t>(k)] = {
                    static_cast<float>(one.where.left + across),
                    static_cast<float>(one.where.top + down)};
            }
            if (is_finite(one)) found.push_back(one);
        }
    }
    return surest(std::move(found));
}

}  // namespace vultus
