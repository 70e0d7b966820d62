// Whether a collection keeps pictures of the faces that it is taught (REDIS.md, "Pictures").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct picture_rule {
    std::optional<bool> keep;    ///< the choice of the collection; none: the worker's setting
    std::uint64_t pictures = 0;  ///< faces that have one
    std::uint64_t removed = 0;   ///< by the call that set the rule
};

struct unpictured_step {
    std::string cursor;               ///< of the next step; empty: this was the last
    std::vector<std::string> labels;  ///< in the order of their bytes
};

/// threads   any; const after construction
class picture_store {
 public:
    explicit picture_store(store_context context) : context_(std::move(context)) {}

    /// Of a collection that is not there: no choice, no pictures.
    redis_call<picture_rule> rule_of(std::string_view collection) const;

    /// Applies to faces that are stored from here on; false also removes the pictures that are
    /// there. No value: the worker's setting decides. A choice makes the collection if it is not
    /// there. `by`, `address`: for the audit log.
    /// errors    not_found: no value, and there is no such collection; gallery_full: no more
    ///           collections possible
    redis_call<picture_rule> set_rule(std::string_view collection, std::optional<bool> keep,
                                      const std::string& by, const std::string& address = {}) const;

    /// People with a face that has no picture, of about 1,000 faces. From cursor "" on.
    redis_call<unpictured_step> people_without(std::string_view collection,
                                               const std::string& cursor) const;

 private:
    store_context context_;
};

}  // namespace vultus
