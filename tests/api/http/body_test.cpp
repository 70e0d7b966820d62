// The body of a request while it arrives: what is held, and that no byte is copied twice.
#include "api/http/body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vultus::api {
namespace {

/// Lets `text` arrive `step` bytes at a time. Gives the place behind the last byte.
const char* arrive(body_buffer& body, std::string_view text, std::size_t step) {
    const char* end = nullptr;
    while (!text.empty()) {
        const auto place = body.room(text.size());
        EXPECT_LE(place.size(), text.size());
        EXPECT_LE(place.size(), body_buffer::room_bytes);
        const auto size = std::min({step, place.size(), text.size()});
        std::copy_n(text.data(), size, place.data());
        body.commit(size);
        end = place.data() + size;
        text.remove_prefix(size);
    }
    return end;
}

std::string numbers(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 >> 3U);
    return text;
}

TEST(body_buffer, gives_what_arrived_where_it_lies) {
    for (const std::size_t size :
         {1u, 4'095u, 4'096u, 4'097u, 16'384u, 16'385u, 131'072u, 131'073u, 2'000'000u}) {
        for (const std::size_t step : {1'000u, 65'536u, 1u << 20U}) {
            body_buffer body;
            const std::string text = numbers(size);
            const char* const end = arrive(body, text, step);
            EXPECT_EQ(body.size(), size);
            const auto bytes = body.take(nullptr);
            EXPECT_TRUE(bytes.view() == text) << size << " " << step;
            EXPECT_EQ(bytes.data() + size, end) << "copied";
            EXPECT_EQ(body.size(), 0u);
        }
    }
}

TEST(body_buffer, what_came_with_the_header_is_its_beginning) {
    for (const std::size_t front : {1u, 5'000u, 100'000u}) {
        const std::string text = numbers(front + 200'000);
        body_buffer body;
        body.append(std::string_view(text).substr(0, front), 200'000);
        EXPECT_EQ(body.size(), front);
        arrive(body, std::string_view(text).substr(front), 30'000);
        EXPECT_TRUE(body.take(nullptr).view() == text);
    }
}

TEST(body_buffer, memory_grows_with_the_bytes) {
    body_buffer body;
    EXPECT_EQ(body.room(10'000'000).size(), 4'096u) << "before the first byte";
    std::size_t allocated = 0;
    while (body.size() < 10'000'000) {
        const auto size = body.room(10'000'000 - body.size()).size();
        EXPECT_LE(size, std::clamp(body.size(), std::size_t(4'096), body_buffer::room_bytes));
        allocated += size;
        body.commit(size);
    }
    EXPECT_EQ(allocated, 10'000'000u) << "and never more than is missing";
}

TEST(body_buffer, its_bytes_keep_what_counts_them) {
    for (const std::size_t size : {100u, 300'000u}) {
        auto counts = std::make_shared<char>();
        const std::weak_ptr<char> alive = counts;
        body_buffer body;
        arrive(body, numbers(size), 10'000);
        auto bytes = body.take(std::move(counts));
        const auto part = bytes.part(bytes.view().substr(10, 20));
        bytes = {};
        EXPECT_FALSE(alive.expired()) << "a part keeps the body";
        auto moved = part;
        EXPECT_EQ(moved.size(), 20u);
    }
}

TEST(body_buffer, nothing_is_nothing) {
    body_buffer body;
    EXPECT_TRUE(body.take(nullptr).empty());
}

}  // namespace
}  // namespace vultus::api
