// libFuzzer target: the multipart parser. Parts are views of the form, in their order, and none
// contains a delimiter.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/multipart.hpp"
#include "shared/base/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vultus::shared_bytes form(std::string(reinterpret_cast<const char*>(data), size));
    const auto parts = vultus::api::parse_multipart("b", form);
    if (!parts) return 0;
    const char* from = form.data();
    for (const auto& part : *parts) {
        if (part.body.empty()) continue;
        const std::string_view body = part.body;
        VULTUS_REQUIRE(body.data() >= from, "parts are in order");
        from = body.data() + body.size();
        VULTUS_REQUIRE(from <= form.data() + form.size(), "a part lies inside of the form");
        VULTUS_REQUIRE(body.find("\r\n--b") == body.npos, "a delimiter ends a part");
    }
    return 0;
}
