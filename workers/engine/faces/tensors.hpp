// How the decoders read a network's outputs: by name, by channel, row and column.
#pragma once

#include <cmath>
#include <span>
#include <string>

#include "shared/base/result.hpp"
#include "workers/engine/faces/sighting.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {

/// A view of an output; as long as the output is valid.
class tensor_places {
 public:
    explicit tensor_places(const output_tensor& of) : of_(&of) {}
    long rows() const { return of_->shape.rows; }
    long columns() const { return of_->shape.columns; }
    bool same_places(const tensor_places& other) const {
        return rows() == other.rows() && columns() == other.columns();
    }
    float at(long channel, long row, long column) const {
        return of_->values[static_cast<std::size_t>((channel * rows() + row) * columns() + column)];
    }

 private:
    const output_tensor* of_;
};

/// errors    malformed: no such output, or it has not that many channels
inline result<tensor_places> tensor_named(std::span<const output_tensor> outputs,
                                          std::string_view name, long channels) {
    for (const output_tensor& one : outputs) {
        if (one.name != name) continue;
        if (one.shape.channels != channels || one.values.size() != one.shape.size()) break;
        return tensor_places(one);
    }
    return fail(errc::malformed, "the detector has no output \"" + std::string(name) + "\" of " +
                                     std::to_string(channels) + " channels");
}

/// False for what exp() made of a broken file's numbers.
inline bool is_finite(const sighting& one) {
    bool finite = std::isfinite(one.where.left) && std::isfinite(one.where.top) &&
                  std::isfinite(one.where.right) && std::isfinite(one.where.bottom);
    for (const point& at : one.points)
        finite = finite && std::isfinite(at.x) && std::isfinite(at.y);
    return finite;
}

}  // namespace vultus
