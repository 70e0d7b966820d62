// The runner of imported networks on a GPU. Pictures go up on canvases that the CPU has drawn: so a
// size of canvas has one graph, whatever the pictures on it. Batches go in buckets.
#include "workers/engine/runner.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/device_network.hpp"

namespace vultus::cuda {
namespace {

/// Batch and canvas sizes whose graphs are kept.
constexpr std::size_t programs_max = 16;

input_size canvases(long batch, long rows, long columns) {
    const box whole{0, 0, static_cast<std::int32_t>(columns) - 1,
                    static_cast<std::int32_t>(rows) - 1};
    return {batch, {rows, columns, {whole}}};
}

/// What all clones use, in turns.
struct shared_network {
    std::shared_ptr<gpu_context> device;
    std::shared_ptr<const network> list;
    std::vector<bucket> buckets;
    std::optional<device_network> net;
    ~shared_network() {
        const auto mine = device->take_turn();
        net.reset();
    }
};

/// The picture in the upper left of a black canvas.
void draw(const picture_view& picture, long rows, long columns, std::uint8_t* to) {
    VULTUS_REQUIRE(picture.rgb != nullptr && picture.rows >= 1 && picture.rows <= rows &&
                       picture.columns >= 1 && picture.columns <= columns,
                   "a picture that its canvas holds");
    const auto line = static_cast<std::size_t>(picture.columns * 3);
    const auto width = static_cast<std::size_t>(columns * 3);
    for (long row = 0; row < picture.rows; ++row, to += width) {
        std::memcpy(to, picture.rgb + static_cast<std::size_t>(row) * line, line);
        std::memset(to + line, 0, width - line);
    }
    std::memset(to, 0, static_cast<std::size_t>(rows - picture.rows) * width);
}

class gpu_runner final : public runner {
 public:
    explicit gpu_runner(std::shared_ptr<shared_network> shared) : shared_(std::move(shared)) {
        for (const network_output& one : outputs_of(*shared_->list)) {
            tensors_.push_back({one.name, {}, {}});
        }
        values_.resize(tensors_.size());
    }
    std::unique_ptr<runner> clone() const override { return std::make_unique<gpu_runner>(shared_); }
    const network& of() const override { return *shared_->list; }

    result<std::span<const output_tensor>> run(std::span<const picture_view> pictures, long rows,
                                               long columns) override {
        VULTUS_REQUIRE(!pictures.empty() && pictures.size() <= limits::batch_max,
                       "1 to batch_max pictures");
        for (std::vector<float>& of_output : values_) of_output.clear();
        const auto passes = buckets_for(static_cast<long>(pictures.size()), shared_->buckets);
        for (const long size : passes) {
            const std::size_t count = std::min(pictures.size(), static_cast<std::size_t>(size));
            const auto done = pass(pictures.first(count), canvases(size, rows, columns));
            if (!done) return fail(errc::bad_option, done.error().detail);
            pictures = pictures.subspan(count);
        }
        for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].values = values_[i];
        return std::span<const output_tensor>(tensors_);
    }

 private:
    /// errors    those of device_network::start()
    result<void> pass(std::span<const picture_view> pictures, const input_size& size) {
        const auto& [rows, columns, levels] = size.layout;
        const auto bytes = static_cast<std::size_t>(rows * columns * 3);
        const auto canvases_held = shared_->net->picture_bytes() / bytes;
        if (canvases_held < static_cast<std::size_t>(size.batch)) {
            return fail(errc::too_large, "the canvas is larger than those memory was taken for");
        }
        const auto piece = shared_->net->lend();
        std::uint8_t* to = piece->pictures.as<std::uint8_t>().data();
        for (const picture_view& one : pictures) {
            draw(one, rows, columns, to);
            to += bytes;
        }
        const auto out = shared_->net->run(size, rows, columns, *piece);
        if (!out) return fail(out.error());
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            const result_place& from = out->results[i];
            tensors_[i].shape = from.shape;
            const auto found =
                out->numbers.subspan(from.first, pictures.size() * from.shape.size());
            values_[i].insert(values_[i].end(), found.begin(), found.end());
        }
        return {};
    }

    std::shared_ptr<shared_network> shared_;
    std::vector<std::vector<float>> values_;
    std::vector<output_tensor> tensors_;
};

/// Puts the network with buffers for the largest canvas in these buckets, and graphs of the warm
/// sizes, into `shared`; and what a pass costs, of the first of those.
result<void> make_for(shared_network& shared, precision numbers, const std::vector<warm_size>& warm,
                      const warm_size& largest) {
    capacity wanted;
    for (const bucket& one : shared.buckets) {
        wanted.largest.push_back(canvases(one.chips, largest.rows, largest.columns));
        for (const warm_size& size : warm) {
            if (one.chips > 1 && one.chips > size.batch) continue;
            wanted.warm.push_back(canvases(one.chips, size.rows, size.columns));
            wanted.largest.push_back(wanted.warm.back());
        }
    }
    wanted.programs = programs_max;
    auto net = device_network::make(shared.device, *shared.list, numbers, wanted);
    if (!net) return fail(net.error());
    // Costs of several sizes say nothing beside each other, nor do those of some of the buckets.
    if (warm.size() == 1 && wanted.warm.size() == shared.buckets.size()) {
        for (std::size_t i = 0; i < shared.buckets.size(); ++i) {
            shared.buckets[i].cost = net->warm_ms()[i];
        }
    }
    shared.net.emplace(std::move(*net));
    return {};
}

}  // namespace

result<std::unique_ptr<runner>> make_cuda_runner(std::shared_ptr<gpu_context> device,
                                                 std::shared_ptr<const network> list,
                                                 precision numbers,
                                                 const std::vector<warm_size>& warm,
                                                 const warm_size& largest) {
    auto shared = std::make_shared<shared_network>();
    shared->device = device;
    shared->list = list;
    const auto mine = device->take_turn();
    for (std::size_t count = bucket_sizes.size();; --count) {
        if (count > 1 && bucket_sizes[count - 1] > largest.batch) continue;
        shared->buckets.clear();
        for (std::size_t i = 0; i < count; ++i) {
            shared->buckets.push_back(guessed(bucket_sizes[i]));
        }
        const auto made = make_for(*shared, numbers, warm, largest);
        if (made) return std::unique_ptr<runner>(std::make_unique<gpu_runner>(std::move(shared)));
        if (made.error().code != errc::bad_option || count == 1) return fail(made.error());
    }
}

}  // namespace vultus::cuda
