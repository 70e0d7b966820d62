// See session_cache.hpp.
#include "api/access/session_cache.hpp"

#include <utility>

namespace vultus::api {
namespace {

std::shared_ptr<const access_key> key_of(const session_record& session, std::string hash) {
    auto key = std::make_shared<access_key>();
    key->id = "user:" + session.user;
    key->hash = std::move(hash);
    key->scopes = scopes_of(session.as);
    // Collections that cannot be parsed allow nothing.
    if (auto collections = parse_collections(session.collections)) key->collections = *collections;
    return key;
}

}  // namespace

asio::awaitable<result<session_cache::entry>> session_cache::find(std::string hash, bool uses) {
    const auto asked_at = boot_now();
    const auto old = [&](const auto& one) { return asked_at - one.second.confirmed_at >= life_; };
    if (const auto known = known_.find(hash); known != known_.end() && !old(*known)) {
        co_return known->second;
    }
    auto found = co_await redis_.call(users_.session(hash, uses));
    if (!found) {
        known_.erase(hash);
        if (found.error().code == errc::unauthorized) co_return fail(found.error());
        co_return fail(errc::store_unavailable, "Session not confirmed: Redis unavailable");
    }
    std::erase_if(known_, old);
    entry fresh{std::move(*found), {}, asked_at};
    fresh.key = key_of(fresh.session, hash);
    known_[hash] = fresh;
    co_return fresh;
}

}  // namespace vultus::api
