// The body of a request as Beast's parser fills it: text that grows with what comes. Beast's own
// string_body takes the memory of the whole declared length before the first byte is there.
#pragma once

#include <algorithm>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <string>

namespace vultus::api {

struct growing_body {
    using value_type = std::string;
    static std::uint64_t size(const value_type& body) { return body.size(); }

    class reader {
     public:
        template <bool IsRequest, class Fields>
        reader(boost::beast::http::header<IsRequest, Fields>&, value_type& body) : body_(body) {}

        void init(const boost::optional<std::uint64_t>& length, boost::system::error_code& bad) {
            length_ = static_cast<std::size_t>(length.value_or(0));
            bad = {};
        }

        template <class Buffers>
        std::size_t put(const Buffers& came, boost::system::error_code& bad) {
            bad = {};
            const std::size_t size = boost::beast::buffer_bytes(came);
            const std::size_t needed = body_.size() + size;
            if (needed > body_.capacity()) {
                // Twice as much each time, and never more than was declared.
                auto wanted = std::max(needed, 2 * body_.capacity());
                if (length_ >= needed) wanted = std::min(wanted, length_);
                body_.reserve(wanted);
            }
            for (const auto piece : boost::beast::buffers_range_ref(came)) {
                body_.append(static_cast<const char*>(piece.data()), piece.size());
            }
            return size;
        }

        void finish(boost::system::error_code& bad) { bad = {}; }

     private:
        value_type& body_;
        std::size_t length_ = 0;
    };
};

}  // namespace vultus::api
