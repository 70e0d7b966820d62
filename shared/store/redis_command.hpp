// A command in the bytes of Redis' protocol. Pure.
#pragma once

#include <string>
#include <vector>

#include "shared/base/shared_bytes.hpp"

namespace vultus {

/// The command as RESP 2 has it, an array of bulk strings: the words, then the photos. To be sent
/// one after the other. Words over 16 KiB and photos are chunks of their own, which are not copied.
std::vector<shared_bytes> command_chunks(std::vector<std::string> words,
                                         std::vector<shared_bytes> photos = {});

}  // namespace vultus
