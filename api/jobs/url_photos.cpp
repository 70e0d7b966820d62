// See url_photos.hpp.
#include "api/jobs/url_photos.hpp"

#include <set>

namespace vultus::api {

asio::awaitable<result<std::string>> fetch_photos(submitted& given, const request& req,
                                                  services& ctx) {
    if (given.urls.empty()) co_return std::string();
    std::vector<photo_url> urls;
    std::set<std::string> from;
    for (const auto& text : given.urls) {
        auto url = ctx.fetcher.check(text);
        if (!url) co_return fail(url.error());
        from.insert(url->host);
        urls.push_back(std::move(*url));
    }
    fetch_client whose{req.holder, req.client, req.trace_id};
    auto photos = co_await ctx.fetcher.fetch(std::move(urls), std::move(whose));
    if (!photos) co_return fail(photos.error());
    std::size_t bytes = 0;
    for (auto& photo : *photos) {
        bytes += photo.size();
        given.images.push_back(std::move(photo));
    }
    const bool all = is_question(given.what.type);
    if (auto good = check_images(given.images, all); !good) co_return fail(good.error());
    if (auto good = co_await ctx.access.charge_frame(req.key, bytes); !good) {
        co_return fail(good.error());
    }
    std::string hosts;
    for (const auto& host : from) hosts += (hosts.empty() ? "" : ",") + host;
    co_return hosts;
}

}  // namespace vultus::api
