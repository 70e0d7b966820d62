// The body of a request while it arrives, in memory that grows with it: a client may declare 10 MiB
// and send nothing. What has arrived lies in one piece and is handed on as it is. The reader at the
// end lets Beast fill it, for chunked bodies.
#pragma once

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "shared/base/limits.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus::api {

/// Memory that grows without being copied: above `heap_bytes` the kernel moves its pages (mremap).
/// threads   one owner
class growing_memory {
 public:
    static constexpr std::size_t heap_bytes = 16 * limits::kib;

    growing_memory() = default;
    growing_memory(growing_memory&& other) noexcept
        : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    growing_memory& operator=(growing_memory&&) = delete;
    ~growing_memory();

    char* data() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }

    /// Keeps the content; may move it.
    /// requires  size > size()
    /// throws    std::bad_alloc; nothing has changed then
    void grow(std::size_t size);

 private:
    char* bytes_ = nullptr;
    std::size_t size_ = 0;
};

/// threads   one owner
class body_buffer {
 public:
    /// The most that room() gives.
    static constexpr std::size_t room_bytes = 128 * limits::kib;

    std::size_t size() const noexcept { return used_; }

    /// Where the next bytes belong: at least 1, at most `most`. Call commit() after they arrived.
    /// Memory is at most twice what has arrived, or 4 KiB.
    /// requires  most > 0
    std::span<char> room(std::size_t most);
    void commit(std::size_t bytes) { used_ += bytes; }
    /// Copies bytes to the end. `most`  that may follow them
    void append(std::string_view bytes, std::size_t most = 0);

    /// Everything, in one piece; empty afterwards. No byte is copied.
    /// `with`    is held as long as the bytes are
    shared_bytes take(std::shared_ptr<const void> with);

 private:
    growing_memory memory_;
    std::size_t used_ = 0;
};

struct growing_body {
    using value_type = body_buffer;
    static std::uint64_t size(const value_type& body) { return body.size(); }

    class reader {
     public:
        template <bool IsRequest, class Fields>
        reader(boost::beast::http::header<IsRequest, Fields>&, value_type& body) : body_(body) {}

        void init(const boost::optional<std::uint64_t>&, boost::system::error_code& bad) {
            bad = {};
        }

        template <class Buffers>
        std::size_t put(const Buffers& arrived, boost::system::error_code& bad) {
            bad = {};
            const std::size_t before = body_.size();
            for (const auto piece : boost::beast::buffers_range_ref(arrived)) {
                body_.append({static_cast<const char*>(piece.data()), piece.size()});
            }
            return body_.size() - before;
        }

        void finish(boost::system::error_code& bad) { bad = {}; }

     private:
        value_type& body_;
    };
};

}  // namespace vultus::api
