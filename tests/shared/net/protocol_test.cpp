// Messages and their bytes: goldens, round trips, limits at n-1, n and n+1, and bytes of every kind
// that must neither crash nor be taken for a message.
#include "shared/net/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "shared/base/limits.hpp"

namespace vultus::protocol {
namespace {

using testing::HasSubstr;

const std::string id_a = "01900000-0000-7000-8000-00000000000a";
const std::string id_b = "01900000-0000-7000-8000-00000000000b";

struct example {
    const char* name;
    direction which;
    message what;
};

leased_job some_job() {
    leased_job job;
    job.job_id = id_a;
    job.attempt = 3;
    job.type = job_type::train;
    job.collection = "staff";
    job.min_version = 5 * epoch_factor + 7;
    job.lease_until = unix_time(1'790'000'010'000);
    job.deadline = unix_time(1'790'003'600'000);
    job.solo = true;
    job.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    return job;
}

worker_status some_worker() {
    worker_status one;
    one.worker_id = "host-7-cpu-0011aabb";
    one.host = "host";
    one.device = "cpu";
    one.build = "0.1.0";
    one.state = "ready";
    one.pid = 7;
    one.window = 64;
    one.outstanding = 2;
    one.frames = 1;
    one.last_seen_ms = 12;
    one.galleries = {{"default", epoch_factor}};
    one.load = {12, 340, 300, std::uint64_t{140} << 30, std::uint64_t{99} << 30, 3};
    one.detectors = {"hog", "cnn"};
    one.embedders = {"omz_0095/unit"};
    return one;
}

std::vector<example> examples() {
    ready hello{"host-7-cpu-0011aabb",
                "host",
                "cpu",
                "0.1.0",
                7,
                {"recognize", "train"},
                64,
                4,
                {{id_a, 3}},
                {{"default", epoch_factor + 1}},
                "NVIDIA H200, 143771 MiB, compute 9.0",
                {"hog", "cnn"},
                {"dlib_resnet_v1/unit", "omz_0095/unit"}};
    frame picture{"f-1",
                  1,
                  "live-1",
                  "default",
                  "{\"k\":3}",
                  9,
                  1'500,
                  std::string("\xFF\xD8\0x", 4),
                  {-3, 10, 116, 129},
                  "cnn",
                  "omz_0095/unit",
                  "verify"};
    answer reply{"f-1", 1, 9, "", "", "{\"faces\":[]}", "verify"};
    status_reply state;
    state.request_id = "s-1";
    state.broker_id = "host-3";
    state.workers = {some_worker()};
    state.frames_waiting = 2;
    state.frame_bytes = 4'096;
    state.refused_peers = 3;
    const auto to = direction::to_broker;
    const auto from = direction::from_broker;
    return {{"READY", to, hello},
            {"HEARTBEAT of a worker", to,
             worker_heartbeat{5, {{id_a, 3}}, {"f-1"}, 99, {12, 340, 300}}},
            {"HEARTBEAT of the broker", from,
             broker_heartbeat{1'000, 1'790'000'000'000, {{"default", epoch_factor}}}},
            {"JOB", from, job{1, {some_job()}}},
            {"DONE", to, done{id_a, 3, "succeeded", {{"decode", 4.5}, {"match", 0.25}}}},
            {"RELOAD", from, reload{"staff", 5 * epoch_factor + 8}},
            {"CANCEL", from, cancel{id_b, 1}},
            {"DRAIN", to, drain{"SIGTERM"}},
            {"BYE", from, bye{"version"}},
            {"SUBMIT", to, submit{0, {id_a, id_b}}},
            {"FRAME", from, picture},
            {"ANSWER", to, reply},
            {"STATUS asked", to, status_request{"s-1"}},
            {"STATUS told", from, state},
            {"DRAIN_WORKER", to, drain_worker{"host-7-cpu-0011aabb"}},
            {"CANCEL_REQUEST", to, cancel_request{id_b}}};
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        constexpr const char* digits = "0123456789abcdef";
        text += digits[static_cast<unsigned char>(c) >> 4U];
        text += digits[static_cast<unsigned char>(c) & 15U];
    }
    return text;
}

std::string as_text(const example& one) {
    std::string text = std::string("# ") + one.name + "\n";
    for (const shared_bytes& part : encode(one.what)) text += hex(part) + "\n";
    return text;
}

std::vector<shared_bytes> frames_of(unsigned char command, std::string map) {
    return {std::string(magic), std::string(1, static_cast<char>(command)), std::move(map)};
}

/// A map with one unknown key that holds `value`, and a fine `reason`.
std::string drain_with(const std::string& value) {
    return std::string("\x82\xA6reason\xA1x\xA1z", 12) + value;
}

TEST(protocol, bytes_are_those_of_the_golden_file) {
    const std::string path = std::string(VULTUS_SOURCE_DIR) + "/tests/golden/protocol.txt";
    std::string now;
    for (const example& one : examples()) now += as_text(one);
    if (std::getenv("VULTUS_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << now;
    std::ifstream file(path);
    EXPECT_EQ(now, std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(protocol, every_message_comes_back_as_it_went) {
    for (const example& one : examples()) {
        const auto back = decode(one.which, encode(one.what));
        ASSERT_TRUE(back) << one.name << ": " << back.error().detail;
        EXPECT_TRUE(*back == one.what) << one.name;
    }
    EXPECT_EQ(examples().size(), std::variant_size_v<message>) << "each message has an example";
}

TEST(protocol, an_image_is_not_copied) {
    const frame photo{"f", 1, "", "default", "", 0, 0, std::string(100'000, 'x')};
    const auto frames = encode(photo);
    EXPECT_EQ(frames[3].data(), photo.image.data());
    const auto back = decode(direction::to_broker, frames);
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<frame>(*back).image.data(), photo.image.data());
}

TEST(protocol, a_time_without_a_fraction_is_a_time) {
    const done what{id_a, 3, "succeeded", {{"decode", 0.0}, {"queue", 7.0}, {"total", 1e300}}};
    const auto read = decode(direction::to_broker, encode(what));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, message(what));
}

TEST(protocol, one_way_messages_are_refused_the_other_way) {
    for (const example& one : examples()) {
        const bool both =
            std::holds_alternative<drain>(one.what) || std::holds_alternative<bye>(one.what) ||
            std::holds_alternative<frame>(one.what) || std::holds_alternative<answer>(one.what);
        const auto other =
            one.which == direction::to_broker ? direction::from_broker : direction::to_broker;
        const auto back = decode(other, encode(one.what));
        const bool same = back && *back == one.what;
        EXPECT_EQ(same, both) << one.name;
    }
}

TEST(protocol, another_magic_or_command_is_another_version) {
    auto frames = encode(drain{"x"});
    frames[0] = "VLT2";
    EXPECT_EQ(decode(direction::to_broker, frames).error().code, errc::wrong_version);
    EXPECT_EQ(decode(direction::to_broker, {}).error().code, errc::wrong_version);
    for (const unsigned unknown : {0x00U, 0x05U, 0x07U, 0x16U, 0xFFU}) {
        EXPECT_EQ(
            decode(direction::to_broker, frames_of(static_cast<unsigned char>(unknown), "\x80"))
                .error()
                .code,
            errc::wrong_version)
            << unknown;
    }
}

TEST(protocol, the_number_of_frames_is_fixed) {
    auto frames = encode(drain{"x"});
    frames.emplace_back("more");
    EXPECT_EQ(decode(direction::to_broker, frames).error().code, errc::malformed);
    frames = encode(answer{"f", 1, 2, "", "", "{}"});
    frames.pop_back();
    EXPECT_EQ(decode(direction::to_broker, frames).error().code, errc::malformed);
    frames.pop_back();
    EXPECT_EQ(decode(direction::to_broker, frames).error().code, errc::malformed);
}

TEST(protocol, unknown_keys_are_ignored_and_needed_ones_are_needed) {
    const auto taken = decode(direction::to_broker, frames_of(0x09, drain_with("\xC0")));
    ASSERT_TRUE(taken) << taken.error().detail;
    EXPECT_EQ(std::get<drain>(*taken).reason, "x");
    EXPECT_TRUE(decode(direction::to_broker, frames_of(0x09, "\x80")));
    const auto empty = decode(direction::to_broker, frames_of(0x14, "\x80"));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, errc::malformed);
    EXPECT_THAT(empty.error().detail, HasSubstr("worker_id"));
}

TEST(protocol, a_frame_of_an_older_api_names_no_detector) {
    const std::string map =
        "\x82\xA8"
        "frame_id\xA1"
        "f\xAA"
        "collection\xA1"
        "c";
    auto bytes = frames_of(0x11, map);
    bytes.emplace_back("image");
    const auto taken = decode(direction::to_broker, bytes);
    ASSERT_TRUE(taken) << taken.error().detail;
    EXPECT_EQ(std::get<frame>(*taken).detector, "");
    EXPECT_EQ(std::get<frame>(*taken).embedder, "");
    for (const std::string bad : {"a:b", "a b", "a\n"}) {
        frame wrong = std::get<frame>(*taken);
        wrong.detector = bad;
        EXPECT_FALSE(decode(direction::to_broker, encode(wrong))) << bad;
        wrong.detector.clear();
        wrong.embedder = bad;
        EXPECT_FALSE(decode(direction::to_broker, encode(wrong))) << bad;
    }
}

TEST(protocol, names_of_models_have_a_form_a_length_and_a_number) {
    ready hello;
    hello.worker_id = "w";
    const auto fine = [&](const std::vector<std::string>& names) {
        hello.detectors = names;
        hello.embedders.clear();
        const bool one = decode(direction::to_broker, encode(hello)).has_value();
        hello.embedders = std::exchange(hello.detectors, {});
        EXPECT_EQ(decode(direction::to_broker, encode(hello)).has_value(), one);
        return one;
    };
    EXPECT_TRUE(fine({}));
    EXPECT_TRUE(fine({"a-Z_0.9/x"}));
    EXPECT_TRUE(fine({std::string(limits::model_name_bytes, 'm')}));
    EXPECT_FALSE(fine({std::string(limits::model_name_bytes + 1, 'm')}));
    EXPECT_TRUE(fine(std::vector<std::string>(limits::models_of_worker, "m")));
    EXPECT_FALSE(fine(std::vector<std::string>(limits::models_of_worker + 1, "m")));
    for (const std::string bad : {"", "a,b", "a=1", "a b", "\xC3\xA9"}) EXPECT_FALSE(fine({bad}));
}

TEST(protocol, five_bytes_that_claim_four_billion_elements_are_refused) {
    const std::string array = "\xDD\xFF\xFF\xFF\xFF";
    const std::string map = "\xDF\xFF\xFF\xFF\xFF";
    const std::string text = "\xDB\xFF\xFF\xFF\xFF";
    for (const std::string& claim : {array, map, text}) {
        for (const std::string& bytes : {claim, drain_with(claim)}) {
            EXPECT_EQ(decode(direction::to_broker, frames_of(0x09, bytes)).error().code,
                      errc::malformed);
        }
    }
}

TEST(protocol, depth_is_limited) {
    const auto nested = [](std::size_t arrays) {  // the map itself is depth 1
        return frames_of(0x09, drain_with(std::string(arrays, '\x91') + "\xC0"));
    };
    EXPECT_TRUE(decode(direction::to_broker, nested(limits::map_depth - 2)));
    EXPECT_TRUE(decode(direction::to_broker, nested(limits::map_depth - 1)));
    EXPECT_FALSE(decode(direction::to_broker, nested(limits::map_depth)));
}

TEST(protocol, elements_are_limited) {
    const auto nils = [](std::size_t count) {
        const std::string head{'\xDC', static_cast<char>(count >> 8U), static_cast<char>(count)};
        return frames_of(0x09, drain_with(head + std::string(count, '\xC0')));
    };
    EXPECT_TRUE(decode(direction::to_broker, nils(limits::map_elements - 1)));
    EXPECT_TRUE(decode(direction::to_broker, nils(limits::map_elements)));
    EXPECT_FALSE(decode(direction::to_broker, nils(limits::map_elements + 1)));
}

TEST(protocol, bytes_of_the_map_are_limited) {
    const auto long_map = [](std::size_t bytes) {
        const std::size_t count = bytes - drain_with("").size() - 5;
        std::string head = "\xDB";
        for (const unsigned shift : {24U, 16U, 8U, 0U}) {
            head += static_cast<char>((count >> shift) & 0xFFU);
        }
        auto frames = frames_of(0x09, drain_with(head + std::string(count, 'z')));
        EXPECT_EQ(frames[2].size(), bytes);
        return frames;
    };
    EXPECT_TRUE(decode(direction::to_broker, long_map(limits::map_bytes - 1)));
    EXPECT_TRUE(decode(direction::to_broker, long_map(limits::map_bytes)));
    EXPECT_FALSE(decode(direction::to_broker, long_map(limits::map_bytes + 1)));
}

TEST(protocol, jobs_in_one_message_are_limited) {
    for (const std::size_t count :
         {limits::jobs_per_message - 1, limits::jobs_per_message, limits::jobs_per_message + 1}) {
        const job many{1, std::vector<leased_job>(count, some_job())};
        EXPECT_EQ(decode(direction::from_broker, encode(many)).has_value(),
                  count <= limits::jobs_per_message);
    }
}

TEST(protocol, photos_and_results_are_limited) {
    for (const std::size_t extra : {0U, 1U}) {
        frame photo{"f", 1, "", "default", "", 0, 0, std::string(limits::body_bytes + extra, 'x')};
        EXPECT_EQ(decode(direction::to_broker, encode(photo)).has_value(), extra == 0);
        answer text{"f", 1, 0, "", "", std::string(limits::result_bytes + extra, 'x')};
        EXPECT_EQ(decode(direction::to_broker, encode(text)).has_value(), extra == 0);
    }
}

TEST(protocol, known_boxes_have_four_edges_and_are_limited) {
    const auto taken = [](std::size_t numbers, std::int64_t edge) {
        frame photo{"f", 1, "live", "default", "", 0, 0, "x"};
        photo.known.assign(numbers, edge);
        return decode(direction::to_broker, encode(photo)).has_value();
    };
    const std::size_t most = 4 * limits::faces_per_image;
    EXPECT_TRUE(taken(0, 0) && taken(4, -7) && taken(most - 4, 7) && taken(most, 7));
    EXPECT_FALSE(taken(3, 7) || taken(5, 7) || taken(most + 4, 7));
    constexpr auto farthest = static_cast<std::int64_t>(2 * limits::image_side);
    EXPECT_TRUE(taken(4, farthest) && taken(4, -farthest));
    EXPECT_FALSE(taken(4, farthest + 1) || taken(4, -farthest - 1));
}

TEST(protocol, names_that_imitate_keys_are_refused) {
    for (const std::string bad : {"", "a:b", "a{b", "a b", "a\nb", "a*"}) {
        EXPECT_FALSE(decode(direction::to_broker, encode(cancel_request{bad}))) << bad;
        EXPECT_FALSE(decode(direction::from_broker, encode(reload{bad, 1}))) << bad;
        EXPECT_FALSE(decode(direction::to_broker, encode(drain_worker{bad}))) << bad;
    }
    const std::string longest(limits::worker_id_bytes, 'w');
    EXPECT_TRUE(decode(direction::to_broker, encode(drain_worker{longest})));
    EXPECT_FALSE(decode(direction::to_broker, encode(drain_worker{longest + "w"})));
}

TEST(protocol, a_status_of_more_workers_than_fit_is_shortened_and_says_so) {
    status_reply state;
    state.request_id = "s";
    state.workers.assign(limits::workers, some_worker());
    const auto frames = encode(state);
    EXPECT_LE(frames[2].size(), limits::map_bytes);
    const auto back = decode(direction::from_broker, frames);
    ASSERT_TRUE(back) << back.error().detail;
    const auto& told = std::get<status_reply>(*back);
    EXPECT_GT(told.workers.size(), 100U);
    EXPECT_EQ(told.workers.size() + told.workers_left_out, limits::workers);
}

TEST(protocol, random_and_damaged_bytes_never_crash) {
    std::mt19937 random(20'240'601);
    const auto all = examples();
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        const example& one = all[random() % all.size()];
        auto frames = encode(one.what);
        shared_bytes& damaged = frames[2 - (random() % 16 == 0 ? 1 : 0)];
        std::string part = damaged.copied();
        for (auto flips = random() % 4 + 1; flips > 0 && !part.empty(); --flips) {
            part[random() % part.size()] = static_cast<char>(random());
        }
        if (random() % 4 == 0) part.resize(random() % (part.size() + 1));
        damaged = std::move(part);
        const auto back = decode(one.which, frames);
        if (!back)
            ++refused;
        else
            encode(*back);
    }
    EXPECT_GT(refused, 5'000U);
}

}  // namespace
}  // namespace vultus::protocol
