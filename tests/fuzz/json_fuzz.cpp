// libFuzzer target: the JSON of a request, and the measuring of JSON before a tree is made of it.
// What the reader takes, the measure takes too; a photo is what base64 says.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/http/base64.hpp"
#include "api/http/json_submission.hpp"
#include "api/http/routes.hpp"
#include "shared/base/json_bounds.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    if (size == 0) return 0;
    const bool photos = (data[0] & 1U) != 0;
    const std::size_t piece = 1 + data[0] / 2 % 16;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

    const auto read = api::parse_json_submission(text, api::recognize_names, photos);
    const auto plain = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
    const auto measured = check_json(plain);
    VULTUS_REQUIRE(read || !read.error().detail.empty(), "a refusal says why");
    if (read) {
        VULTUS_REQUIRE(measured.has_value(), "what is read is JSON within its limits");
        VULTUS_REQUIRE(photos || read->images.empty(), "no photo where none is wanted");
        VULTUS_REQUIRE(read->images.size() <= limits::files_per_train, "photos are counted");
        for (const auto& [name, value] : read->fields) {
            VULTUS_REQUIRE(api::has_word(api::recognize_names, name), "only names that are known");
            VULTUS_REQUIRE(value.size() <= limits::field_bytes, "texts are bounded");
        }
    }

    const auto whole = api::base64_decode(text, limits::mib);
    api::base64_decoder decoder(limits::mib);
    bool fed = true;
    for (std::size_t at = 0; fed && at < text.size(); at += piece) {
        fed = decoder.feed(text.substr(at, piece)).has_value();
    }
    const auto pieces = decoder.finish();
    VULTUS_REQUIRE(whole.has_value() == (fed && pieces), "whole and in pieces agree");
    VULTUS_REQUIRE(!whole || *whole == *pieces, "and give the same bytes");
    return 0;
}
