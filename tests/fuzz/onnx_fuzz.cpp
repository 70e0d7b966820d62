// ONNX files: whatever the bytes, a list that can be computed or one clear refusal.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/imported_list.hpp"
#include "workers/engine/importers/importers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const auto list = parse_onnx({reinterpret_cast<const char*>(data), size}, {});
    fuzz::expect_list_or_refusal(list);
    return 0;
}
