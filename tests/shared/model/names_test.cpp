// The rules for names, the ids, and the words of the contract.
#include <gtest/gtest.h>

#include <set>

#include "shared/base/error.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"
#include "shared/net/protocol.hpp"

namespace vultus {
namespace {

TEST(label, good_ones) {
    for (const std::string good :
         {"a", "Ada Lovelace", "/", ":", "{0}", "*", "...", "\xF0\x9F\x98\x80", "O'Neil \"x\"",
          "\xC3\xA9", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "<script>"}) {
        EXPECT_TRUE(check_label(good)) << good;
    }
    EXPECT_TRUE(check_label(std::string(limits::label_bytes - 1, 'a')));
    EXPECT_TRUE(check_label(std::string(limits::label_bytes, 'a')));
}

TEST(label, bad_ones) {
    const std::vector<std::string> bad{"",
                                       ".",
                                       "..",
                                       std::string(limits::label_bytes + 1, 'a'),
                                       std::string("a\0b", 3),
                                       "a\nb",
                                       "\x7F",
                                       "\xC2\x80",
                                       "\xC2\x9F",
                                       "\xE2\x80\xA8",
                                       "\xE2\x80\xAE"
                                       "evil",
                                       "\xE2\x81\xA6",
                                       "\xE2\x80\x8F",
                                       "\xD8\x9C",
                                       "\x80",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xE0\x80\x80",
                                       "\xED\xA0\x80",
                                       "\xF0\x80\x80\x80",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xC3",
                                       "\xE2\x82",
                                       "a\xFF"};
    for (const std::string& one : bad) {
        const auto checked = check_label(one);
        ASSERT_FALSE(checked) << one;
        EXPECT_EQ(checked.error().code, errc::bad_label);
        EXPECT_FALSE(checked.error().detail.empty());
    }
}

TEST(detector, says_which_kind_of_device_suits_it) {
    EXPECT_EQ(preferred_device("cnn"), device_kind::gpu);
    EXPECT_EQ(preferred_device("hog"), device_kind::cpu);
    EXPECT_EQ(preferred_device(""), device_kind::cpu) << "an older sender";
    EXPECT_EQ(preferred_device("gpu"), device_kind::cpu) << "no detector";
    EXPECT_EQ(name_of(device_kind::gpu), "gpu");
    EXPECT_EQ(name_of(device_kind::cpu), "cpu");
}

TEST(collection, rule) {
    for (const std::string good : {"a", "0", "Default", "a_b-c", "9-_"}) {
        EXPECT_TRUE(check_collection(good)) << good;
    }
    EXPECT_TRUE(check_collection(std::string(limits::collection_bytes, 'c')));
    const std::vector<std::string> bad{"",
                                       "_a",
                                       "-a",
                                       "a:b",
                                       "a{b}",
                                       "a b",
                                       "\xC3\xA9",
                                       "a\n",
                                       "a.b",
                                       std::string("a\0", 2),
                                       std::string(limits::collection_bytes + 1, 'c')};
    for (const std::string& one : bad) {
        const auto checked = check_collection(one);
        ASSERT_FALSE(checked) << one;
        EXPECT_EQ(checked.error().code, errc::bad_collection);
    }
}

TEST(words, each_has_a_name_and_is_found_by_it) {
    for (const auto type : {job_type::recognize, job_type::train, job_type::clear, job_type::forget,
                            job_type::rename, job_type::merge, job_type::delete_collection}) {
        EXPECT_EQ(job_type_named(name_of(type)), type);
    }
    int terminal = 0;
    for (const auto state :
         {job_state::pending, job_state::running, job_state::delayed, job_state::publishing,
          job_state::succeeded, job_state::failed, job_state::dead, job_state::cancelled}) {
        EXPECT_EQ(job_state_named(name_of(state)), state);
        terminal += is_terminal(state) ? 1 : 0;
    }
    EXPECT_EQ(terminal, 4);
    EXPECT_FALSE(job_state_named(""));
    EXPECT_FALSE(job_type_named("Train"));
    for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
        EXPECT_EQ(errc_named(name_of(static_cast<errc>(code))), static_cast<errc>(code));
    }
}

TEST(job_id, carries_time_and_shard) {
    const unix_time now(1'790'000'000'123);
    for (const unsigned shard : {0U, 1U, 0xABCU, 4'095U}) {
        const std::string id = new_job_id(now, shard);
        EXPECT_TRUE(is_job_id(id)) << id;
        EXPECT_EQ(time_of(id), now);
        EXPECT_EQ(std::stoul(id.substr(15, 3), nullptr, 16), shard) << id;
    }
    EXPECT_EQ(new_job_id(now, 5).substr(0, 18), "01a0c450-6c7b-7005");
    EXPECT_LT(new_job_id(now, 4'095), new_job_id(now + std::chrono::milliseconds(1), 0));
    std::set<std::string> ids;
    for (int i = 0; i < 1'000; ++i) ids.insert(new_job_id(now, 0));
    EXPECT_EQ(ids.size(), 1'000U);
}

TEST(job_id, other_texts_are_none) {
    const std::string good = "01900000-0000-7000-8000-00000000000a";
    ASSERT_TRUE(is_job_id(good));
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = 'G';
        EXPECT_FALSE(is_job_id(bad)) << bad;
    }
    EXPECT_FALSE(is_job_id("01900000-0000-4000-8000-00000000000a"));
    EXPECT_FALSE(is_job_id("01900000-0000-7000-c000-00000000000a"));
    EXPECT_FALSE(is_job_id("01900000-0000-7000-8000-00000000000A"));
    EXPECT_FALSE(is_job_id(good + "0"));
    EXPECT_FALSE(is_job_id(""));
}

TEST(worker_id, is_short_and_fit_for_a_message) {
    const std::string id = new_worker_id("box-1.example", 42, "cuda:0");
    EXPECT_EQ(id.substr(0, id.size() - 8), "box-1.example-42-cuda_0-");
    EXPECT_NE(id, new_worker_id("box-1.example", 42, "cuda:0"));
    const std::string longest =
        new_worker_id(std::string(300, 'h'), 2'147'483'647, std::string(99, 'd'));
    EXPECT_EQ(longest.size(), limits::worker_id_bytes);
    for (const std::string& one : {id, longest, new_worker_id("", 1, "\xC3\xA9 x")}) {
        EXPECT_TRUE(protocol::decode(protocol::direction::to_broker,
                                     protocol::encode(protocol::drain_worker{one})))
            << one;
    }
}

TEST(sums, are_those_of_fips_180_4) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(random_hex32().size(), 32U);
    EXPECT_NE(random_hex32(), random_hex32());
}

}  // namespace
}  // namespace vultus
