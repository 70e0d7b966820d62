// libFuzzer target: the target of a request, its query, and the fields that the server decides by.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/header_fields.hpp"
#include "api/http/routes.hpp"
#include "api/jobs/options.hpp"
#include "shared/base/require.hpp"
#include "shared/model/job.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)api::parse_media_type(text);
    (void)api::prefer_wait(text);
    (void)api::matches_tag(text, "W/\"a\"");
    (void)api::is_our_host(text, "10.0.0.7", {"a.example"});
    (void)api::trace_id_of(text);
    const auto parts = api::split_target(text);
    if (!parts) return 0;
    for (const auto& segment : parts->segments) {
        VULTUS_REQUIRE(!segment.empty() && is_utf8(segment), "a segment is text");
        std::string encoded;
        for (const char c : segment) encoded += c == '%' ? "%25" : std::string(1, c);
        const auto again = api::percent_decode(encoded, false);
        VULTUS_REQUIRE(again && *again == segment, "encoding and decoding are opposite");
    }
    const auto match = api::match_path(parts->segments);
    if (!match) return 0;
    const auto query = api::parse_query(parts->query, match->row->query);
    if (!query) return 0;
    (void)api::parse_page(*query);
    (void)api::parse_options(job_type::recognize, *query);
    (void)api::parse_options(job_type::train, *query);
    return 0;
}
