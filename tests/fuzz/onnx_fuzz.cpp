// ONNX files: whatever the bytes, a list that can be computed or one clear refusal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/engine/importers/importers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const auto list = parse_onnx({reinterpret_cast<const char*>(data), size}, {});
    if (!list) {
        if (list.error().code != errc::malformed || list.error().detail.empty()) std::abort();
        return 0;
    }
    if (!check(*list)) std::abort();
    if (const auto shapes = shapes_of(*list, {3, 64, 48}); shapes) {
        for (const tensor_shape& one : *shapes) {
            if (one.size() > value_floats_max || one.size() == 0) std::abort();
        }
    }
    return 0;
}
