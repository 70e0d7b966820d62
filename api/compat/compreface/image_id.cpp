// See image_id.hpp.
#include "api/compat/compreface/image_id.hpp"

#include <algorithm>

#include "shared/base/ids.hpp"
#include "shared/model/access_key.hpp"

namespace vultus::api::compat {
namespace {

constexpr std::size_t uuid_bytes = 36, version_at = 14;
constexpr int job_version = 7, numbers = 16;
constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::optional<std::string> image_id_of(std::string_view face_id) {
    if (face_id.size() < uuid_bytes + 2 || face_id[uuid_bytes] != '-') return std::nullopt;
    std::string id(face_id.substr(0, uuid_bytes));
    const auto number = face_id.substr(uuid_bytes + 1);
    if (!is_job_id(id) || number.size() > 2) return std::nullopt;
    if (number.find_first_not_of("0123456789") != number.npos) return std::nullopt;
    if (number.size() == 2 && number[0] == '0') return std::nullopt;
    int value = 0;
    for (const char c : number) value = value * 10 + (c - '0');
    if (value >= numbers) return std::nullopt;
    id[version_at] = digits[static_cast<std::size_t>((job_version + value) % numbers)];
    return id;
}

std::optional<std::string> face_id_of(std::string_view image_id) {
    if (!is_uuid(image_id)) return std::nullopt;
    std::string id(image_id);
    std::transform(id.begin(), id.end(), id.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto version = static_cast<int>(digits.find(id[version_at]));
    id[version_at] = digits[job_version];
    if (!is_job_id(id)) return std::nullopt;
    return id + "-" + std::to_string((version - job_version + numbers) % numbers);
}

}  // namespace vultus::api::compat
