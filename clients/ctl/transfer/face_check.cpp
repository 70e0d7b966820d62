// See face_check.hpp.
#include "clients/ctl/transfer/face_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "clients/ctl/output/json_text.hpp"

namespace vultus::ctl {
namespace {

// The names in workers/engine/embedding_kind.hpp, and whether their vectors have length 1.
struct kind {
    std::string_view name;
    bool unit;
};
constexpr std::array kinds{kind{"plain", false}, kind{"mirror", false}, kind{"unit", true},
                           kind{"mirror_unit", true}};
constexpr double length_error = 1e-3;  // of at most 512 floats, each rounded to 6e-8

const kind* kind_of(std::string_view model) {
    const auto slash = model.rfind('/');
    if (slash == model.npos || slash == 0) return nullptr;
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const kind& one) {
        return one.name == model.substr(slash + 1);
    });
    return found == kinds.end() ? nullptr : &*found;
}

}  // namespace

result<void> check_model(std::string_view model) {
    if (kind_of(model) != nullptr) return {};
    return fail(errc::malformed,
                "unknown embedding model " + std::string(model) + ": nothing was restored");
}

result<void> check_face(const exported_face& face, std::string_view model, std::size_t dimension) {
    if (face.vector.size() != dimension * sizeof(float)) {
        return fail(errc::malformed, "vector has the wrong size");
    }
    double squares = 0;
    for (std::size_t at = 0; at < face.vector.size(); at += sizeof(float)) {
        float one = 0;
        std::memcpy(&one, face.vector.data() + at, sizeof one);
        squares += static_cast<double>(one) * static_cast<double>(one);
    }
    if (!std::isfinite(squares)) {
        return fail(errc::malformed, "vector contains a value that is not finite");
    }
    if (kind_of(model)->unit && std::abs(std::sqrt(squares) - 1) > length_error) {
        return fail(errc::malformed, "vector has length " + std::to_string(std::sqrt(squares)) +
                                         ", not 1 as required by " + std::string(model));
    }
    if (json_member(face.json, "label") != face.label) {
        return fail(errc::malformed, "text is not the JSON of its label");
    }
    return {};
}

}  // namespace vultus::ctl
