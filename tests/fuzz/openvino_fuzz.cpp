// OpenVINO's IR, the XML before a zero byte and the weights behind it: as onnx_fuzz.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workers/engine/importers/importers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(bytes.find('\0'), size);
    const auto weights = bytes.substr(std::min(end + 1, size));
    const auto list = parse_openvino(bytes.substr(0, end), weights, {});
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
