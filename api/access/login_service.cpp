// See login_service.hpp.
#include "api/access/login_service.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "api/access/session_cookie.hpp"
#include "shared/base/log.hpp"
#include "shared/security/secret.hpp"

namespace vultus::api {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds patience{30'000};  // a bound only: the thread answers every comparison
constexpr int full_retry_s = 2;
constexpr std::string_view wrong = "Wrong name or password";

/// A slot for one login, while this exists.
class place {
 public:
    explicit place(std::size_t& taken) : taken_(taken) { ++taken_; }
    ~place() { --taken_; }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

 private:
    std::size_t& taken_;
};

}  // namespace

login_service::login_service(asio::io_context& io, redis_asio& redis, const store_context& context,
                             metrics& measured)
    : io_(io), redis_(redis), users_(context), measured_(measured) {}

login_service::~login_service() {
    waiting_.close();
    if (compares_) compares_->join();
}

void login_service::compare_all() {
    // For an unknown name, so that it takes as long as a known one.
    const auto nobodys = slow_hash(random_hex(secret_bytes));
    while (auto one = waiting_.pop()) {
        const auto& hash = one->hash.empty() ? nobodys : one->hash;
        const bool same = is_password(hash, one->name, one->password, one->secret);
        const bool right = same && !one->hash.empty();
        asio::post(io_, [answer = std::move(one->answer), right] { answer->set(right); });
    }
}

asio::awaitable<bool> login_service::is_right(comparison what) {
    if (!compares_) compares_.emplace([this] { compare_all(); });
    const auto answer = std::make_shared<promise<bool>>(io_.get_executor());
    what.answer = answer;
    if (!waiting_.try_push(what)) co_return false;  // its capacity is `places`
    co_return (co_await answer->wait(patience)).value_or(false);
}

asio::awaitable<result<std::string>> login_service::log_in(request& req, std::string name,
                                                           std::string password,
                                                           std::string secret) {
    const auto count = [&](const char* outcome) {
        measured_.count("vultus_logins_total", {{"outcome", outcome}});
    };
    if (inside_ >= places) {
        count("full");
        req.retry_after = full_retry_s;
        co_return fail(errc::queue_full, "Too many logins in progress: retry");
    }
    const place mine(inside_);
    if (!check_user_name(name)) name.clear();
    const auto counted = counted_as(req.address);
    const auto may = co_await redis_.call(users_.try_login(name, counted));
    if (!may) co_return fail(may.error());
    if (may->wait.count() > 0) {
        count("wait");
        req.retry_after =
            static_cast<int>(std::chrono::ceil<std::chrono::seconds>(may->wait).count());
        co_return fail(errc::quota, "Too many wrong passwords: retry after " +
                                        std::to_string(req.retry_after) + " s");
    }
    comparison what{may->password, name, std::move(password), secret, {}};
    if (!co_await is_right(std::move(what))) {
        count("wrong");
        // An unknown name may be a password typed into the wrong field.
        const std::string known = may->password.empty() ? "" : name;
        log::info("login_refused", {{"user", known}, {"from", req.address}});
        co_return fail(errc::unauthorized, std::string(wrong));
    }
    auto token = new_session_token(secret);
    const auto begun = co_await redis_.call(
        users_.login(name, may->password, hash_of_session(token, secret), counted, req.address));
    if (!begun && begun.error().code == errc::unauthorized) {
        co_return fail(errc::unauthorized, std::string(wrong));
    }
    if (!begun) co_return fail(begun.error());
    count("right");
    co_return token;
}

}  // namespace vultus::api
