// See shares.hpp.
#include "api/http/shares.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus::api {

bool shares::admits(const std::string& holder, std::size_t amount) const {
    if (amount > most_ - std::min(most_, taken_)) return false;
    if (taken_ < most_ - most_ / 4) return true;
    const std::size_t held = held_by(holder);
    const std::size_t holders = held_.size() + 1;  // one share for the next holder
    return held == 0 || held < most_ / holders + (most_ % holders == 0 ? 0 : 1);
}

void shares::add(const std::string& holder, std::size_t amount) {
    if (amount == 0) return;
    taken_ += amount;
    held_[holder] += amount;
}

void shares::remove(const std::string& holder, std::size_t amount) {
    if (amount == 0) return;
    const auto found = held_.find(holder);
    VULTUS_REQUIRE(found != held_.end() && found->second >= amount,
                   "only what was added is removed");
    taken_ -= amount;
    found->second -= amount;
    if (found->second == 0) held_.erase(found);
}

std::shared_ptr<const void> shares::take(const std::shared_ptr<shares>& of, std::string holder,
                                         std::size_t amount) {
    return of->admits(holder, amount) ? keep(of, std::move(holder), amount) : nullptr;
}

std::shared_ptr<const void> shares::keep(const std::shared_ptr<shares>& of, std::string holder,
                                         std::size_t amount) {
    of->add(holder, amount);
    static constexpr char place = 0;
    return {&place,
            [of, holder = std::move(holder), amount](const void*) { of->remove(holder, amount); }};
}

std::string shares::greediest() const {
    const auto most = std::max_element(held_.begin(), held_.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    return most == held_.end() ? std::string() : most->first;
}

std::size_t shares::held_by(const std::string& holder) const {
    const auto found = held_.find(holder);
    return found == held_.end() ? 0 : found->second;
}

}  // namespace vultus::api
