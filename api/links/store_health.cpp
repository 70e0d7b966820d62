// See store_health.hpp.
#include "api/links/store_health.hpp"

#include <random>

#include "api/http/header_fields.hpp"
#include "shared/base/log.hpp"
#include "shared/store/service_clock.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/store_setup.hpp"

namespace vultus::api {
namespace {

using namespace std::chrono_literals;
constexpr auto check_every = 10s;
constexpr auto look_every = 50ms;
constexpr auto refused_pause = 1s;
constexpr auto sample_every = 1s;

}  // namespace

store_health::store_health(asio::io_context& io, redis_asio& redis, const store_context& context,
                           metrics& measured)
    : redis_(redis), context_(context), jobs_(context), measured_(measured), pause_(io) {}

void store_health::stop() {
    stopped_ = true;
    pause_.cancel();
}

result<void> store_health::ready() const {
    if (!redis_.connected()) return fail(errc::store_unavailable, "Redis unreachable");
    if (settings_ && redis_.connection() != checked_connection_) {
        return fail(errc::store_unavailable, "Redis reconnected, check in progress");
    }
    return settings_;
}

asio::awaitable<void> store_health::check() {
    const auto connection = redis_.connection();
    result<void> good;
    if (connection == checked_connection_) {
        good = co_await redis_.call(store_schema(context_).check_settings());
    } else {
        store_setup setup(context_);
        while (good && !setup.done()) good = co_await redis_.call(setup.step());
    }
    if (!good) log::warning("store_not_ready", {{"why", good.error().detail}});
    if (good && !settings_) log::info("store_ready");
    settings_ =
        good ? result<void>() : result<void>(fail(errc::store_unavailable, good.error().detail));
    if (good) checked_connection_ = connection;
    was_ready_ = was_ready_ || good;
    if (!good && !was_ready_ && refuses_start(good.error().code)) refused_(good.error());
    checked_at_ = boot_now();
}

asio::awaitable<void> store_health::sample() {
    const auto stats = co_await redis_.call(jobs_.stats());
    if (!stats) co_return;
    depth_ = stats->interactive + stats->bulk + stats->delayed;
    const auto passed = stats->now - sampled_;
    if (sampled_.count() > 0 && passed.count() > 0 && stats->finished_total >= finished_) {
        const double rate = 1000.0 * static_cast<double>(stats->finished_total - finished_) /
                            static_cast<double>(passed.count());
        jobs_per_second_ = 0.7 * jobs_per_second_ + 0.3 * rate;
    }
    sampled_ = stats->now;
    finished_ = stats->finished_total;
    const auto gauge = [&](std::string_view state, std::uint64_t jobs) {
        measured_.set("vultus_queue_jobs", static_cast<double>(jobs), {{"state", state}});
    };
    gauge("interactive", stats->interactive);
    gauge("bulk", stats->bulk);
    gauge("running", stats->running);
    gauge("delayed", stats->delayed);
    gauge("publishing", stats->publishing);
    gauge("dead", stats->dead);
    measured_.set("vultus_jobs_waiting_for_model", static_cast<double>(stats->waiting_for_model));
    measured_.set("vultus_queue_bytes", static_cast<double>(stats->bytes));
    note_trouble(*stats);
}

/// What an operator should look at, said once and measured always.
void store_health::note_trouble(const queue_stats& stats) {
    const auto counted = [&](const char* name) {
        const auto found = stats.counters.find(name);
        return found == stats.counters.end() ? 0 : found->second;
    };
    const clock_state clock = clock_state_of(stats);
    const auto damaged = counted("damaged");
    measured_.set("vultus_clock_suspicious", clock == clock_state::suspicious ? 1 : 0);
    measured_.set("vultus_clock_off_seconds",
                  static_cast<double>(counted("clock_off_ms")) / 1000.0);
    measured_.set("vultus_store_damaged", static_cast<double>(damaged));
    if (clock != clock_) {
        const auto level =
            clock == clock_state::suspicious ? log::level::error : log::level::warning;
        log::write(clock == clock_state::steady ? log::level::info : level, "store_clock",
                   {{"state", std::string(name_of(clock))}, {"why", description_of(clock)}});
    }
    if (damaged > damaged_ && damaged_known_) {
        log::warning("store_damaged",
                     {{"entries", std::to_string(damaged - damaged_)}, {"next", "vultusctl fsck"}});
    }
    clock_ = clock;
    damaged_ = damaged;
    damaged_known_ = true;
}

asio::awaitable<void> store_health::run(std::function<void(const error&)> refused) {
    refused_ = std::move(refused);
    boot_time sampled{0};
    while (!stopped_) {
        const auto now = boot_now();
        const bool reconnected = redis_.connection() != checked_connection_;
        if (redis_.connected() && (reconnected || !settings_ || now - checked_at_ >= check_every)) {
            co_await check();
        }
        if (redis_.connected() && settings_ && now - sampled >= sample_every) {
            sampled = now;
            co_await sample();
        }
        if (stopped_) break;
        const bool unusable = redis_.connected() && !settings_;
        pause_.expires_after(unusable ? refused_pause : look_every);
        boost::system::error_code ignored;
        co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

int store_health::retry_after() const {
    thread_local std::minstd_rand chance{std::random_device{}()};
    return retry_after_seconds(depth_, jobs_per_second_,
                               std::uniform_real_distribution<double>(0.0, 1.0)(chance));
}

}  // namespace vultus::api
