// Bytes from the network into decode(), as both sides see them. The input is cut into frames at its
// length bytes; what decodes must encode and decode to itself.
#include <cstddef>
#include <cstdint>

#include "shared/base/require.hpp"
#include "shared/net/protocol.hpp"

namespace protocol = vultus::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const auto which =
        (data[0] & 1U) != 0 ? protocol::direction::to_broker : protocol::direction::from_broker;
    const std::string map(reinterpret_cast<const char*>(data) + 2, size - 2);
    std::vector<vultus::shared_bytes> frames{std::string(protocol::magic),
                                             std::string(1, static_cast<char>(data[1])), map};
    if ((data[0] & 2U) != 0) frames.emplace_back(std::string(size / 2, 'x'));
    const auto what = protocol::decode(which, frames);
    if (!what) return 0;
    const auto again = protocol::decode(which, protocol::encode(*what));
    VULTUS_REQUIRE(again && *again == *what, "what was read is what would be written");
    return 0;
}
