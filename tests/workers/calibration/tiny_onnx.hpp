// A small embedder as an ONNX file.
#pragma once

#include "tests/workers/engine/importers/onnx_support.hpp"

namespace vultus::testing {

/// The mean of each colour over the chip, then sums of them with made-up weights.
inline std::string tiny_onnx(long side = 112, int floats = 128) {
    onnx_file file(11, side, side);
    file.node("GlobalAveragePool", {"in"}, "mean");
    file.node("Flatten", {"mean"}, "flat");
    std::vector<float> weights;
    for (int i = 0; i < floats * 3; ++i) weights.push_back(static_cast<float>(i * 37 % 11 - 5));
    file.numbers("w", {floats, 3}, weights);
    file.numbers("b", {floats}, 0.5f);
    put(file.node("Gemm", {"flat", "w", "b"}, "out"), "transB", 1L);
    file.output("out");
    return file.bytes();
}

}  // namespace vultus::testing
