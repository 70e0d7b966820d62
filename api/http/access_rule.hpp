// Who may call a method of a route, and which key a request shows. Pure; the keys themselves and
// their quotas are in access_control.hpp, the rules for people in ACCESS.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/model/access_key.hpp"

namespace vultus::api {

/// It has no default: a method of a route without a rule does not compile.
class access_rule {
 public:
    constexpr access_rule(scope needed) : access_rule(kind::key, {needed}) {}
    constexpr explicit access_rule(scope_set one_of) : access_rule(kind::key, one_of) {}
    static constexpr access_rule not_there() { return access_rule(kind::not_there, {}); }
    static constexpr access_rule anybody() { return access_rule(kind::anybody, {}); }
    /// As anybody(), but whose key or session it is gets known, if it is a good one.
    static constexpr access_rule whoever() { return access_rule(kind::whoever, {}); }
    /// Any key will do; the answer shows what the key may see.
    static constexpr access_rule any_key() {
        return access_rule(scope_set{scope::read, scope::recognize, scope::train, scope::admin});
    }

    /// Whether the route takes the method at all.
    constexpr bool is_there() const { return kind_ != kind::not_there; }
    constexpr bool needs_key() const { return kind_ == kind::key; }
    /// Whether anybody looks at the key.
    constexpr bool looks() const { return needs_key() || kind_ == kind::whoever; }
    /// A key needs one of these.
    constexpr scope_set one_of() const { return one_of_; }

 private:
    enum class kind { not_there, anybody, whoever, key };
    constexpr access_rule(kind what, scope_set one_of) : kind_(what), one_of_(one_of) {}
    kind kind_;
    scope_set one_of_;
};

/// "anybody", "read", "read,train"…: for people and goldens.
std::string text_of(const access_rule& rule);

/// The key in Authorization or X-Api-Key as it was sent; empty without one.
/// errors    malformed: several; unauthorized: an Authorization that is not Bearer
result<std::string> presented_key(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace vultus::api
