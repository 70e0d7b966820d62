// Keys of the other surfaces (docs/compat.md): a UUID made for one of them, or a native key. No
// cookie counts there. See access_control.hpp.
#include <algorithm>

#include "api/access/access_control.hpp"
#include "api/http/forwarded.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api {

asio::awaitable<result<void>> access_control::admit_compat(request& req, const access_rule& rule) {
    const surface of = req.row->of;
    // Before the body is received.
    if (of == surface::immich && req.row->body != body_kind::none &&
        !is_listed(req.address, chosen_.immich_clients)) {
        co_return refuse(errc::forbidden, "This address is not in compat.immich_clients");
    }
    if (!rule.needs_key()) co_return result<void>();
    if (chosen_.open && of != surface::compreface) co_return result<void>();
    auto text = presented_key(req.fields);
    if (!text) co_return refuse(errc::unauthorized, text.error().detail);
    // Of this surface it is inside the body: admit_by_body().
    if (text->empty() && of == surface::deepstack) co_return result<void>();
    const bool form = is_uuid(*text) || id_in_key(*text);
    if (of == surface::compreface && !form) {
        co_return refuse(errc::unauthorized, "The key is missing or no UUID");
    }
    if (chosen_.open) co_return result<void>();
    co_return co_await identify_compat(req, std::move(*text));
}

asio::awaitable<result<void>> access_control::admit_by_body(request& req, std::string key) {
    if (chosen_.open || req.key) co_return result<void>();
    if (auto good = co_await identify_compat(req, std::move(key)); !good) co_return good;
    co_return co_await charge(req, req.body.size());
}

asio::awaitable<result<void>> access_control::identify_compat(request& req, std::string text) {
    const error unknown{errc::unauthorized, "Key is unknown, revoked or expired"};
    const bool uuid = is_uuid(text);
    std::string id;
    if (uuid && !chosen_.secret.empty()) {
        std::transform(text.begin(), text.end(), text.begin(), [](char c) {
            return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        id = id_of_uuid_key(text, chosen_.secret);
    } else if (const auto inside = id_in_key(text)) {
        id = *inside;
    }
    if (id.empty()) co_return refuse(unknown.code, unknown.detail);
    if (auto good = co_await confirm(); !good) co_return good;
    const auto key = find(id);
    const bool good = key && !chosen_.secret.empty() &&
                      key->service == (uuid ? req.row->of : surface::native) &&
                      same_secret(hash_of_key(text, chosen_.secret), key->hash);
    if (!good) co_return refuse(unknown.code, unknown.detail);
    const access_rule& rule = rule_for(*req.row, req.method);
    if (!key->scopes.meets(rule.one_of())) {
        co_return refuse(errc::forbidden, "Key lacks the scope " + vultus::api::text_of(rule));
    }
    req.key = key;
    req.client = key->id;
    co_return result<void>();
}

}  // namespace vultus::api
