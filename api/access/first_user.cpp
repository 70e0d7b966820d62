// See first_user.hpp.
#include "api/access/first_user.hpp"

#include <chrono>

#include "api/http/forwarded.hpp"
#include "shared/base/log.hpp"
#include "shared/model/user.hpp"

namespace vultus::api {

asio::awaitable<result<void>> make_first_user(request& req, redis_asio& redis,
                                              const user_store& users, metrics& measured,
                                              first_user wanted, std::string secret) {
    const auto count = [&](const char* outcome) {
        measured.count("vultus_setups_total", {{"outcome", outcome}});
    };
    if (auto good = check_user_name(wanted.name); !good) co_return fail(good.error());
    if (auto good = check_password(wanted.password); !good) co_return fail(good.error());
    const auto counted = counted_as(req.address);
    const auto hash = hash_of_setup(wanted.token, secret);
    const auto may = co_await redis.call(users.try_setup(hash, counted));
    if (!may) co_return fail(may.error());
    if (may->wait.count() > 0) {
        count("wait");
        req.retry_after =
            static_cast<int>(std::chrono::ceil<std::chrono::seconds>(may->wait).count());
        co_return fail(errc::quota, "Too many wrong tries: retry after " +
                                        std::to_string(req.retry_after) + " s");
    }
    if (!may->right) {
        count("wrong");
        log::warning("setup_refused", {{"from", req.address}});
        co_return fail(errc::unauthorized, "The link was used, replaced, or is over an hour old");
    }
    const auto password = hash_of_password(wanted.name, wanted.password, secret);
    const auto made =
        co_await redis.call(users.finish_setup(hash, wanted.name, password, counted, req.address));
    if (!made) co_return fail(made.error());
    count("right");
    log::info("first_user_made", {{"user", wanted.name}, {"from", req.address}});
    co_return result<void>();
}

}  // namespace vultus::api
