// See redis_command.hpp.
#include "shared/store/redis_command.hpp"

#include <string_view>
#include <utility>

#include "shared/base/limits.hpp"

namespace vultus {
namespace {

constexpr std::size_t own_chunk_bytes = 16 * limits::kib;  ///< a longer word is sent without a copy

}  // namespace

std::vector<shared_bytes> command_chunks(std::vector<std::string> words,
                                         std::vector<shared_bytes> photos) {
    std::vector<shared_bytes> chunks;
    std::string text = "*" + std::to_string(words.size() + photos.size()) + "\r\n";
    const auto add = [&](auto&& word) {
        text += "$" + std::to_string(word.size()) + "\r\n";
        if (word.size() > own_chunk_bytes) {
            chunks.emplace_back(std::exchange(text, {}));
            chunks.emplace_back(std::move(word));
        } else {
            text += std::string_view(word);
        }
        text += "\r\n";
    };
    for (std::string& word : words) add(std::move(word));
    for (shared_bytes& photo : photos) add(std::move(photo));
    chunks.emplace_back(std::move(text));
    return chunks;
}

}  // namespace vultus
