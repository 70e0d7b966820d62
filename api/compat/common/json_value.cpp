// See json_value.hpp.
#include "api/compat/common/json_value.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "api/http/json.hpp"
#include "shared/base/json_bounds.hpp"

namespace vultus::api::compat {
namespace {

namespace json = boost::json;

json_value copied(const json::value& from) {
    using kind = json_value::kind;
    json_value made;
    if (from.is_bool()) {
        made.is = kind::boolean;
        made.truth = from.get_bool();
    } else if (from.is_number()) {
        json::error_code bad;
        made.is = kind::number;
        made.number = from.to_number<double>(bad);
    } else if (from.is_string()) {
        made.is = kind::text;
        made.text.assign(from.get_string().data(), from.get_string().size());
    } else if (from.is_array()) {
        made.is = kind::list;
        const auto& list = from.get_array();
        const bool plain =
            std::all_of(list.begin(), list.end(), [](const auto& one) { return one.is_number(); });
        for (const auto& one : list) {
            json::error_code bad;
            if (plain) made.numbers.push_back(one.to_number<double>(bad));
            if (!plain) made.items.push_back(copied(one));
        }
    } else if (from.is_object()) {
        made.is = kind::object;
        for (const auto& one : from.get_object()) {
            made.members.push_back(
                {std::string(one.key().data(), one.key().size()), copied(one.value())});
        }
    }
    return made;
}

}  // namespace

const json_value* json_value::find(std::string_view name) const noexcept {
    for (const auto& [key, value] : members) {
        if (key == name) return &value;
    }
    return nullptr;
}

std::string_view json_value::text_of(std::string_view name) const noexcept {
    const auto* found = find(name);
    return found == nullptr ? std::string_view{} : std::string_view(found->text);
}

double json_value::number_of(std::string_view name, double otherwise) const noexcept {
    const auto* found = find(name);
    return found == nullptr || found->is != kind::number ? otherwise : found->number;
}

result<json_value> parse_body(std::string_view text) {
    if (std::count(text.begin(), text.end(), ',') >= json_values_max) {
        return fail(errc::too_large, "JSON has more than 100000 values");
    }
    return parse_json(text);
}

result<json_value> parse_json(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (auto good = check_json(text); !good) return fail(good.error());
    boost::system::error_code bad;
    const auto parsed = json::parse(json::string_view(text.data(), text.size()), bad);
    if (bad) return fail(errc::malformed, "Body is not JSON");
    return copied(parsed);
}

std::string json_list(const std::vector<double>& numbers) {
    json_array list;
    for (const double one : numbers) list.raw(json_number(one));
    return list.take();
}

}  // namespace vultus::api::compat
