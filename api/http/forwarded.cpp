// See forwarded.hpp.
#include "api/http/forwarded.hpp"

#include <algorithm>
#include <optional>

#include "api/http/forwarded_field.hpp"
#include "api/http/header_fields.hpp"

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

/// The list elements of all fields of that name, in order.
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

/// The contents of one of the two forms: the chain of addresses, the nearest last, and the protocol
/// with which the nearest proxy was reached. Nothing if the form is not used.
struct contents {
    std::optional<std::vector<std::string>> chain;
    std::optional<std::string> protocol;
};

bool is_there(const headers& fields, std::string_view name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](auto& field) { return same_text(field.first, name); });
}

contents usual_fields(const headers& fields) {
    contents found;
    if (is_there(fields, "x-forwarded-for")) found.chain = words_of(fields, "x-forwarded-for");
    if (is_there(fields, "x-forwarded-proto")) {
        found.protocol = words_of(fields, "x-forwarded-proto").back();
    }
    return found;
}

contents standard_field(const headers& fields) {
    contents found;
    for (const auto& [name, value] : fields) {
        if (!same_text(name, "forwarded")) continue;
        if (!found.chain) found.chain.emplace();
        const auto elements = read_forwarded(value);
        if (!elements) {
            found.chain->emplace_back();  // unknown sender
            found.protocol.emplace();
            continue;
        }
        for (const auto& one : *elements) found.chain->push_back(one.node);
        if (!elements->empty()) found.protocol.reset();
        if (!elements->empty() && !elements->back().protocol.empty()) {
            found.protocol = elements->back().protocol;
        }
    }
    return found;
}

/// The last address of the chain that is not a proxy; if the chain breaks off, the last proxy
/// before that.
std::string client_of(std::vector<std::string> chain, std::string_view peer,
                      const std::vector<std::string>& trusted) {
    std::string found(peer);
    for (; !chain.empty(); chain.pop_back()) {
        const auto one = address_in(chain.back());
        if (!one) break;
        found = one->to_string();
        if (!is_one_of(*one, trusted)) break;
    }
    return found;
}

}  // namespace

bool is_listed(std::string_view which, const std::vector<std::string>& addresses) {
    const auto read = address_in(which);
    return read && is_one_of(*read, addresses);
}

std::string plain_address(const address& of) {
    return unmapped(of).to_string();
}

seen_client client_behind(const headers& fields, std::string_view peer,
                          const std::vector<std::string>& trusted) {
    seen_client seen{std::string(peer), false};
    const auto other_end = address_in(peer);
    if (!other_end || !is_one_of(*other_end, trusted)) return seen;
    // A proxy writes one form and may pass on the other as the client sent it, and the server
    // cannot tell which. So they are used only if they agree.
    const contents forms[] = {usual_fields(fields), standard_field(fields)};
    std::optional<std::string> client;
    bool any = false, all_secure = true;
    for (const contents& form : forms) {
        if (form.chain) {
            auto found = client_of(*form.chain, peer, trusted);
            client = !client || *client == found ? std::move(found) : std::string(peer);
        }
        if (!form.protocol) continue;
        any = true;
        all_secure = all_secure && same_text(*form.protocol, "https");
    }
    if (client) seen.address = *client;
    seen.secure = any && all_secure;
    return seen;
}

std::string counted_as(const std::string& address) {
    const auto read = address_in(address);
    if (!read) return address;
    if (read->is_v4()) return read->to_string();
    auto bytes = read->to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), 0);
    return asio::ip::make_address_v6(bytes).to_string() + "/64";
}

}  // namespace vultus::api
