// See embedder_set.hpp.
#include "workers/engine/embedder_set.hpp"

#include <utility>

#include "shared/base/require.hpp"

namespace vultus {

embedder_set::embedder_set(std::vector<std::unique_ptr<embedder>> all) {
    for (auto& one : all) add(std::move(one), std::nullopt);
}

embedder_set::embedder_set(std::unique_ptr<embedder> plain,
                           std::vector<std::unique_ptr<embedder>> others)
    : plain_(std::move(plain)) {
    for (const embedding_kind kind : {embedding_kind::plain, embedding_kind::mirror,
                                      embedding_kind::unit, embedding_kind::mirror_unit}) {
        add(with_kind(plain_, kind), kind);
    }
    for (auto& one : others) add(std::move(one), std::nullopt);
}

void embedder_set::add(std::unique_ptr<embedder> one, std::optional<embedding_kind> kind) {
    for (const entry& other : all_) {
        VULTUS_REQUIRE(other.one->name() != one->name(), "each embedder once");
    }
    all_.push_back({std::move(one), kind});
}

embedder_set embedder_set::clone() const {
    embedder_set copy;
    if (plain_) copy.plain_ = plain_->clone();
    for (const entry& one : all_) {
        copy.all_.push_back(
            {one.kind ? with_kind(copy.plain_, *one.kind) : one.one->clone(), one.kind});
    }
    return copy;
}

result<embedder*> embedder_set::named(std::string_view name) const {
    for (const entry& one : all_) {
        if (one.one->name() == name) return one.one.get();
    }
    return fail(errc::model_mismatch, "This worker has no embedder " + std::string(name) +
                                          ": give it the model file and restart it");
}

std::vector<embedder*> embedder_set::all() const {
    std::vector<embedder*> found;
    for (const entry& one : all_) found.push_back(one.one.get());
    return found;
}

std::vector<std::string> embedder_set::names() const {
    std::vector<std::string> found;
    for (const entry& one : all_) found.emplace_back(one.one->name());
    return found;
}

std::vector<offered_embedder> embedder_set::offers() const {
    std::vector<offered_embedder> found;
    for (const entry& one : all_) {
        found.push_back({std::string(one.one->name()), one.one->dimension()});
    }
    return found;
}

void embedder_set::keep(const std::function<bool(const embedder&)>& stays) {
    std::erase_if(all_, [&](const entry& one) { return !stays(*one.one); });
}

}  // namespace vultus
