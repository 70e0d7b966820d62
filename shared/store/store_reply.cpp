// See store_reply.hpp.
#include "shared/store/store_reply.hpp"

#include <algorithm>
#include <array>

namespace vultus::store_reply {

error error_of(std::string_view text) {
    const std::string word(text.substr(0, text.find(' ')));
    if (word == "OOM") return {errc::out_of_memory, "Redis memory limit reached"};
    constexpr std::array away{"LOADING",   "READONLY",    "MISCONF",   "NOAUTH",
                              "WRONGPASS", "MASTERDOWN",  "BUSY",      "NOPERM",
                              "TRYAGAIN",  "CLUSTERDOWN", "NOREPLICAS"};
    const bool no_library = text.find("Function not found") != std::string_view::npos;
    if (no_library || std::find(away.begin(), away.end(), word) != away.end()) {
        return {errc::store_unavailable,
                "Redis unavailable: " + (no_library ? std::string("no library") : word)};
    }
    return {errc::internal, "Redis refused a call: " + std::string(text)};
}

std::string connection_number(std::string_view routing_id) {
    const std::size_t dot = routing_id.rfind('.');
    if (dot != std::string_view::npos) routing_id.remove_prefix(dot + 1);
    return routing_id.empty() ? "0" : std::string(routing_id);
}

std::string joined(const std::vector<std::string>& words, char between) {
    std::string all;
    for (const std::string& word : words) {
        if (!all.empty()) all += between;
        all += word;
    }
    return all;
}

bool is_next_cursor(std::string_view cursor, std::string_view before) noexcept {
    return !cursor.empty() && cursor.find_first_not_of("0123456789") == cursor.npos &&
           (cursor == "0" || cursor != before);
}

tl::unexpected<error> no_such_job(std::string_view status) {
    if (status == "not_found") return fail(errc::not_found, "No such job");
    if (status == "gone") return fail(errc::collected, "Job no longer stored");
    return unexpected_reply(status);
}

}  // namespace vultus::store_reply
