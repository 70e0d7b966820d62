// See access_control.hpp.
#include "api/access/access_control.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/access/session_cookie.hpp"
#include "shared/base/log.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api {
namespace {

/// Every api refuses an ended session within this time and one call to Redis.
constexpr std::chrono::milliseconds session_life{500};

bool is_loopback(const std::string& bind) {
    return bind == "localhost" || bind == "::1" || bind.compare(0, 4, "127.") == 0;
}

/// The advice where keys are required and none can exist.
constexpr const char* no_key_yet =
    "keys are required (api.access, or api.bind is not loopback), but there is no key and no "
    "user yet: create one first with `./run --ctl key create --scopes "
    "read,recognise,train,admin` or `./run --ctl user add NAME --role admin`; without ./run, with "
    "Redis and the broker running, with `vultusctl --data DATA key create ...`; or let a browser "
    "make the first user: `./run --ctl user setup`";

std::string part(std::string_view name, const std::string& rest) {
    return "\"" + std::string(name) + "\";" + rest;
}

/// RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-08).
void tell(const spent& what, headers& fields) {
    std::string policy, left;
    for (const auto& [name, one] :
         {std::pair{"requests", &what.requests}, std::pair{"image-bytes", &what.image_bytes}}) {
        if (one->quota == 0) continue;
        policy +=
            (policy.empty() ? "" : ", ") + part(name, "q=" + std::to_string(one->quota) + ";w=60");
        left += (left.empty() ? "" : ", ") + part(name, "r=" + std::to_string(one->left) + ";t=" +
                                                            std::to_string(one->full_in.count()));
    }
    fields.emplace_back("RateLimit-Policy", policy);
    fields.emplace_back("RateLimit", left);
}

std::string over_text(const spent& what) {
    return what.over == "requests" ? "Request quota of the key exceeded"
                                   : "Photo byte quota of the key exceeded";
}

int seconds_of(std::chrono::milliseconds time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

}  // namespace

result<access_choice> choose_access(const api_settings& settings) {
    access_choice chosen;
    const bool reachable = !is_loopback(settings.bind);
    const bool open_by_itself = !reachable || settings.insecure;
    chosen.open = settings.access == "open" || (settings.access == "auto" && open_by_itself);
    if (chosen.open && !open_by_itself) {
        return fail(errc::bad_option, "api.bind = \"" + settings.bind +
                                          "\" is not loopback, but api.access = \"open\" "
                                          "requires no key: set api.insecure = true too");
    }
    chosen.secret_file = settings.secret_file;
    chosen.immich_clients = settings.compat.immich_clients;
    if (chosen.open) return chosen;
    chosen.must_have_keys = true;
    auto secret = read_secret_file(settings.secret_file);
    if (secret) {
        chosen.secret = std::move(*secret);
    } else if (secret.error().code != errc::not_found) {
        return fail(errc::bad_option, "api.secret_file: " + secret.error().detail);
    } else {
        return fail(errc::bad_option, no_key_yet);
    }
    return chosen;
}

surface_set surfaces_of(const api_settings& settings, const access_choice& chosen) {
    surface_set on;
    const auto& compat = settings.compat;
    const bool alone =
        chosen.open && is_loopback(settings.bind) && settings.trusted_proxies.empty();
    for (const auto& [mode, one] : {std::pair{&compat.compreface, surface::compreface},
                                    std::pair{&compat.deepstack, surface::deepstack},
                                    std::pair{&compat.nextcloud, surface::nextcloud},
                                    std::pair{&compat.immich, surface::immich}}) {
        if (*mode == "on" || (*mode == "auto" && alone)) on.add(one);
    }
    return on;
}

access_control::access_control(asio::io_context& io, redis_asio& redis,
                               const store_context& context, metrics& measured,
                               access_choice chosen)
    : redis_(redis),
      key_store_(context),
      user_store_(context),
      clock_(context),
      measured_(measured),
      chosen_(std::move(chosen)),
      sessions_(redis, context, session_life),
      logins_(io, redis, context, measured),
      pause_(io),
      secret_pause_(io) {}

asio::awaitable<void> access_control::run(std::function<void(const error&)> refused) {
    bool asked = false;
    while (!stopped_) {
        const auto good = co_await refresh();
        if (good && !asked) {
            const auto anybody = co_await is_anybody_there();
            asked = anybody.has_value();
            if (anybody && !*anybody && chosen_.must_have_keys) {
                refused({errc::bad_option, no_key_yet});
            }
        }
        pause_.expires_after(ask_every);
        boost::system::error_code ignored;
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

void access_control::stop() {
    stopped_ = true;
    pause_.cancel();
    secret_pause_.cancel();
}

asio::awaitable<void> access_control::find_secret() {
    while (!stopped_) {
        const auto keys = co_await redis_.call(key_store_.keys(""));
        const auto users = co_await redis_.call(user_store_.users());
        if (keys && users) {
            const bool hashed = !keys->keys.empty() || !users->empty();
            const auto secret = hashed ? read_secret_file(chosen_.secret_file)
                                       : read_or_make_secret_file(chosen_.secret_file);
            if (secret) {
                label_secret_ = *secret;
            } else {
                log::warning("audit_without_names", {{"why", secret.error().detail}});
            }
            co_return;
        }
        secret_pause_.expires_after(ask_every);
        boost::system::error_code ignored;
        co_await secret_pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

std::string access_control::label_hash(std::string_view label) const {
    return hash_of_label(label, label_secret_);
}

asio::awaitable<result<void>> access_control::refresh() {
    const auto asked_at = boot_now();
    auto page = co_await redis_.call(key_store_.keys(changes_));
    if (!page) co_return fail(errc::store_unavailable, "Keys not confirmed: Redis unavailable");
    if (!page->same) {
        if (chosen_.secret.empty()) {
            if (auto secret = read_secret_file(chosen_.secret_file)) chosen_.secret = *secret;
        }
        keys_.clear();
        for (auto& key : page->keys) {
            auto id = key.id;
            keys_.emplace(std::move(id), std::make_shared<const access_key>(std::move(key)));
        }
        changes_ = page->changes;
        log::info("keys_read", {{"keys", static_cast<int>(keys_.size())}});
    }
    confirmed_at_ = std::max(confirmed_at_, asked_at);
    known_ = true;
    if (asked_at - time_at_ >= time_life) {
        const auto clock = co_await redis_.call(clock_.read());
        if (clock) {
            time_there_ = clock->now;
            time_at_ = boot_now();
        }
    }
    co_return result<void>();
}

/// The time for the expiry of keys; a jump of this host's clock does not expire any.
unix_time access_control::time_now() const {
    return time_there_.count() == 0 ? unix_now() : time_there_ + (boot_now() - time_at_);
}

asio::awaitable<result<void>> access_control::confirm() {
    if (known_ && boot_now() - confirmed_at_ < copy_life) co_return result<void>();
    co_return co_await refresh();
}

asio::awaitable<result<bool>> access_control::is_anybody_there() {
    if (!keys_.empty()) co_return true;
    const auto users = co_await redis_.call(user_store_.users());
    if (!users) co_return fail(users.error());
    if (!users->empty()) co_return true;
    co_return co_await redis_.call(user_store_.is_setup_open());
}

std::shared_ptr<const access_key> access_control::find(const std::string& id) const {
    const auto found = keys_.find(id);
    if (found == keys_.end() || is_expired(*found->second, time_now())) return nullptr;
    return found->second;
}

tl::unexpected<error> access_control::refuse(errc code, std::string detail) {
    measured_.count("vultus_access_refused_total", {{"why", name_of(code)}});
    return fail(code, std::move(detail));
}

asio::awaitable<result<void>> access_control::admit(request& req, const access_rule& rule) {
    if (req.row != nullptr && req.row->of != surface::native) {
        co_return co_await admit_compat(req, rule);
    }
    if (chosen_.open || !rule.looks()) co_return result<void>();
    const auto known = co_await identify(req);
    if (!rule.needs_key()) {
        const bool nobody = !known && (known.error().code == errc::unauthorized ||
                                       known.error().code == errc::malformed);
        co_return nobody ? result<void>() : known;
    }
    if (!known && known.error().code == errc::store_unavailable) co_return known;
    if (!known) co_return refuse(known.error().code, known.error().detail);
    if (!req.key->scopes.meets(rule.one_of())) {
        co_return refuse(errc::forbidden, "Key lacks the scope " + vultus::api::text_of(rule));
    }
    co_return result<void>();
}

/// By the key, or without one by the cookie.
asio::awaitable<result<void>> access_control::identify(request& req) {
    const auto text = presented_key(req.fields);
    if (!text) co_return fail(text.error());
    if (!text->empty()) co_return co_await identify_by_key(req, *text);
    const auto token = presented_session(req.fields, req.secure);
    if (!token) co_return fail(token.error());
    if (token->empty()) {
        co_return fail(errc::unauthorized, "Send a key (Authorization: Bearer) or log in");
    }
    if (auto good = co_await identify_by_session(req, *token, true); !good) co_return good;
    const bool changes = is_changing(req.method);
    // A page of another site can make the browser send the cookie, but not this field.
    if (changes && !same_secret(req.header("x-csrf-token"), req.session->csrf)) {
        co_return fail(errc::forbidden, "X-CSRF-Token is missing or does not match the session");
    }
    if (!req.header("upgrade").empty() && req.header("origin").empty()) {
        co_return fail(errc::forbidden, "A WebSocket with a session cookie needs an Origin");
    }
    co_return result<void>();
}

asio::awaitable<result<void>> access_control::identify_by_key(request& req, std::string_view text) {
    const auto id = id_in_key(text);
    if (!id) co_return fail(id.error());
    if (auto good = co_await confirm(); !good) co_return fail(good.error());
    const auto key = find(*id);
    const bool good = key && key->service == surface::native && !chosen_.secret.empty() &&
                      same_secret(hash_of_key(text, chosen_.secret), key->hash);
    if (!good) co_return fail(errc::unauthorized, "Key is unknown, revoked or expired");
    req.key = key;
    req.client = key->id;
    co_return result<void>();
}

asio::awaitable<result<void>> access_control::identify_by_session(request& req,
                                                                  std::string_view token,
                                                                  bool uses) {
    if (chosen_.secret.empty() || !is_session_token(token, chosen_.secret)) {
        co_return fail(errc::unauthorized, "No such session: log in");
    }
    const auto hash = hash_of_session(token, chosen_.secret);
    const auto known = co_await sessions_.find(hash, uses);
    if (!known) co_return fail(known.error());
    req.key = known->key;
    req.client = known->key->id;
    req.session = std::make_shared<const signed_in>(
        signed_in{known->session.user, known->session.as, hash,
                  csrf_of_session(token, chosen_.secret), known->session.ends});
    co_return result<void>();
}

asio::awaitable<result<std::string>> access_control::log_in(request& req, std::string name,
                                                            std::string password) {
    if (chosen_.secret.empty()) {
        co_return refuse(errc::unauthorized, "No user exists yet: run vultusctl user add");
    }
    auto token = co_await logins_.log_in(req, std::move(name), std::move(password), chosen_.secret);
    if (!token) co_return token;
    if (auto good = co_await identify_by_session(req, *token, true); !good) {
        co_return fail(good.error());
    }
    co_return token;
}

asio::awaitable<result<void>> access_control::set_up(request& req, first_user wanted) {
    if (chosen_.open) co_return fail(errc::wrong_state, "Access is open: no user is needed");
    if (chosen_.secret.empty()) co_return refuse(errc::unauthorized, "There is no such link");
    co_return co_await make_first_user(req, redis_, user_store_, measured_, std::move(wanted),
                                       chosen_.secret);
}

asio::awaitable<result<void>> access_control::log_out(request& req) {
    if (!req.session) co_return result<void>();
    const auto ended = co_await redis_.call(user_store_.end_session(req.session->hash));
    sessions_.forget(req.session->hash);
    if (!ended) co_return fail(ended.error());
    req.key = nullptr;
    req.session = nullptr;
    co_return result<void>();
}

asio::awaitable<result<void>> access_control::charge(request& req,
                                                     std::optional<std::size_t> image_bytes) {
    if (!req.key) co_return result<void>();
    const auto& quota = req.key->quota;
    if (quota.requests == 0 && quota.image_bytes == 0) co_return result<void>();
    if (!image_bytes && quota.image_bytes > 0) {
        co_return refuse(errc::length_required, "Content-Length is required with a byte quota");
    }
    const auto spent = co_await redis_.call(key_store_.spend(req.key->id, image_bytes.value_or(0)));
    if (!spent) co_return fail(spent.error());
    tell(*spent, req.answer_fields);
    if (spent->over.empty()) co_return result<void>();
    req.retry_after = seconds_of(spent->wait);
    co_return refuse(errc::quota, over_text(*spent));
}

asio::awaitable<result<void>> access_control::charge_frame(std::shared_ptr<const access_key> key,
                                                           std::size_t image_bytes) {
    if (!key || (key->quota.requests == 0 && key->quota.image_bytes == 0)) {
        co_return result<void>();
    }
    const auto spent = co_await redis_.call(key_store_.spend(key->id, image_bytes));
    if (!spent) co_return fail(spent.error());
    if (spent->over.empty()) co_return result<void>();
    co_return refuse(errc::quota, over_text(*spent));
}

asio::awaitable<result<void>> access_control::still(const request& req) {
    if (!req.key) co_return result<void>();
    if (req.session) {
        const auto known = co_await sessions_.find(req.session->hash, false);
        if (known) co_return result<void>();
        if (known.error().code != errc::unauthorized) co_return fail(known.error());
        co_return refuse(errc::unauthorized, known.error().detail);
    }
    if (auto good = co_await confirm(); !good) co_return fail(good.error());
    const auto now = find(req.key->id);
    if (!now || now->hash != req.key->hash) {
        co_return refuse(errc::unauthorized, "Key was revoked or has expired");
    }
    co_return result<void>();
}

result<void> may_use(const access_key* key, std::string_view collection) {
    if (key == nullptr || covers(*key, collection)) return {};
    return fail(errc::forbidden, "Key does not include this collection");
}

result<std::string> collection_for(const request& req, const name_values& fields) {
    auto collection = parse_collection(fields);
    if (!collection) return collection;
    if (auto good = may_use(req.key.get(), *collection); !good) return fail(good.error());
    return collection;
}

result<std::string> collection_in_path(const request& req) {
    const std::string& collection = req.segments[0];
    if (auto good = check_collection(collection); !good) return fail(good.error());
    if (auto good = may_use(req.key.get(), collection); !good) return fail(good.error());
    return collection;
}

bool sees(const access_key* key, job_type type, std::string_view collection) {
    return key == nullptr || may_see(*key, type, collection);
}

bool sees(const access_key* key, const job_record& job) {
    if (sees(key, job.type, job.collection)) return true;
    return job.collection.empty() && job.client == key->id &&
           key->scopes.meets(scopes_to_see(job.type));
}

}  // namespace vultus::api
