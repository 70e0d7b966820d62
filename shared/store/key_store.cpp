// See key_store.hpp.
#include "shared/store/key_store.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

access_key read_key(fields& all) {
    access_key key;
    key.id = all.text();
    key.hash = all.text();
    const auto scopes = read_stored_scopes(all.text(), key);
    const auto collections = parse_collections(all.text());
    // What cannot be read allows nothing.
    if (!scopes) key.scopes = {};
    if (collections) key.collections = *collections;
    key.quota.requests = all.number();
    key.quota.image_bytes = all.number();
    key.quota.jobs = all.number();
    key.expires = all.time();
    key.created = all.time();
    key.note = all.text();
    return key;
}

bucket read_bucket(fields& all) {
    bucket one;
    one.quota = all.number();
    one.left = all.number();
    one.full_in = std::chrono::seconds(all.number<std::int64_t>());
    return one;
}

tl::unexpected<error> not_made(const std::string& status) {
    if (status == "exists") return fail(errc::wrong_state, "A key with that id exists");
    if (status == "not_found") return fail(errc::not_found, "No such key");
    if (status != "full") return unexpected_reply(status);
    return fail(errc::queue_full, "Key limit reached: revoke one");
}

}  // namespace

redis_call<key_page> key_store::keys(std::string_view known) const {
    return function_call<key_page>("keys", context_.prefix(), {std::string(known)},
                                   [](const std::string& status, fields& all) -> result<key_page> {
                                       key_page page;
                                       page.same = status == "same";
                                       page.changes = all.text();
                                       if (page.same) return page;
                                       if (status != "ok") return unexpected_reply(status);
                                       const auto count = all.number();
                                       for (std::uint64_t n = 0; n < count && all.more(); ++n) {
                                           page.keys.push_back(read_key(all));
                                       }
                                       return page;
                                   });
}

redis_call<spent> key_store::spend(std::string_view key_id, std::size_t image_bytes) const {
    return function_call<spent>(
        "spend", context_.prefix(), {std::string(key_id), std::to_string(image_bytes)},
        [](const std::string& status, fields& all) -> result<spent> {
            if (status == "not_found") return fail(errc::unauthorized, "Key is not valid");
            if (status != "ok" && status != "over") return unexpected_reply(status);
            spent reply;
            if (status == "over") {
                reply.over = all.text();
                reply.wait = std::chrono::milliseconds(all.number<std::int64_t>());
            }
            reply.requests = read_bucket(all);
            reply.image_bytes = read_bucket(all);
            return reply;
        });
}

redis_call<void> key_store::create_key(const access_key& key, std::string_view by) const {
    return function_call<void>(
        "key_create", context_.prefix(),
        {key.id, key.hash, stored_scopes(key), text_of(key.collections),
         std::to_string(key.quota.requests), std::to_string(key.quota.image_bytes),
         std::to_string(key.quota.jobs), text_of(key.expires), key.note, std::string(by)},
        [](const std::string& status, fields&) -> result<void> {
            if (status == "ok") return {};
            return not_made(status);
        });
}

redis_call<void> key_store::revoke_key(std::string_view id, std::string_view by) const {
    return function_call<void>("key_revoke", context_.prefix(), {std::string(id), std::string(by)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   return not_made(status);
                               });
}

redis_call<unix_time> key_store::rotate_key(std::string_view old_id, std::string_view id,
                                            std::string_view hash,
                                            std::chrono::milliseconds overlap,
                                            std::string_view by) const {
    return function_call<unix_time>(
        "key_rotate", context_.prefix(),
        {std::string(old_id), std::string(id), std::string(hash), text_of(overlap),
         std::string(by)},
        [](const std::string& status, fields& all) -> result<unix_time> {
            if (status != "ok") return not_made(status);
            return all.time();
        });
}

}  // namespace vultus
