// See person_ids.hpp.
#include "api/jobs/person_ids.hpp"

#include <algorithm>

#include "api/http/json.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

// It cannot be a part of a JSON string, where each of these quotes would be escaped.
constexpr std::string_view member = R"("person_id":")";

/// Calls found(begin, end, key) for each placeholder, with its quotes.
template <class Found>
void each_placeholder(std::string_view text, Found found) {
    for (auto at = text.find(member); at != text.npos; at = text.find(member, at)) {
        at += member.size();
        const auto end = text.find('"', at);
        if (end == text.npos) return;
        auto key = key_in_placeholder(text.substr(at, end - at));
        if (!key.empty()) found(at - 1, end + 1, std::move(key));
    }
}

}  // namespace

std::vector<std::string> keys_in(std::string_view result) {
    std::vector<std::string> keys;
    each_placeholder(
        result, [&](std::size_t, std::size_t, std::string key) { keys.push_back(std::move(key)); });
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    if (keys.size() > limits::page_size) keys.resize(limits::page_size);
    return keys;
}

std::string with_person_ids(std::string_view result, const std::vector<std::string>& keys,
                            const std::vector<known_person>& people) {
    std::string text;
    text.reserve(result.size());
    std::size_t copied = 0;
    each_placeholder(result, [&](std::size_t begin, std::size_t end, const std::string& key) {
        text += result.substr(copied, begin - copied);
        copied = end;
        const auto at = std::find(keys.begin(), keys.end(), key);
        const auto index = static_cast<std::size_t>(at - keys.begin());
        const bool known = index < people.size() && !people[index].person_id.empty();
        text += known ? json_quoted(people[index].person_id) : "null";
        if (known && people[index].name_shared) text += R"(,"name_shared":true)";
    });
    return text.append(result.substr(copied));
}

}  // namespace vultus::api
