// Bytes to planes, then the network by oneDNN.
#include "workers/engine/runner.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/onednn/onednn.hpp"

namespace vultus {
namespace {

class onednn_runner final : public runner {
 public:
    onednn_runner(std::shared_ptr<const network> list, onednn_network net)
        : list_(std::move(list)), net_(std::move(net)) {}
    std::unique_ptr<runner> clone() const override {
        return std::make_unique<onednn_runner>(list_, net_.clone());
    }
    const network& of() const override { return *list_; }

    result<std::span<const output_tensor>> run(std::span<const picture_view> pictures, long rows,
                                               long columns) override {
        VULTUS_REQUIRE(!pictures.empty() && pictures.size() <= limits::batch_max,
                       "1 to batch_max pictures");
        const auto planes = net_.input(static_cast<long>(pictures.size()), {3, rows, columns});
        if (!planes) return fail(planes.error());
        float* to = planes->data();
        for (const picture_view& one : pictures) {
            draw(one, rows, columns, to);
            to += 3 * rows * columns;
        }
        net_.run();
        return net_.outputs();
    }

 private:
    void draw(const picture_view& picture, long rows, long columns, float* to) const {
        const long width = picture.columns;
        VULTUS_REQUIRE(picture.rgb != nullptr && picture.rows >= 1 && picture.rows <= rows &&
                           width >= 1 && width <= columns,
                       "a picture that its canvas holds");
        const auto plane = static_cast<std::size_t>(rows * columns);
        if (picture.rows != rows || width != columns) black(plane, to);
        for (long y = 0; y < picture.rows; ++y) {
            kernels::planes_of(picture.rgb + y * width * 3, static_cast<std::size_t>(width),
                               list_->input, to + y * columns, plane);
        }
    }

    void black(std::size_t plane, float* to) const {
        const input_format& input = list_->input;
        for (std::size_t i = 0; i < 3; ++i, to += plane) {
            std::fill_n(to, plane, (0.0f - input.mean[i]) * input.scale[i]);
        }
    }

    std::shared_ptr<const network> list_;
    onednn_network net_;
};

}  // namespace

runner_maker cpu_runners() {
    return
        [](std::shared_ptr<const network> net, const std::vector<warm_size>& warm,
           const warm_size&) { return make_onednn_runner(std::move(net), precision::fp32, warm); };
}

result<std::unique_ptr<runner>> make_onednn_runner(std::shared_ptr<const network> net,
                                                   precision numbers,
                                                   const std::vector<warm_size>& warm) {
    std::vector<std::pair<long, tensor_shape>> sizes;
    for (const warm_size& one : warm) {
        sizes.emplace_back(one.batch, tensor_shape{3, one.rows, one.columns});
    }
    auto made = onednn_network::make(net, numbers, sizes);
    if (!made) return fail(made.error());
    return std::unique_ptr<runner>(
        std::make_unique<onednn_runner>(std::move(net), std::move(*made)));
}

}  // namespace vultus
