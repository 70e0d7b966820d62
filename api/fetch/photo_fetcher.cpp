// See photo_fetcher.hpp.
#include "api/fetch/photo_fetcher.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>
#include <utility>

#include "api/links/promise.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

using std::chrono::milliseconds;

/// The absolute URL of a redirect, as libcurl made it; a fragment stays with whoever shows a page.
/// errors    url_refused: also for a step down from https
result<photo_url> next_url(const photo_url& from, std::string_view to) {
    auto url = parse_photo_url(to.substr(0, to.find('#')));
    if (!url)
        return fail(errc::url_refused, "Redirect of " + from.host + ": " + url.error().detail);
    if (from.tls && !url->tls) {
        return fail(errc::url_refused, "Redirect of " + from.host + " leads from https to http");
    }
    return url;
}

}  // namespace

struct photo_fetcher::batch {
    std::vector<photo_url> urls;
    fetch_client whose;
    boot_time until{0};
    std::vector<shared_bytes> photos;
    std::size_t next = 0, working = 0;
    std::optional<std::pair<std::size_t, error>> why;  ///< of the first URL that failed
    promise<bool> done;
};

photo_fetcher::photo_fetcher(asio::io_context& io, photo_fetcher_settings settings,
                             metrics& measured)
    : io_(io),
      settings_(std::move(settings)),
      measured_(measured),
      processes_(std::make_shared<shares>(processes_max)),
      bytes_(std::make_shared<shares>(settings_.bytes_in_hand)) {}

result<bool> photo_fetcher::reach_of(const photo_url& url) const {
    if (settings_.rules.empty()) {
        return fail(errc::url_refused, "Photos by URL are disabled: api.fetch_urls is empty");
    }
    const auto inside = allowed_reach(settings_.rules, url);
    if (inside) return *inside;
    return fail(errc::url_refused,
                "Host " + url.host + ":" + std::to_string(url.port) + " is not in api.fetch_urls");
}

result<photo_url> photo_fetcher::check(std::string_view text) const {
    if (settings_.rules.empty()) return fail(reach_of({}).error());
    auto url = parse_photo_url(text);
    if (!url) return fail(url.error());
    if (auto reach = reach_of(*url); !reach) return fail(reach.error());
    return url;
}

asio::awaitable<result<shared_bytes>> photo_fetcher::fetch_one(photo_url url,
                                                               const fetch_client& whose,
                                                               boot_time until) {
    room_for_bytes room = [this, &whose](std::size_t bytes) {
        return shares::take(bytes_, whose.holder, bytes);
    };
    for (int followed = 0; followed <= redirects_max; ++followed) {
        const auto inside = reach_of(url);
        if (!inside) co_return fail(inside.error());
        const milliseconds left = until - boot_now();
        if (left.count() <= 0) {
            co_return fail(errc::fetch_failed, "Server " + url.host + " took too long");
        }
        fetch_order order{url, *inside, limits::body_bytes, left, settings_.authorities};
        failpoint("api.before_fetch");
        auto reply = co_await run_fetcher(io_, settings_.program, std::move(order), room);
        if (!reply) co_return fail(reply.error());
        if (reply->redirect.empty()) co_return std::move(reply->photo);
        auto next = next_url(url, reply->redirect);
        if (!next) co_return fail(next.error());
        url = std::move(*next);
    }
    co_return fail(errc::fetch_failed, "More than 3 redirects");
}

asio::awaitable<void> photo_fetcher::work_off(std::shared_ptr<batch> all) {
    while (all->next < all->urls.size() && !all->why) {
        const std::size_t mine = all->next++;
        const photo_url& url = all->urls[mine];
        const auto begin = boot_now();
        auto photo = co_await fetch_one(url, all->whose, std::min(all->until, begin + photo_time));
        const milliseconds took = boot_now() - begin;
        const auto outcome = photo ? std::string_view("ok") : name_of(photo.error().code);
        measured_.count("vultus_photo_fetches_total", {{"outcome", outcome}});
        measured_.observe_ms("vultus_photo_fetch_ms", static_cast<double>(took.count()));
        // The host and not the URL, whose path and query may be secret.
        log::info("photo_fetched", {{"host", url.host},
                                    {"outcome", outcome},
                                    {"bytes", photo ? photo->size() : 0},
                                    {"ms", took.count()},
                                    {"client", all->whose.client},
                                    {"trace_id", all->whose.trace_id}});
        if (photo) {
            all->photos[mine] = std::move(*photo);
        } else if (!all->why || mine < all->why->first) {
            all->why.emplace(mine, std::move(photo.error()));
        }
    }
    if (--all->working == 0) all->done.set(true);
}

asio::awaitable<result<std::vector<shared_bytes>>> photo_fetcher::fetch(std::vector<photo_url> urls,
                                                                        fetch_client whose) {
    std::vector<std::shared_ptr<const void>> places;
    const std::size_t wanted = std::min(urls.size(), processes_of_request);
    while (places.size() < wanted) {
        auto place = shares::take(processes_, whose.holder);
        if (!place) break;
        places.push_back(std::move(place));
    }
    if (places.empty()) co_return fail(errc::queue_full, "Too many photos are being fetched");
    const auto all = std::make_shared<batch>(batch{std::move(urls),
                                                   std::move(whose),
                                                   boot_now() + request_time,
                                                   {},
                                                   0,
                                                   places.size(),
                                                   {},
                                                   promise<bool>(io_.get_executor())});
    all->photos.resize(all->urls.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
        asio::co_spawn(io_, work_off(all), asio::detached);
    }
    // Each fetch ends by itself; the patience is for what nobody thought of.
    const auto done = co_await all->done.wait(request_time + 2 * photo_time);
    if (!done) co_return fail(errc::internal, "Fetching photos did not end");
    if (!all->why) co_return std::move(all->photos);
    error why = std::move(all->why->second);
    if (all->urls.size() > 1) {
        why.detail = "URL " + std::to_string(all->why->first + 1) + ": " + why.detail;
    }
    co_return fail(std::move(why));
}

}  // namespace vultus::api
