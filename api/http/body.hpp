// The body of a request while it arrives. Memory is taken as bytes arrive, in blocks, because a
// client may declare 10 MiB and send nothing; the whole body is put together once, when all of it
// is there. The reader at the end lets Beast fill it, for chunked bodies.
#pragma once

#include <algorithm>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/base/shared_bytes.hpp"

namespace vultus::api {

/// threads   one owner
class body_buffer {
 public:
    /// The largest block, and so the most that is held and has not arrived.
    static constexpr std::size_t block_bytes = 128 * limits::kib;

    std::size_t size() const noexcept { return size_; }

    /// Where the next bytes belong: at least 1, at most `most`. Call commit() after they arrived.
    /// requires  most > 0
    std::span<char> room(std::size_t most) {
        VULTUS_REQUIRE(most > 0, "a body has room for the bytes that are missing");
        if (blocks_.empty() || blocks_.back().used == blocks_.back().size) {
            constexpr std::size_t first_bytes = 4 * limits::kib;
            const auto wanted = std::min(most, std::clamp(size_, first_bytes, block_bytes));
            blocks_.push_back({std::make_unique_for_overwrite<char[]>(wanted), wanted, 0});
        }
        const block& last = blocks_.back();
        return {last.bytes.get() + last.used, std::min(most, last.size - last.used)};
    }
    void commit(std::size_t bytes) {
        if (bytes == 0) return;
        blocks_.back().used += bytes;
        size_ += bytes;
    }
    /// Copies bytes to the end.
    void append(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto place = room(bytes.size());
            std::memcpy(place.data(), bytes.data(), place.size());
            commit(place.size());
            bytes.remove_prefix(place.size());
        }
    }

    /// `front` and then everything, in one piece; empty afterwards. Each byte is copied once, and a
    /// body that fills one block not at all.
    /// `with`    is held as long as the bytes are
    shared_bytes take(std::string_view front, std::shared_ptr<const void> with) {
        struct piece {
            std::unique_ptr<char[]> bytes;
            std::shared_ptr<const void> with;
        };
        const std::size_t size = front.size() + size_;
        if (size == 0) return {};
        auto whole = std::make_shared<piece>();
        whole->with = std::move(with);
        if (front.empty() && blocks_.size() == 1 && blocks_.front().size == size) {
            whole->bytes = std::move(blocks_.front().bytes);
        } else {
            whole->bytes = std::make_unique_for_overwrite<char[]>(size);
            char* at = std::copy(front.begin(), front.end(), whole->bytes.get());
            for (block& one : blocks_) {
                at = std::copy(one.bytes.get(), one.bytes.get() + one.used, at);
                one.bytes.reset();  // so that not all of it is there twice
            }
        }
        blocks_.clear();
        size_ = 0;
        const std::string_view bytes(whole->bytes.get(), size);
        return {std::move(whole), bytes};
    }

 private:
    struct block {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0, used = 0;
    };
    std::vector<block> blocks_;
    std::size_t size_ = 0;
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
