// Bytes from a generator, for the GPU and for the plain loops.
#include "tests/workers/engine/cuda/gpu_support.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "tests/workers/engine/networks_support.hpp"

namespace vultus::testing {
namespace {

std::vector<std::uint8_t> bytes_of(const pictures& given, std::uint32_t seed) {
    noise random{seed};
    std::vector<std::uint8_t> bytes;
    for (long i = 0; i < given.seen.batch * given.rows * given.columns * 3; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(127.0f + 127.0f * random()));
    }
    return bytes;
}

/// The share of each pixel of a side in pixel i of a side of `to`: the mean of those under it where
/// the side shrinks, between two middles where it grows.
std::vector<double> shares(long i, long from, long to) {
    std::vector<double> all(static_cast<std::size_t>(from), 0.0);
    const double step = static_cast<double>(from) / static_cast<double>(to);
    const auto first = static_cast<double>(i) * step;
    if (step >= 1) {
        for (long k = 0; k < from; ++k) {
            const auto at = static_cast<double>(k);
            const double part = std::min(first + step, at + 1) - std::max(first, at);
            all[static_cast<std::size_t>(k)] = std::max(0.0, part) / step;
        }
        return all;
    }
    const double middle = std::clamp(first + step / 2 - 0.5, 0.0, static_cast<double>(from - 1));
    const auto before = static_cast<std::size_t>(middle);
    const double way = middle - static_cast<double>(before);
    all[before] += 1 - way;
    if (way > 0) all[before + 1] += way;
    return all;
}

std::vector<std::uint8_t> resized_bytes(const std::uint8_t* rgb, const pictures& given) {
    const box& seen = given.seen.layout.levels[0];
    std::vector<std::uint8_t> made;
    for (long row = 0; row < seen.height(); ++row) {
        const auto down = shares(row, given.rows, seen.height());
        for (long column = 0; column < seen.width(); ++column) {
            const auto across = shares(column, given.columns, seen.width());
            std::array<double, 3> sum{};
            for (std::size_t y = 0; y < down.size(); ++y) {
                if (down[y] == 0) continue;
                for (std::size_t x = 0; x < across.size(); ++x) {
                    const std::uint8_t* pixel = rgb + (y * across.size() + x) * 3;
                    for (std::size_t c = 0; c < 3; ++c) sum[c] += down[y] * across[x] * pixel[c];
                }
            }
            for (const double one : sum) {
                made.push_back(static_cast<std::uint8_t>(std::floor(one + 0.5)));
            }
        }
    }
    return made;
}

}  // namespace

std::shared_ptr<cuda::gpu_context> session_on(const cuda::table& calls, int index) {
    auto made = cuda::gpu_context::open(calls, index, 0);
    if (!made) throw std::runtime_error(made.error().detail);
    return *made;
}

cuda::input_size plain_input(long batch, long rows, long columns) {
    return {
        batch,
        {rows,
         columns,
         {{0, 0, static_cast<std::int32_t>(columns) - 1, static_cast<std::int32_t>(rows) - 1}}}};
}

cuda::staging::lent filled(cuda::device_network& net, const pictures& given, std::uint32_t seed) {
    const auto bytes = bytes_of(given, seed);
    auto piece = net.lend();
    std::copy(bytes.begin(), bytes.end(), piece->pictures.as<std::uint8_t>().begin());
    return piece;
}

result<numbers_of_run> run_on(cuda::device_network& net, const pictures& given,
                              std::uint32_t seed) {
    const auto piece = filled(net, given, seed);
    const auto out = net.start(given.seen, given.rows, given.columns, *piece);
    if (!out) return fail(out.error());
    net.finish(*piece);
    return numbers_of_run{{out->numbers.begin(), out->numbers.end()}, out->of_picture};
}

plain_tensor expected_of(const network& net, const pictures& given, std::uint32_t seed,
                         long number) {
    const auto bytes = bytes_of(given, seed);
    const auto each = bytes.size() / static_cast<std::size_t>(given.seen.batch);
    const auto seen = resized_bytes(bytes.data() + each * static_cast<std::size_t>(number), given);
    const cuda::input_size& size = given.seen;
    const box& whole = size.layout.levels[0];
    const plain_tensor picture = picture_of(seen.data(), whole.height(), whole.width(), net.input);
    plain_tensor canvas{{3, size.layout.rows, size.layout.columns}, {}};
    canvas.numbers.assign(canvas.shape.size(), 0.0);
    for (long line = 0; line < 3 * whole.height(); ++line) {
        const long row =
            line / whole.height() * canvas.shape.rows + whole.top + line % whole.height();
        std::copy_n(picture.numbers.begin() + line * whole.width(), whole.width(),
                    canvas.numbers.begin() + row * canvas.shape.columns + whole.left);
    }
    return computed(net, canvas).back();
}

network every_kind_on_colours() {
    network net = every_kind();
    net.input.mean = {122.0f, 117.0f, 104.0f};
    return net;
}

// Steps that float32 holds exactly (2, 1, 1/2), so that both sides round alike.
const std::vector<pictures>& pictures_to_run() {
    static const std::vector<pictures> all{
        {plain_input(2, 61, 50), 122, 100},
        {{1, {70, 64, {{9, 5, 9 + 43, 5 + 50}}}}, 102, 22},
        {plain_input(1, 57, 57), 57, 57},
    };
    return all;
}

cuda::capacity room_for_pictures(std::size_t programs) {
    cuda::capacity made;
    for (const pictures& one : pictures_to_run()) {
        made.largest.push_back(one.seen);
        made.picture_bytes =
            std::max(made.picture_bytes,
                     static_cast<std::size_t>(one.seen.batch * one.rows * one.columns * 3));
    }
    made.warm = {made.largest[0]};
    made.programs = programs;
    return made;
}

}  // namespace vultus::testing
