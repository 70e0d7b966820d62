// See detector_set.hpp.
#include "workers/engine/detector_set.hpp"

#include <utility>

#include "shared/base/require.hpp"

namespace vultus {

detector_set::detector_set(std::vector<std::unique_ptr<detector>> all) : all_(std::move(all)) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            VULTUS_REQUIRE(all_[i]->name() != all_[j]->name(), "each detector once");
        }
    }
}

detector_set detector_set::clone() const {
    std::vector<std::unique_ptr<detector>> copies;
    for (const auto& one : all_) copies.push_back(one->clone());
    return detector_set(std::move(copies));
}

result<detector*> detector_set::named(std::string_view name) const {
    for (const auto& one : all_) {
        if (one->name() == name) return one.get();
    }
    return fail(errc::bad_option, "This worker has no model file for the detector " +
                                      std::string(name) + ": run config/fetch.py " +
                                      std::string(name) + " there and restart it");
}

std::vector<std::string> detector_set::names() const {
    std::vector<std::string> all;
    for (const auto& one : all_) all.emplace_back(one->name());
    return all;
}

}  // namespace vultus
