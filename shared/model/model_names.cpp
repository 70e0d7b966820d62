#include "shared/model/model_names.hpp"

#include <algorithm>

namespace vultus {

bool is_model_name(std::string_view text) noexcept {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '_' || c == '.' || c == '/';
    };
    return !text.empty() && text.size() <= limits::model_name_bytes &&
           std::all_of(text.begin(), text.end(), allowed);
}

bool are_model_names(const std::vector<std::string>& names) noexcept {
    return names.size() <= limits::models_of_worker &&
           std::all_of(names.begin(), names.end(), is_model_name);
}

std::vector<std::string> names_of(const std::vector<offered_embedder>& all) {
    std::vector<std::string> names;
    for (const offered_embedder& one : all) names.push_back(one.name);
    return names;
}

}  // namespace vultus
