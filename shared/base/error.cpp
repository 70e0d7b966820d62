#include "shared/base/error.hpp"

#include <array>
#include <utility>

namespace vultus {
namespace {

constexpr std::array names{
    std::pair{errc::malformed, "malformed"},
    std::pair{errc::bad_option, "bad_option"},
    std::pair{errc::bad_label, "bad_label"},
    std::pair{errc::bad_collection, "bad_collection"},
    std::pair{errc::not_found, "not_found"},
    std::pair{errc::collected, "collected"},
    std::pair{errc::method_not_allowed, "method_not_allowed"},
    std::pair{errc::already_terminal, "already_terminal"},
    std::pair{errc::wrong_state, "wrong_state"},
    std::pair{errc::several_people, "several_people"},
    std::pair{errc::person_exists, "person_exists"},
    std::pair{errc::length_required, "length_required"},
    std::pair{errc::too_large, "too_large"},
    std::pair{errc::unsupported_media, "unsupported_media"},
    std::pair{errc::idempotency_conflict, "idempotency_conflict"},
    std::pair{errc::unauthorized, "unauthorized"},
    std::pair{errc::forbidden, "forbidden"},
    std::pair{errc::forbidden_origin, "forbidden_origin"},
    std::pair{errc::misdirected, "misdirected"},
    std::pair{errc::quota, "quota"},
    std::pair{errc::request_timeout, "request_timeout"},
    std::pair{errc::upgrade_required, "upgrade_required"},
    std::pair{errc::url_refused, "url_refused"},
    std::pair{errc::fetch_failed, "fetch_failed"},
    std::pair{errc::queue_full, "queue_full"},
    std::pair{errc::store_unavailable, "store_unavailable"},
    std::pair{errc::migrating, "migrating"},
    std::pair{errc::no_worker, "no_worker"},
    std::pair{errc::draining, "draining"},
    std::pair{errc::unknown_outcome, "unknown_outcome"},
    std::pair{errc::undecodable_image, "undecodable_image"},
    std::pair{errc::truncated_image, "truncated_image"},
    std::pair{errc::no_face, "no_face"},
    std::pair{errc::several_faces, "several_faces"},
    std::pair{errc::too_small, "too_small"},
    std::pair{errc::blurred, "blurred"},
    std::pair{errc::turned_away, "turned_away"},
    std::pair{errc::too_dark, "too_dark"},
    std::pair{errc::too_bright, "too_bright"},
    std::pair{errc::looks_like_other, "looks_like_other"},
    std::pair{errc::no_usable_photo, "no_usable_photo"},
    std::pair{errc::too_few_people, "too_few_people"},
    std::pair{errc::label_full, "label_full"},
    std::pair{errc::gallery_full, "gallery_full"},
    std::pair{errc::model_mismatch, "model_mismatch"},
    std::pair{errc::no_image, "no_image"},
    std::pair{errc::deadline_exceeded, "deadline_exceeded"},
    std::pair{errc::out_of_memory, "out_of_memory"},
    std::pair{errc::device_fault, "device_fault"},
    std::pair{errc::poison, "poison"},
    std::pair{errc::stale, "stale"},
    std::pair{errc::old_version, "old_version"},
    std::pair{errc::not_registered, "not_registered"},
    std::pair{errc::wrong_version, "wrong_version"},
    std::pair{errc::internal, "internal"},
};
static_assert(
    names.size() == static_cast<std::size_t>(errc::internal) + 1 &&
        [] {
            for (std::size_t i = 0; i < names.size(); ++i) {
                if (names[i].first != static_cast<errc>(i)) return false;
            }
            return true;
        }(),
    "every code has a name, in the order of errc");

}  // namespace

std::string_view name_of(errc code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return names[index < names.size() ? index : names.size() - 1].second;
}

std::optional<errc> errc_named(std::string_view wanted) noexcept {
    for (const auto& [value, name] : names) {
        if (wanted == name) return value;
    }
    return std::nullopt;
}

bool retryable(errc code) noexcept {
    switch (code) {
        case errc::store_unavailable:
        case errc::unknown_outcome:
        case errc::out_of_memory:
        case errc::no_worker:
        case errc::queue_full:
        case errc::draining:
            return true;
        default:
            return false;
    }
}

}  // namespace vultus
