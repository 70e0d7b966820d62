// libFuzzer target: the multipart parser. The first byte cuts the body into pieces; whole and in
// pieces must agree.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/http/multipart.hpp"
#include "shared/base/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = 1 + data[0] % 16;
    const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = vultus::api::parse_multipart("b", body);
    vultus::api::multipart_parser parser("b");
    for (std::size_t at = 0; at < body.size(); at += piece) {
        if (!parser.feed(body.substr(at, piece))) {
            VULTUS_REQUIRE(!whole, "what is refused in pieces is refused whole");
            return 0;
        }
    }
    const auto pieces = parser.finish();
    VULTUS_REQUIRE(whole.has_value() == pieces.has_value(), "whole and in pieces agree");
    VULTUS_REQUIRE(!whole || *whole == *pieces, "and give the same parts");
    return 0;
}
