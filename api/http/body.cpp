// See body.hpp.
#include "api/http/body.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "shared/base/require.hpp"

namespace vultus::api {

growing_memory::~growing_memory() {
    if (size_ > heap_bytes) {
        ::munmap(bytes_, size_);
    } else {
        delete[] bytes_;
    }
}

void growing_memory::grow(std::size_t size) {
    VULTUS_REQUIRE(size > size_, "memory grows");
    if (size_ > heap_bytes) {
        void* const moved = ::mremap(bytes_, size_, size, MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) throw std::bad_alloc();
        bytes_ = static_cast<char*>(moved);
        size_ = size;
        return;
    }
    char* larger = nullptr;
    if (size > heap_bytes) {
        void* const mapped =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        larger = static_cast<char*>(mapped);
    } else {
        larger = new char[size];
    }
    if (size_ > 0) std::memcpy(larger, bytes_, size_);
    delete[] bytes_;
    bytes_ = larger;
    size_ = size;
}

std::span<char> body_buffer::room(std::size_t most) {
    VULTUS_REQUIRE(most > 0, "a body has room for the bytes that are missing");
    constexpr std::size_t first_bytes = 4 * limits::kib;
    if (used_ == memory_.size()) memory_.grow(used_ + std::min(most, std::max(used_, first_bytes)));
    return {memory_.data() + used_, std::min({most, memory_.size() - used_, room_bytes})};
}

void body_buffer::append(std::string_view bytes, std::size_t most) {
    while (!bytes.empty()) {
        const auto place = room(bytes.size() + most);
        const std::size_t size = std::min(place.size(), bytes.size());
        std::memcpy(place.data(), bytes.data(), size);
        commit(size);
        bytes.remove_prefix(size);
    }
}

shared_bytes body_buffer::take(std::shared_ptr<const void> with) {
    struct piece {
        growing_memory memory;
        std::shared_ptr<const void> with;
    };
    const std::size_t size = std::exchange(used_, 0);
    if (size == 0) return {};
    auto whole = std::make_shared<piece>(piece{std::move(memory_), std::move(with)});
    const std::string_view bytes(whole->memory.data(), size);
    return {std::move(whole), bytes};
}

}  // namespace vultus::api
