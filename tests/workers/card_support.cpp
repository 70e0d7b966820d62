// Bytes from a generator, for the card and for the plain loops.
#include "card_support.hpp"

#include <algorithm>
#include <stdexcept>

#include "networks_support.hpp"

namespace vultus::testing {
namespace {

std::vector<std::uint8_t> bytes_of(const cuda::input_size& size, std::uint32_t seed) {
    noise random{seed};
    const box& whole = size.layout.levels[0];
    const long count = size.batch * whole.width() * whole.height() * 3;
    std::vector<std::uint8_t> bytes;
    for (long i = 0; i < count; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(127.0f + 127.0f * random()));
    }
    return bytes;
}

}  // namespace

std::shared_ptr<cuda::session> session_on(const cuda::table& calls, int index) {
    auto made = cuda::session::open(calls, index, 0);
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

void fill(cuda::device_network& net, const cuda::input_size& size, std::uint32_t seed) {
    const auto bytes = bytes_of(size, seed);
    std::copy(bytes.begin(), bytes.end(), net.pictures().begin());
}

plain_tensor expected_of(const network& net, const cuda::input_size& size, std::uint32_t seed,
                         long number) {
    const auto bytes = bytes_of(size, seed);
    const auto each = bytes.size() / static_cast<std::size_t>(size.batch);
    const box& whole = size.layout.levels[0];
    const plain_tensor picture = picture_of(bytes.data() + each * static_cast<std::size_t>(number),
                                            whole.height(), whole.width(), net.mean);
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
    net.mean = {122.0f, 117.0f, 104.0f};
    return net;
}

const std::vector<cuda::input_size>& sizes_to_run() {
    static const std::vector<cuda::input_size> sizes{
        plain_input(2, 61, 50),
        {1, {70, 64, {{9, 5, 9 + 43, 5 + 50}}}},
        plain_input(1, 57, 57),
    };
    return sizes;
}

}  // namespace vultus::testing
