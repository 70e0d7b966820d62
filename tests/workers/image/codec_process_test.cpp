// The decoder process: the same pixels and errors as in this process, and its death does not lose
// the photo.
#include "workers/image/codec_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/workers/image/photo_support.hpp"
#include "workers/image/codec_messages.hpp"

namespace vultus {
namespace {

using namespace std::chrono_literals;

class apart : public ::testing::Test {
 protected:
    void SetUp() override {
        auto found = tried_decoder();
        ASSERT_TRUE(found) << found.error().detail;
        program = *found;
        decoder = std::make_unique<codec_process>(program, codec_process::usual_patience, &losses);
    }
    std::string program;
    std::atomic<std::uint64_t> losses{0};
    std::unique_ptr<codec_process> decoder;
    const std::string photo = testing::sample("obama.jpg");
};

TEST_F(apart, the_same_pixels_as_in_this_process) {
    for (const char* name : {"obama.jpg", "biden.jpg", "32bit.png"}) {
        const std::string file = testing::sample(name);
        const auto here = decode_image(file), there = decode_image(file, decoder.get());
        ASSERT_TRUE(here && there) << name;
        EXPECT_EQ(there->picture.width, here->picture.width);
        EXPECT_EQ(there->picture.rgb, here->picture.rgb) << name;
    }
    const std::string file = testing::sample("biden.jpg");
    const auto header = inspect_image(file).value();
    EXPECT_EQ(decode_reduced(file, header, 200, decoder.get())->picture.rgb,
              decode_reduced(file, header, 200)->picture.rgb);
}

TEST_F(apart, the_same_refusals_and_it_lives_on) {
    std::string cut = photo;
    cut.replace(cut.size() / 2, cut.size() / 2 - 2, cut.size() / 2 - 2, '\0');
    EXPECT_EQ(decode_image(cut, decoder.get()).error(), decode_image(cut).error());
    const int first = decoder->pid();
    EXPECT_GT(first, 0);
    EXPECT_TRUE(decode_image(photo, decoder.get()));
    EXPECT_EQ(decoder->pid(), first);
}

TEST_F(apart, it_says_how_the_picture_is_to_be_turned) {
    const std::string turned =
        testing::with_orientation(testing::png_file(testing::quarters(40, 24)), 6);
    EXPECT_EQ(testing::corners(decode_image(turned, decoder.get())->picture), "brwg");
}

TEST_F(apart, one_that_died_idle_costs_nothing) {
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    EXPECT_NE(decoder->pid(), first);
    EXPECT_EQ(losses, 1u);
}

TEST_F(apart, one_that_dies_under_a_photo_costs_nothing_either) {
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    ASSERT_EQ(::kill(first, SIGSTOP), 0);
    std::atomic<bool> asks{false};
    std::thread killer([&] {
        while (!asks) std::this_thread::yield();
        ::kill(first, SIGKILL);
    });
    asks = true;
    const auto decoded = decode_image(photo, decoder.get());
    killer.join();
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->picture.rgb, decode_image(photo)->picture.rgb);
    EXPECT_NE(decoder->pid(), first);
    EXPECT_EQ(losses, 1u);
}

TEST_F(apart, two_in_a_row_are_a_loss_and_no_verdict) {
    codec_process mortal("/bin/false", codec_process::usual_patience, &losses);
    const auto lost = decode_image(photo, &mortal);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::no_worker);
    EXPECT_TRUE(retryable(lost.error().code));
    EXPECT_EQ(mortal.pid(), 0);
    EXPECT_EQ(losses, 2u);
}

TEST_F(apart, one_that_hangs_is_a_loss_and_the_next_photo_has_another) {
    codec_process impatient(program, 300ms, &losses);
    while (!decode_image(testing::jpeg_file(testing::quarters(8, 8)), &impatient)) {
    }
    const int first = impatient.pid();
    losses = 0;
    ASSERT_EQ(::kill(first, SIGSTOP), 0);
    const auto lost = decode_image(photo, &impatient);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::no_worker);
    EXPECT_NE(impatient.pid(), first);
    EXPECT_EQ(losses, 1u);
}

TEST_F(apart, no_process_at_all_is_the_worker_s_own_trouble) {
    codec_process nothing("/nonexistent/vultus-decoder");
    const auto lost = decode_image(photo, &nothing);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::device_fault);
}

// A terminal's Ctrl-C or a supervisor's SIGTERM reach the whole group; the worker goes on for a
// while, and needs it.
TEST_F(apart, signals_to_the_group_are_for_the_worker) {
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGALRM, SIGPIPE}) {
        ASSERT_EQ(::kill(first, number), 0);
        ASSERT_TRUE(decode_image(photo, decoder.get())) << number;
        ASSERT_EQ(decoder->pid(), first) << number;
    }
}

TEST_F(apart, who_died_idle_is_buried_without_a_photo) {
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    decoder->reap();
    ASSERT_EQ(decoder->pid(), first) << "it lives";
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    while (decoder->pid() != 0) {
        decoder->reap();
        std::this_thread::yield();
    }
    EXPECT_EQ(::kill(first, 0), -1) << "no zombie is left";
    EXPECT_EQ(losses, 1u);
    EXPECT_TRUE(decode_image(photo, decoder.get()));
}

TEST_F(apart, another_collection_has_another_process_and_finds_nothing) {
    using namespace codec_messages;
    decoder->serve("a");
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int first = decoder->pid();
    decoder->serve("a");
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    EXPECT_EQ(decoder->pid(), first) << "the same collection";
    decoder->serve("b");
    EXPECT_EQ(::kill(first, 0), -1);
    EXPECT_EQ(losses, 0u) << "it was ended, not lost";
    const std::string small = testing::jpeg_file(testing::quarters(8, 8));
    ASSERT_TRUE(decode_image(small, decoder.get()));
    EXPECT_NE(decoder->pid(), first);
    const std::string link = "/proc/" + std::to_string(decoder->pid()) + "/fd/4";
    const int memory = ::open(link.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(memory, 0);
    std::string seen(memory_bytes, '?');
    std::size_t read = 0;
    while (read < seen.size()) {
        const auto more = ::pread(memory, &seen[read], seen.size() - read, off_t(read));
        ASSERT_GT(more, 0);
        read += static_cast<std::size_t>(more);
    }
    ::close(memory);
    EXPECT_EQ(seen.substr(0, small.size()), small);
    EXPECT_EQ(seen.find_first_not_of('\0', small.size()), photo_room) << "where the pixels begin";
    EXPECT_EQ(seen.find_first_not_of('\0', photo_room + 8 * 8 * 3), std::string::npos);
}

TEST_F(apart, it_ends_with_its_owner) {
    ASSERT_TRUE(decode_image(photo, decoder.get()));
    const int pid = decoder->pid();
    decoder.reset();
    EXPECT_EQ(::kill(pid, 0), -1) << "it was waited for";
}

}  // namespace
}  // namespace vultus
