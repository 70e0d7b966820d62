// See overlap.hpp.
#include "workers/geometry/overlap.hpp"

#include <algorithm>
#include <cmath>

namespace vultus {

rectangle rectangle_of(const box& one) {
    return {double(one.left), double(one.top), one.right + 1.0, one.bottom + 1.0};
}

box box_of(const rectangle& one) {
    const auto whole = [](double edge) { return static_cast<std::int32_t>(std::lround(edge)); };
    return {whole(one.left), whole(one.top), whole(one.right) - 1, whole(one.bottom) - 1};
}

double shared_pixels(const rectangle& a, const rectangle& b) {
    const double across = std::min(a.right, b.right) - std::max(a.left, b.left);
    const double down = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return across <= 0 || down <= 0 ? 0 : across * down;
}

double overlap(const rectangle& a, const rectangle& b) {
    const double both = shared_pixels(a, b);
    return both <= 0 ? 0 : both / (a.width() * a.height() + b.width() * b.height() - both);
}

double overlap(const box& a, const box& b) {
    return overlap(rectangle_of(a), rectangle_of(b));
}

}  // namespace vultus
