// See message.hpp.
#include "api/http/message.hpp"

#include "api/http/header_fields.hpp"

namespace vultus::api {

std::string_view find_header(const headers& fields, std::string_view name) noexcept {
    for (const auto& [key, value] : fields) {
        if (same_text(key, name)) return value;
    }
    return {};
}

response json_response(int status, std::string body) {
    response made;
    made.status = status;
    made.body = std::move(body);
    made.with("Content-Type", "application/json");
    return made;
}

}  // namespace vultus::api
