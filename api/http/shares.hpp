// Fair shares of a scarce resource: slots or bytes. While there is enough, every request is
// admitted. Once three quarters are taken, a holder gets at most an even share, so that a quarter
// is left for new ones. Pure. Redis applies the same rule to stored jobs (40_accept.lua).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

namespace vultus::api {

/// threads   one
class shares {
 public:
    /// `most`  the total for all holders
    explicit shares(std::size_t most) : most_(most) {}

    /// Whether `holder` may take so much more: it fits, and is within the share if that applies.
    bool admits(const std::string& holder, std::size_t amount = 1) const;
    void add(const std::string& holder, std::size_t amount);
    /// requires  it was added
    void remove(const std::string& holder, std::size_t amount);

    /// A slot, held until its last copy is destroyed; null if it is not admitted.
    static std::shared_ptr<const void> take(const std::shared_ptr<shares>& of, std::string holder,
                                            std::size_t amount = 1);
    /// A slot, admitted or not.
    static std::shared_ptr<const void> keep(const std::shared_ptr<shares>& of, std::string holder,
                                            std::size_t amount = 1);

    std::size_t taken() const noexcept { return taken_; }
    std::size_t most() const noexcept { return most_; }
    std::size_t held_by(const std::string& holder) const;
    /// The holder of the largest amount; empty if there is no holder.
    std::string greediest() const;

 private:
    std::size_t most_, taken_ = 0;
    std::unordered_map<std::string, std::size_t> held_;
};

}  // namespace vultus::api
