// The models that the service uses where neither the client nor the collection names one (REDIS.md,
// "Models").
#pragma once

#include <cstddef>
#include <string>

#include "shared/model/model_names.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct default_models {
    model_choice models;        ///< empty until the first worker has registered
    std::size_t dimension = 0;  ///< floats of a face by that embedder; 0: not known
};

/// threads   any; const after construction
class model_store {
 public:
    explicit model_store(store_context context) : context_(std::move(context)) {}

    redis_call<default_models> defaults() const;

    /// An empty name stays as it is. Collections with faces keep their embedder. `by`: for the
    /// audit log. `force`: also models that no worker has.
    /// requires  names that are empty or is_model_name()
    /// errors    no_worker: no registered worker has both; wrong_state: no worker has registered
    ///           yet, so there is no embedder to keep
    redis_call<default_models> set_defaults(const model_choice&, const std::string& by,
                                            bool force) const;

 private:
    store_context context_;
};

}  // namespace vultus
