// The two networks as dlib's types, which are the formats of their files. Included by the .cpp
// files that load them and by nothing else: it brings dlib's templates.
#pragma once

#include <dlib/dnn.h>

namespace vultus::dlib_networks {

template <long Filters, typename Below>
using keep = dlib::affine<dlib::con<Filters, 3, 3, 1, 1, Below>>;
template <long Filters, typename Below>
using halve = dlib::affine<dlib::con<Filters, 3, 3, 2, 2, Below>>;

/// relu(conv(relu(conv(x))) + x)
template <long Filters, typename Below>
using residual =
    dlib::relu<dlib::add_prev1<keep<Filters, dlib::relu<keep<Filters, dlib::tag1<Below>>>>>>;
/// The same at half the size; the other branch is a 2x2 mean.
template <long Filters, typename Below>
using residual_down = dlib::relu<dlib::add_prev2<dlib::avg_pool<
    2, 2, 2, 2,
    dlib::skip1<dlib::tag2<keep<Filters, dlib::relu<halve<Filters, dlib::tag1<Below>>>>>>>>>;

template <typename Below>
using level_32 = residual<32, residual<32, residual<32, Below>>>;
template <typename Below>
using level_64 = residual<64, residual<64, residual<64, residual_down<64, Below>>>>;
template <typename Below>
using level_128 = residual<128, residual<128, residual_down<128, Below>>>;
template <typename Below>
using level_256 = residual<256, residual<256, residual_down<256, Below>>>;

/// dlib_face_recognition_resnet_model_v1.dat: 29 convolutions, residual, 128 outputs, trained by
/// metric learning.
using embedding = dlib::loss_metric<dlib::fc_no_bias<
    128, dlib::avg_pool_everything<residual_down<
             256, level_256<level_128<level_64<level_32<dlib::max_pool<
                      3, 3, 2, 2,
                      dlib::relu<dlib::affine<
                          dlib::con<32, 7, 7, 2, 2, dlib::input_rgb_image_sized<150>>>>>>>>>>>>>;

template <long Filters, typename Below>
using shrink = dlib::con<Filters, 5, 5, 2, 2, Below>;
template <long Filters, typename Below>
using look = dlib::relu<dlib::affine<dlib::con<Filters, 5, 5, 1, 1, Below>>>;
template <typename Below>
using eighth = dlib::relu<dlib::affine<
    shrink<32, dlib::relu<dlib::affine<shrink<32, dlib::relu<dlib::affine<shrink<16, Below>>>>>>>>>;

/// mmod_human_face_detector.dat: seven convolutions over a pyramid of the picture in one canvas.
using detector = dlib::loss_mmod<dlib::con<
    1, 9, 9, 1, 1,
    look<45, look<45, look<45, eighth<dlib::input_rgb_image_pyramid<dlib::pyramid_down<6>>>>>>>>;

}  // namespace vultus::dlib_networks
