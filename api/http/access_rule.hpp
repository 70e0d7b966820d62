// Who may call a method of a route, and the key that a request presents. Pure. Keys and quotas are
// checked in access_control.hpp; the rules are described in ACCESS.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/model/access_key.hpp"

namespace vultus::api {

/// No default constructor: a method of a route without a rule does not compile.
class access_rule {
 public:
    constexpr access_rule(scope needed) : access_rule(kind::key, {needed}) {}
    constexpr explicit access_rule(scope_set one_of) : access_rule(kind::key, one_of) {}
    static constexpr access_rule not_there() { return access_rule(kind::not_there, {}); }
    static constexpr access_rule anybody() { return access_rule(kind::anybody, {}); }
    /// As anybody(), but a valid key or session is recognized.
    static constexpr access_rule whoever() { return access_rule(kind::whoever, {}); }
    /// Any valid key; the answer contains what that key may see.
    static constexpr access_rule any_key() {
        return access_rule(scope_set{scope::read, scope::recognize, scope::train, scope::admin});
    }

    /// Whether the route takes the method at all.
    constexpr bool is_there() const { return kind_ != kind::not_there; }
    constexpr bool needs_key() const { return kind_ == kind::key; }
    /// Whether the key is evaluated.
    constexpr bool looks() const { return needs_key() || kind_ == kind::whoever; }
    /// A key needs one of these.
    constexpr scope_set one_of() const { return one_of_; }

 private:
    enum class kind { not_there, anybody, whoever, key };
    constexpr access_rule(kind what, scope_set one_of) : kind_(what), one_of_(one_of) {}
    kind kind_;
    scope_set one_of_;
};

/// "anybody", "read", "read,train"…: for documents and goldens.
std::string text_of(const access_rule& rule);

/// The key in Authorization or X-Api-Key, unchanged; empty without one.
/// errors    malformed: more than one; unauthorized: an Authorization other than Bearer
result<std::string> presented_key(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace vultus::api
