// See store_context.hpp.
#include "shared/store/store_context.hpp"

#include <utility>

#include "shared/base/require.hpp"

namespace vultus {

store_context::store_context(unsigned shard, sealing seals)
    : shard_(shard), prefix_("vultus:{" + std::to_string(shard) + "}:"), seals_(std::move(seals)) {
    VULTUS_REQUIRE(shard < 4096, "shard does not fit into a job id");
}

std::string store_context::key(std::string_view rest) const {
    return prefix_ + std::string(rest);
}

std::string store_context::epoch_key(std::string_view collection, std::uint64_t epoch,
                                     std::string_view part) const {
    return key("gallery:" + std::string(collection) + ":" + std::to_string(epoch) + ":" +
               std::string(part));
}

}  // namespace vultus
