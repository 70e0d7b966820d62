// The embedders that a worker has, by name. Which ones is decided at start: the kinds of dlib's
// network always, the others if their model files are there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/model/model_names.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/engine.hpp"

namespace vultus {

/// threads   one at a time; one object per lane (clone())
class embedder_set {
 public:
    embedder_set() = default;
    /// requires  names that differ
    explicit embedder_set(std::vector<std::unique_ptr<embedder>> all);
    /// The four kinds (embedding_kind) of a network, which they share, then the others.
    /// requires  a network of kind plain; names that differ
    embedder_set(std::unique_ptr<embedder> plain, std::vector<std::unique_ptr<embedder>> others);
    embedder_set clone() const;

    /// errors    model_mismatch: there is no such embedder here; the detail names it
    result<embedder*> named(std::string_view name) const;
    std::vector<embedder*> all() const;
    std::vector<std::string> names() const;
    std::vector<offered_embedder> offers() const;
    /// Removes the others.
    void keep(const std::function<bool(const embedder&)>& stays);

 private:
    struct entry {
        std::unique_ptr<embedder> one;
        std::optional<embedding_kind> kind;  ///< of plain_
    };
    void add(std::unique_ptr<embedder> one, std::optional<embedding_kind> kind);

    std::shared_ptr<embedder> plain_;
    std::vector<entry> all_;
};

}  // namespace vultus
