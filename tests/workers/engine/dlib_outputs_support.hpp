// What the two files that ask dlib itself share: pixels for it, and what each of its layers gave.
// They are two because the compiler needs 2 GB for both networks at once.
#pragma once

#include <dlib/dnn.h>

#include "tests/workers/engine/dlib_direct_support.hpp"

namespace vultus::testing {

inline dlib::matrix<dlib::rgb_pixel> pixels(const image& picture) {
    dlib::matrix<dlib::rgb_pixel> out(static_cast<long>(picture.height),
                                      static_cast<long>(picture.width));
    for (long y = 0; y < out.nr(); ++y) {
        for (long x = 0; x < out.nc(); ++x) {
            const auto* from = picture.row(static_cast<std::uint32_t>(y)) + x * 3;
            out(y, x) = dlib::rgb_pixel(from[0], from[1], from[2]);
        }
    }
    return out;
}

inline dlib_output copied(const dlib::tensor& from) {
    return {static_cast<long>(from.k()), static_cast<long>(from.nr()), static_cast<long>(from.nc()),
            std::vector<float>(from.begin(), from.end())};
}

struct output_reader {
    std::vector<dlib_output>* out;
    template <typename Details, typename Below, typename Extra>
    void operator()(std::size_t, dlib::add_layer<Details, Below, Extra>& one) {
        if (!std::is_same_v<Details, dlib::affine_>) out->emplace_back();
        try {
            out->back() = copied(one.get_output());
        } catch (const dlib::error&) {
            out->back() = {};  // overwritten in place
        }
    }
};

template <typename Network>
std::vector<dlib_output> outputs_of(const dlib::matrix<dlib::rgb_pixel>& picture,
                                    const std::string& model) {
    Network net;
    dlib::deserialize(model) >> net;
    dlib::resizable_tensor in;
    net.to_tensor(&picture, &picture + 1, in);
    net.subnet().forward(in);
    std::vector<dlib_output> outputs{copied(in)};
    dlib::visit_layers_backwards(net, output_reader{&outputs});
    return outputs;
}

}  // namespace vultus::testing
