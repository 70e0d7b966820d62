// Access control: a copy of all keys that is used only up to an age of copy_life, quotas, and login
// sessions. ACCESS.md describes who may do what, routes.cpp has the rule of each route.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/access/first_user.hpp"
#include "api/access/login_service.hpp"
#include "api/access/session_cache.hpp"
#include "api/http/query.hpp"
#include "api/http/request_authorizer.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/metrics.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/service_clock.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api {

struct access_choice {
    bool open = true;             ///< no key is required
    bool must_have_keys = false;  ///< do not start without a key or user: all would be refused
    std::string secret_file;
    std::string secret;  ///< empty: the file does not exist yet, or access is open
    std::vector<std::string> immich_clients = {};  ///< who may send photos to that surface
};

/// The access mode that the settings choose, with the secret read from its file.
/// errors    bad_option: open on an address other than loopback without api.insecure; no secret
///           where keys are required; a secret file that cannot be used
result<access_choice> choose_access(const api_settings& settings);

/// The surfaces that are on. auto: where everybody on this machine may call, and nobody else.
surface_set surfaces_of(const api_settings& settings, const access_choice& chosen);

/// threads   that of the io_context
class access_control final : public request_authorizer {
 public:
    /// A copy that was not confirmed for so long is not used, so every api refuses a revoked key
    /// within this time and one call to Redis.
    static constexpr std::chrono::milliseconds copy_life{750};
    static constexpr std::chrono::milliseconds ask_every{250};
    static constexpr std::chrono::milliseconds time_life{5'000};  ///< of the time read from Redis

    access_control(asio::io_context& io, redis_asio& redis, const store_context& context,
                   metrics& measured, access_choice chosen);

    /// Reads changes from Redis until stop(). Spawned once, and not if access is open. `refused` is
    /// called, once, if keys or users are required and the first answer has none.
    asio::awaitable<void> run(std::function<void(const error&)> refused);
    /// Reads the secret for label_hash(), also if access is open. Makes its file if it is missing
    /// and there is no key and no user, whose hashes would need a lost secret. Spawned once.
    asio::awaitable<void> find_secret();
    void stop();
    /// The hash of a person's name for the audit log; empty without a secret.
    std::string label_hash(std::string_view label) const;
    bool is_open() const noexcept { return chosen_.open; }

    asio::awaitable<result<void>> admit(request& req, const access_rule& rule) override;
    /// Admits a request of another surface by a key that came inside its body.
    /// errors    as admit(), and those of charge() with the bytes of the body
    asio::awaitable<result<void>> admit_by_body(request& req, std::string key);
    asio::awaitable<result<void>> charge(request& req,
                                         std::optional<std::size_t> image_bytes) override;
    asio::awaitable<result<void>> still(const request& req) override;

    /// Begins a session, which the request then belongs to. Returns the token for its cookie.
    /// errors    those of login_service::log_in()
    asio::awaitable<result<std::string>> log_in(request& req, std::string name,
                                                std::string password);
    /// Makes the first user, by the token of its link.
    /// errors    wrong_state: access is open; those of make_first_user()
    asio::awaitable<result<void>> set_up(request& req, first_user wanted);
    /// Ends the request's session, if it has one. The request is anonymous afterwards.
    /// errors    those of the job store
    asio::awaitable<result<void>> log_out(request& req);

    /// Charges a live frame to the quota of a key; null: access is open.
    /// errors    quota, unauthorized, store_unavailable
    asio::awaitable<result<void>> charge_frame(std::shared_ptr<const access_key> key,
                                               std::size_t image_bytes);

 private:
    asio::awaitable<result<void>> refresh();
    asio::awaitable<result<void>> confirm();
    asio::awaitable<result<bool>> is_anybody_there();
    asio::awaitable<result<void>> identify(request& req);
    asio::awaitable<result<void>> identify_by_key(request& req, std::string_view text);
    // Of other surfaces (compat_access.cpp).
    asio::awaitable<result<void>> admit_compat(request& req, const access_rule& rule);
    asio::awaitable<result<void>> identify_compat(request& req, std::string text);
    asio::awaitable<result<void>> identify_by_session(request& req, std::string_view token,
                                                      bool uses);
    std::shared_ptr<const access_key> find(const std::string& id) const;
    unix_time time_now() const;
    tl::unexpected<error> refuse(errc code, std::string detail);

    redis_asio& redis_;
    const key_store key_store_;
    const user_store user_store_;
    const service_clock clock_;
    metrics& measured_;
    access_choice chosen_;
    session_cache sessions_;
    login_service logins_;
    asio::steady_timer pause_, secret_pause_;
    std::string label_secret_;  ///< for label_hash(): the same secret, also if access is open
    std::map<std::string, std::shared_ptr<const access_key>> keys_;
    std::string changes_;        ///< the change counter of the copy
    boot_time confirmed_at_{0};  ///< when the last successful call was sent
    unix_time time_there_{0};    ///< the time of the Redis functions at time_at_; 0: unknown
    boot_time time_at_{0};
    bool known_ = false, stopped_ = false;
};

// ---- checks for handlers; with access open everything is allowed
// ---------------------------------

/// errors    forbidden
result<void> may_use(const access_key* key, std::string_view collection);

/// `collection` of the fields, or "default", if the request's key covers it.
/// errors    bad_collection, forbidden
result<std::string> collection_for(const request& req, const name_values& fields);

/// The collection that the first {} of the route's path names, if the request's key covers it.
/// errors    bad_collection, forbidden
result<std::string> collection_in_path(const request& req);

bool sees(const access_key* key, job_type type, std::string_view collection);
/// The same of a job. One without a collection is seen by the key that made it, and by keys of all
/// collections.
bool sees(const access_key* key, const job_record& job);

}  // namespace vultus::api
