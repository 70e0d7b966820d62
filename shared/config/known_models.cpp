#include "shared/config/known_models.hpp"

#include <algorithm>

#include "shared/config/dependencies.hpp"

namespace vultus {

const std::vector<known_model>& known_models() {
    static const std::vector<known_model> all = [] {
        std::vector<known_model> made{
            {"hog", "detector", "BSL-1.0",
             "Labeled Faces in the Wild, as its author says; part of dlib", 0, true}};
        for (const model_facts& one : facts_of_models) {
            made.push_back(
                {one.name, one.kind, one.licence, one.training, one.dimension, one.required});
        }
        std::sort(made.begin(), made.end(),
                  [](const known_model& a, const known_model& b) { return a.name < b.name; });
        return made;
    }();
    return all;
}

const known_model* known_model_of(std::string_view name) {
    const std::string_view network = name.substr(0, name.find('/'));
    for (const known_model& one : known_models()) {
        if (one.name == network) return &one;
    }
    return nullptr;
}

}  // namespace vultus
