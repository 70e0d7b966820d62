// See forwarded.hpp.
#include "api/forwarded.hpp"

#include <algorithm>
#include <optional>

#include "api/fields.hpp"

namespace vultus::api {
namespace {

using asio::ip::address;

/// ::ffff:1.2.3.4 is 1.2.3.4.
address unmapped(const address& from) {
    if (!from.is_v6() || !from.to_v6().is_v4_mapped()) return from;
    return asio::ip::make_address_v4(asio::ip::v4_mapped, from.to_v6());
}

std::optional<address> address_in(std::string_view text) {
    boost::system::error_code bad;
    const auto read = asio::ip::make_address(std::string(text), bad);
    if (bad) return std::nullopt;
    return unmapped(read);
}

bool is_one_of(const address& which, const std::vector<std::string>& trusted) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const std::string& one) { return address_in(one) == which; });
}

/// The words of all fields of that name, in order.
std::vector<std::string> words_of(const headers& fields, std::string_view name) {
    std::vector<std::string> words;
    for (const auto& [of, value] : fields) {
        if (!same_text(of, name)) continue;
        std::string_view rest = value;
        while (true) {
            const auto comma = rest.find(',');
            words.emplace_back(trimmed(rest.substr(0, comma)));
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return words;
}

}  // namespace

std::string plain_address(const address& of) { return unmapped(of).to_string(); }

seen_client client_behind(const headers& fields, std::string_view peer,
                          const std::vector<std::string>& trusted) {
    seen_client seen{std::string(peer), false};
    const auto other_end = address_in(peer);
    if (!other_end || !is_one_of(*other_end, trusted)) return seen;
    const auto protocols = words_of(fields, "x-forwarded-proto");
    seen.secure = !protocols.empty() && same_text(protocols.back(), "https");
    auto chain = words_of(fields, "x-forwarded-for");
    for (; !chain.empty(); chain.pop_back()) {
        const auto one = address_in(chain.back());
        if (!one) break;  // a trusted proxy would not write that
        seen.address = one->to_string();
        if (!is_one_of(*one, trusted)) break;
    }
    return seen;
}

std::string counted_as(const std::string& address) {
    boost::system::error_code bad;
    const auto read = asio::ip::make_address(address, bad);
    if (bad || read.is_v4()) return address;
    auto bytes = read.to_v6().to_bytes();
    if (read.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, read.to_v6()).to_string();
    }
    std::fill(bytes.begin() + 8, bytes.end(), 0);
    return asio::ip::make_address_v6(bytes).to_string() + "/64";
}

}  // namespace vultus::api
