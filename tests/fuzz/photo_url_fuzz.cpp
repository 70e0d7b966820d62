// libFuzzer target: URLs of photos, entries of api.fetch_urls, and what a fetcher answers.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/base/require.hpp"
#include "shared/fetch/fetch_messages.hpp"
#include "shared/fetch/fetch_rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto url = parse_photo_url(text)) {
        const auto again = parse_photo_url(text_of(*url));
        VULTUS_REQUIRE(again && *again == *url, "a URL has one spelling");
        const fetch_order order{*url, false, 1, std::chrono::milliseconds(1), {}};
        const auto read = parse_fetch_order(text_of(order));
        VULTUS_REQUIRE(read && read->url == *url, "an order arrives as it was given");
        const auto address = parse_ip_address(url->host);
        VULTUS_REQUIRE(address || is_host_name(url->host), "a host is an address or a name");
    }
    if (const auto rule = parse_fetch_rule(text); rule && rule->name.empty()) {
        VULTUS_REQUIRE(class_of(rule->range.first) != ip_class::blocked, "no rule reaches those");
    }
    if (const auto answer = parse_fetch_answer(text); answer && answer->why) {
        VULTUS_REQUIRE(answer->why->code != errc::unauthorized, "a fetcher claims few errors");
    }
    return 0;
}
