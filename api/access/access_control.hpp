// Keys and sessions at work: a copy of all keys that is never older than copy_life, their quotas,
// and who is logged in. ACCESS.md says what is granted to whom, access_rule.hpp which route asks
// for what.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/access/login_service.hpp"
#include "api/access/session_cache.hpp"
#include "api/http/query.hpp"
#include "api/http/request_authorizer.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/metrics.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/service_clock.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api {

struct access_choice {
    bool open = true;             ///< nobody is asked for a key
    bool must_have_keys = false;  ///< no start without any key or user: nobody could come in
    std::string secret_file;
    std::string secret;  ///< empty: the file is not there yet, or access is open
};

/// What the settings say, with the secret read from its file.
/// errors    bad_option: open to others without api.insecure; no secret where there must be keys;
///           a secret file that cannot be used
result<access_choice> choose_access(const api_settings& settings);

/// threads   that of the io_context
class access_control final : public request_authorizer {
 public:
    /// A copy that could not be confirmed for so long is not used: a revoked key is refused
    /// everywhere in less than this and one question to Redis.
    static constexpr std::chrono::milliseconds copy_life{750};
    static constexpr std::chrono::milliseconds ask_every{250};
    static constexpr std::chrono::milliseconds time_life{5'000};  ///< of the time that was told

    access_control(asio::io_context& io, redis_asio& redis, const store_context& context,
                   metrics& measured, access_choice chosen);

    /// Asks for changes until stop(). Spawned once, and not if access is open. `refused` is told,
    /// once, if there must be keys or users and the first answer has none.
    asio::awaitable<void> run(std::function<void(const error&)> refused);
    /// Reads the secret for label_hash(), also where access is open; makes its file, if it is not
    /// there and no key and no user was hashed under one that was lost. Spawned once.
    asio::awaitable<void> find_secret();
    void stop();
    /// What the audit log has of a person's name; empty without a secret.
    std::string label_hash(std::string_view label) const;
    bool is_open() const noexcept { return chosen_.open; }

    asio::awaitable<result<void>> admit(request& req, const access_rule& rule) override;
    asio::awaitable<result<void>> charge(request& req,
                                         std::optional<std::size_t> image_bytes) override;
    asio::awaitable<result<void>> still(const request& req) override;

    /// Begins a session: the token of its cookie. The request is its user's from then on.
    /// errors    those of login_service::log_in()
    asio::awaitable<result<std::string>> log_in(request& req, std::string name,
                                                std::string password);
    /// Ends the request's session, if it has one. The request is nobody's from then on.
    /// errors    those of the store
    asio::awaitable<result<void>> log_out(request& req);

    /// A live picture of a key; null: access is open.
    /// errors    quota, unauthorized, store_unavailable
    asio::awaitable<result<void>> charge_frame(std::shared_ptr<const access_key> key,
                                               std::size_t image_bytes);

 private:
    asio::awaitable<result<void>> refresh();
    asio::awaitable<result<void>> confirm();
    asio::awaitable<result<bool>> is_anybody_there();
    asio::awaitable<result<void>> identify(request& req);
    asio::awaitable<result<void>> identify_by_key(request& req, std::string_view text);
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
    login_service desk_;
    asio::steady_timer pause_, secret_pause_;
    std::string label_secret_;  ///< the same secret, also if access is open
    std::map<std::string, std::shared_ptr<const access_key>> keys_;
    std::string changes_;        ///< what the copy was made from
    boot_time confirmed_at_{0};  ///< when the last good question was sent
    unix_time time_there_{0};    ///< of the functions, when asked at time_at_; 0: never
    boot_time time_at_{0};
    bool known_ = false, stopped_ = false;
};

// ---- what handlers ask about a request; with access open everything is allowed -----------------

/// errors    forbidden
result<void> may_use(const access_key* key, std::string_view collection);

/// `collection` of the fields, or "default", if the request's key covers it.
/// errors    bad_collection, forbidden
result<std::string> collection_for(const request& req, const name_values& fields);

bool sees(const access_key* key, job_type type, std::string_view collection);

}  // namespace vultus::api
