// From a model file of another framework to a layer list. What an importer does not know (operator,
// attribute, shape, type of number, version) it refuses by name; it skips nothing. What a file
// claims is checked against its own bytes before memory is taken for it.
//
// A list says less than such a file, so some of it disappears: batch normalization and other
// constant factors and offsets are folded into the convolutions around them, those at the picture
// into network::input. The last operators of an output may only turn the same numbers over
// (YuNet: Transpose, Reshape to [1][rows x columns][channels]); in a list such an output is
// channels x rows x columns like every other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"
#include "workers/engine/layers.hpp"

namespace vultus {

/// Bytes of the largest model file that is read; the largest published face embedders have 260 MB.
constexpr std::size_t model_bytes_max = std::size_t{512} << 20;

/// ONNX, operator sets 7 to 17, float32, all weights in the file, one input of three channels.
/// input     what the network was trained with; its size is the file's. Factors and offsets that
///           the file applies to the picture are merged into it
/// errors    not_found: missing or unreadable · malformed: everything else; the detail names the
///           node
result<network> load_onnx(const std::string& file, const input_format& input);

/// The same from bytes. errors    malformed
result<network> parse_onnx(std::string_view bytes, const input_format& input);

/// OpenVINO IR, version 10 or 11: FILE.xml and its weights, float32 or float16.
/// input, errors   as load_onnx
result<network> load_openvino(const std::string& xml_file, const std::string& bin_file,
                              const input_format& input);

/// The same from bytes. errors    malformed
result<network> parse_openvino(std::string_view xml, std::string_view weights,
                               const input_format& input);

}  // namespace vultus
