// OpenVINO's IR, the XML before a zero byte and the weights behind it: as onnx_fuzz.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/imported_list.hpp"
#include "workers/engine/importers/importers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vultus;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(bytes.find('\0'), size);
    const auto weights = bytes.substr(std::min(end + 1, size));
    const auto list = parse_openvino(bytes.substr(0, end), weights, {});
    fuzz::expect_list_or_refusal(list);
    return 0;
}
