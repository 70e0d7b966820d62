// See face_template.hpp.
#include "workers/geometry/face_template.hpp"

#include "shared/base/require.hpp"

namespace vultus {
namespace {

/// Of a chip with side 1.
constexpr face_points omz_points{{{0.31557f, 0.46157f},
                                  {0.68262f, 0.46157f},
                                  {0.50026f, 0.64051f},
                                  {0.34947f, 0.82469f},
                                  {0.65344f, 0.82469f}}};
/// Of a chip with side 112.
constexpr face_points arcface_points{{{38.2946f, 51.6963f},
                                      {73.5318f, 51.5014f},
                                      {56.0252f, 71.7366f},
                                      {41.5493f, 92.3655f},
                                      {70.7299f, 92.2041f}}};
/// Both of a chip with side 1.
constexpr landmarks omz_landmarks{{{0.72360f, 0.45936f},
                                   {0.59299f, 0.46338f},
                                   {0.26183f, 0.46292f},
                                   {0.39243f, 0.46480f},
                                   {0.49507f, 0.71689f}}};
constexpr landmarks arcface_landmarks{{{0.70872f, 0.46983f},
                                       {0.58650f, 0.47395f},
                                       {0.27660f, 0.47444f},
                                       {0.39883f, 0.47584f},
                                       {0.49557f, 0.71150f}}};

std::array<point, 5> times(const std::array<point, 5>& points, float factor) {
    std::array<point, 5> scaled = points;
    for (point& one : scaled) one = {one.x * factor, one.y * factor};
    return scaled;
}

}  // namespace

std::optional<alignment> parse_alignment(std::string_view word) {
    if (word == "dlib") return alignment::dlib;
    if (word == "omz") return alignment::omz;
    if (word == "arcface112") return alignment::arcface;
    return std::nullopt;
}

chip_form usual_form(alignment how) {
    switch (how) {
        case alignment::dlib:
            return {how, limits::chip_side};
        case alignment::omz:
            return {how, 128};
        case alignment::arcface:
            return {how, 112};
    }
    VULTUS_REQUIRE(false, "one of the alignments");
}

face_points points_in(const chip_form& form) {
    VULTUS_REQUIRE(form.how != alignment::dlib, "an alignment by template");
    const auto side = static_cast<float>(form.side);
    return form.how == alignment::omz ? times(omz_points, side) : times(arcface_points, side / 112);
}

landmarks landmarks_in(const chip_form& form) {
    VULTUS_REQUIRE(form.how != alignment::dlib, "an alignment by template");
    const auto side = static_cast<float>(form.side);
    return times(form.how == alignment::omz ? omz_landmarks : arcface_landmarks, side);
}

}  // namespace vultus
