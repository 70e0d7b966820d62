// Who holds how much of something that all share: places, or bytes. As long as there is enough,
// everybody gets what he asks for. When three quarters are taken, nobody gets more than an even
// share, so that a fourth is left for those who come next. Pure; the same rule is in Redis for what
// is stored (40_accept.lua).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

namespace vultus::api {

/// threads   one
class shares {
 public:
    /// `most`  of all holders together
    explicit shares(std::size_t most) : most_(most) {}

    /// Whether `holder` may have so much more: it fits, and is within the share if it is scarce.
    bool admits(const std::string& holder, std::size_t amount = 1) const;
    void add(const std::string& holder, std::size_t amount);
    /// requires  it was added
    void remove(const std::string& holder, std::size_t amount);

    /// A place, until the last copy of it goes; null if it is not admitted.
    static std::shared_ptr<const void> take(const std::shared_ptr<shares>& of, std::string holder,
                                            std::size_t amount = 1);
    /// A place, admitted or not.
    static std::shared_ptr<const void> keep(const std::shared_ptr<shares>& of, std::string holder,
                                            std::size_t amount = 1);

    std::size_t taken() const noexcept { return taken_; }
    std::size_t most() const noexcept { return most_; }
    std::size_t held_by(const std::string& holder) const;
    /// Who holds most; empty if nobody holds anything.
    std::string greediest() const;

 private:
    std::size_t most_, taken_ = 0;
    std::unordered_map<std::string, std::size_t> held_;
};

}  // namespace vultus::api
