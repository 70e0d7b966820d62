#include "workers/calibration/gallery_calibration.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "workers/calibration/all_pairs.hpp"
#include "workers/calibration/naming_chance.hpp"

namespace vultus {
namespace {

constexpr std::array match_rates{1e-5, 1e-4, 1e-3, 1e-2};
constexpr std::array stranger_rates{0.01, 0.05, 0.20};
constexpr double pairs_min = 10;  // fewer say little about a rate
constexpr float far_away = std::numeric_limits<float>::infinity();

struct place {
    const gallery_segment* segment = nullptr;
    std::size_t row = 0;

    const std::string& face_id() const { return segment->face_ids[row]; }
    const std::string& label() const { return *segment->labels[row]; }
};
using person = std::pair<std::string_view, std::vector<place>>;

/// FNV-1a: an order of people that is independent of their names' order and their age.
std::uint64_t order_of(std::string_view label) {
    std::uint64_t value = 14'695'981'039'346'656'037ULL;
    for (const char one : label) {
        value = (value ^ static_cast<unsigned char>(one)) * 1'099'511'628'211ULL;
    }
    return value;
}

/// Those with two faces first, each group in pseudo-random order.
std::vector<person> people_of(const gallery& all, std::size_t faces_a_person) {
    std::map<std::string_view, std::vector<place>> by_label;
    for (const auto& segment : all.segments) {
        for (std::size_t row = 0; row < segment->rows(); ++row) {
            if (segment->is_removed(row)) continue;
            auto& own = by_label[*segment->labels[row]];
            if (own.size() < faces_a_person) own.push_back({segment.get(), row});
        }
    }
    std::vector<person> people(by_label.begin(), by_label.end());
    std::sort(people.begin(), people.end(), [](const person& one, const person& other) {
        const auto key = [](const person& who) {
            return std::tuple(who.second.size() < 2, order_of(who.first), who.first);
        };
        return key(one) < key(other);
    });
    return people;
}

struct sample {
    std::vector<place> places;
    std::vector<numbered_face> faces;
    std::uint32_t people = 0;
};

sample draw(const std::vector<person>& people, std::size_t faces_max) {
    sample drawn;
    for (const person& who : people) {
        if (drawn.faces.size() + who.second.size() > faces_max) break;
        for (const place& at : who.second) {
            drawn.places.push_back(at);
            drawn.faces.push_back({embedding(at.segment->vector(at.row)), drawn.people});
        }
        ++drawn.people;
    }
    return drawn;
}

struct nearest {
    float distance = far_away;
    std::uint32_t face = 0;

    void see(float other_distance, std::uint32_t other) {
        if (other_distance < distance) *this = {other_distance, other};
    }
};

/// What is recorded of each pair in addition to compare_all's result.
struct seen_pairs {
    explicit seen_pairs(const sample& from)
        : faces(from.faces), own(from.faces.size()), other(from.faces.size()) {}

    void see(std::uint32_t first, std::uint32_t second, float distance) {
        const bool same = faces[first].person == faces[second].person;
        auto& bins = same ? genuine : impostors;
        const auto bin = static_cast<std::size_t>(distance / gallery_calibration::bin_width);
        if (bin >= bins.size()) bins.resize(bin + 1);
        ++bins[bin];
        auto& near = same ? own : other;
        near[first].see(distance, second);
        near[second].see(distance, first);
    }

    const std::vector<numbered_face>& faces;
    std::vector<std::uint64_t> genuine, impostors;
    std::vector<nearest> own, other;
};

void find_suspicious(gallery_calibration& found, const sample& drawn, const seen_pairs& seen,
                     std::size_t most) {
    std::vector<gallery_calibration::suspicious_face> all;
    for (std::size_t i = 0; i < drawn.places.size(); ++i) {
        const nearest &own = seen.own[i], &other = seen.other[i];
        if (own.distance == far_away || !(other.distance < own.distance)) continue;
        const place& who = drawn.places[other.face];
        all.push_back({drawn.places[i].label(), drawn.places[i].face_id(),
                       static_cast<double>(own.distance), who.label(), who.face_id(),
                       static_cast<double>(other.distance)});
    }
    std::sort(all.begin(), all.end(), [](const auto& one, const auto& other) {
        return std::tuple(other.distance - other.other_distance, one.face_id) <
               std::tuple(one.distance - one.other_distance, other.face_id);
    });
    found.suspicious_left_out = all.size() - std::min(all.size(), most);
    all.resize(std::min(all.size(), most));
    found.suspicious = std::move(all);
}

void find_distances(gallery_calibration& found, const all_pairs& pairs) {
    const auto all = static_cast<double>(pairs.impostors_all);
    const auto others = static_cast<int>(found.people_compared) - 1;
    const auto point_at = [&](double rate, float distance) {
        return gallery_calibration::point{rate, static_cast<double>(distance),
                                          tar_at(pairs, distance).value_or(0)};
    };
    for (const double rate : match_rates) {
        if (rate * all < pairs_min) continue;
        found.comparisons.push_back(point_at(rate, distance_at_far(pairs, rate)));
    }
    const auto distances = distances_for_chances(pairs, others, stranger_rates);
    for (std::size_t i = 0; i < distances.size(); ++i) {
        // A rate that stands for less than one person says nothing.
        if (!distances[i] || stranger_rates[i] * others < 1) continue;
        found.strangers.push_back(point_at(stranger_rates[i], *distances[i]));
    }
    const auto usual = static_cast<float>(found.distance_max);
    found.true_match_rate = tar_at(pairs, usual);
    if (pairs.whole() || usual < pairs.impostors.back().distance) {
        found.false_match_rate = far_at(pairs, usual);
        found.stranger_rate = naming_chance(pairs, usual, others);
    }
}

}  // namespace

result<gallery_calibration> calibrate(const gallery& all, const threshold_rule& rule,
                                      const calibration_limits& limits) {
    const std::vector<person> people = people_of(all, limits.faces_a_person);
    const auto with_two = static_cast<std::size_t>(std::count_if(
        people.begin(), people.end(), [](const person& who) { return who.second.size() > 1; }));
    if (with_two < limits.people_with_two) {
        return fail(errc::too_few_people,
                    std::to_string(limits.people_with_two) +
                        " people with two photos are required, the collection has " +
                        std::to_string(with_two));
    }
    const sample drawn = draw(people, limits.faces);
    seen_pairs seen(drawn);
    const auto see = [&seen](std::uint32_t first, std::uint32_t second, float distance) {
        seen.see(first, second, distance);
    };
    const all_pairs pairs = compare_all(drawn.faces, 500'000, see);

    gallery_calibration found;
    found.version = all.version;
    found.embedding_model = all.embedding_model;
    found.people = all.people;
    found.faces = all.faces;
    found.people_compared = drawn.people;
    found.faces_compared = drawn.faces.size();
    found.people_with_two = std::min<std::size_t>(with_two, drawn.people);
    found.genuine_pairs = pairs.genuine.size();
    found.impostor_pairs = pairs.impostors_all;
    found.distance_max = rule.distance_for(all.faces);
    find_distances(found, pairs);
    find_suspicious(found, drawn, seen, limits.suspicious);
    found.genuine = std::move(seen.genuine);
    found.impostors = std::move(seen.impostors);
    return found;
}

}  // namespace vultus
