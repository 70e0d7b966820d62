// Immutable bytes with a count: a photo on its way from a socket to a decoder, which is received
// once and never copied to be handed on. A value of this type is a view of a buffer and one
// reference to it; the buffer is freed with its last view.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace vultus {

/// threads   values that share a buffer may live in different threads; one value has one owner
class shared_bytes {
 public:
    shared_bytes() = default;

    /// Takes the text; its buffer is not copied.
    shared_bytes(std::string text) {
        if (text.empty()) return;
        auto kept = std::make_shared<const std::string>(std::move(text));
        bytes_ = *kept;
        owner_ = std::move(kept);
    }
    shared_bytes(const char* text) : shared_bytes(std::string(text)) {}

    /// requires  `bytes` stay valid and unchanged as long as `owner` lives; a null owner: for ever
    shared_bytes(std::shared_ptr<const void> owner, std::string_view bytes)
        : owner_(std::move(owner)), bytes_(bytes) {}

    shared_bytes(const shared_bytes&) = default;
    shared_bytes& operator=(const shared_bytes&) = default;
    shared_bytes(shared_bytes&& other) noexcept
        : owner_(std::move(other.owner_)), bytes_(std::exchange(other.bytes_, {})) {}
    shared_bytes& operator=(shared_bytes&& other) noexcept {
        owner_ = std::move(other.owner_);
        bytes_ = std::exchange(other.bytes_, {});
        return *this;
    }
    ~shared_bytes() = default;

    std::string_view view() const noexcept { return bytes_; }
    operator std::string_view() const noexcept { return bytes_; }
    const char* data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return bytes_.size(); }
    bool empty() const noexcept { return bytes_.empty(); }
    std::string copied() const { return std::string(bytes_); }

    /// A view of a part, which keeps the whole buffer.
    /// requires  `inside` lies in view()
    shared_bytes part(std::string_view inside) const { return {owner_, inside}; }

    /// What keeps the buffer; null if nothing has to.
    const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

    friend bool operator==(const shared_bytes& a, const shared_bytes& b) noexcept {
        return a.bytes_ == b.bytes_;
    }

 private:
    std::shared_ptr<const void> owner_;
    std::string_view bytes_;
};

}  // namespace vultus
