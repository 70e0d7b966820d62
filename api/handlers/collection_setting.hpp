// What GET, POST and DELETE of a collection's setting (pictures, retention) have in common.
#pragma once

#include <optional>

#include "api/handlers/handlers.hpp"
#include "api/jobs/submission.hpp"

namespace vultus::api::handlers {

template <class Value>
struct setting_change {
    bool made = false;           ///< false: the setting is only read
    std::optional<Value> value;  ///< none: the collection has no setting of its own any more
};

/// What the request does with the setting: POST sets the one in `field`, which `read` reads from
/// the request's fields; DELETE removes it; GET reads it. errors    bad_option: other fields, and
/// those of `read`
template <class Value>
result<setting_change<Value>> setting_change_of(request& req, const char* field,
                                                result<Value> (*read)(const name_values&)) {
    setting_change<Value> change;
    change.made = req.method == "POST" || req.method == "DELETE";
    if (req.method != "POST") return change;
    const auto given = read_fields(req, field);
    if (!given) return fail(given.error());
    auto value = read(*given);
    if (!value) return fail(value.error());
    change.value = std::move(*value);
    return change;
}

}  // namespace vultus::api::handlers
