// Fetches the photos that requests name by URL (docs/http.md, "A photo by URL"): checks each URL
// against api.fetch_urls, runs one vultus-fetcher for it and one more for each redirect.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "api/fetch/fetcher_process.hpp"
#include "api/http/shares.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/metrics.hpp"
#include "shared/base/result.hpp"
#include "shared/fetch/fetch_rules.hpp"

namespace vultus::api {

struct photo_fetcher_settings {
    std::vector<fetch_rule> rules;                   ///< empty: nothing is fetched
    std::string program;                             ///< path of vultus-fetcher
    std::string authorities;                         ///< PEM file; empty: the system's
    std::size_t bytes_in_hand = 256u * 1024 * 1024;  ///< of fetched photos, all requests
};

/// On whose behalf.
struct fetch_client {
    std::string holder;  ///< for shares
    std::string client, trace_id;
};

/// threads   that of the io_context
class photo_fetcher {
 public:
    static constexpr int redirects_max = 3;
    static constexpr std::size_t processes_max = 16, processes_of_request = 4;
    static constexpr std::chrono::milliseconds photo_time{10'000};  ///< of one, redirects included
    static constexpr std::chrono::milliseconds request_time{30'000};  ///< of all of one request

    photo_fetcher(asio::io_context& io, photo_fetcher_settings settings, metrics& measured);

    /// Whether photos are fetched from anywhere.
    bool is_on() const noexcept { return !settings_.rules.empty(); }

    /// The URL and its host, as api.fetch_urls allows them. Nothing is sent.
    /// errors    url_refused: nothing may be fetched, or not from there; those of
    ///           parse_photo_url()
    result<photo_url> check(std::string_view url) const;

    /// The photos in the order of their URLs, some at a time. Their content is not looked at.
    /// errors    of the first URL that fails, with its number if there are several: those of
    ///           check() and run_fetcher(), also of a redirect; queue_full: too many are fetched
    asio::awaitable<result<std::vector<shared_bytes>>> fetch(std::vector<photo_url> urls,
                                                             fetch_client whose);

 private:
    struct batch;
    asio::awaitable<void> work_off(std::shared_ptr<batch> all);
    asio::awaitable<result<shared_bytes>> fetch_one(photo_url url, const fetch_client& whose,
                                                    boot_time until);
    result<bool> reach_of(const photo_url& url) const;

    asio::io_context& io_;
    const photo_fetcher_settings settings_;
    metrics& measured_;
    std::shared_ptr<shares> processes_, bytes_;
};

}  // namespace vultus::api
