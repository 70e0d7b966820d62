// `vultusctl key`: its arguments, and keys created, listed, rotated and revoked on a real Redis.
#include "clients/ctl/keys/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "shared/security/secret.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

TEST(key_words, amounts) {
    EXPECT_EQ(parse_amount("600/min"), 600u);
    EXPECT_EQ(parse_amount("0"), 0u);
    EXPECT_EQ(parse_amount("2KiB"), 2'048u);
    EXPECT_EQ(parse_amount("100MiB/min"), 104'857'600u);
    for (const char* bad : {"", "/min", "-1", "1.5", "600/s", "6 0", "1MB", "99999999999999"}) {
        EXPECT_FALSE(parse_amount(bad)) << bad;
    }
}

TEST(key_words, spans) {
    using namespace std::chrono_literals;
    EXPECT_EQ(parse_span("90d"), 90 * 24h);
    EXPECT_EQ(parse_span("24h"), 24h);
    EXPECT_EQ(parse_span("5min"), 5min);
    EXPECT_EQ(parse_span("0s"), 0s);
    for (const char* bad : {"", "90", "d", "-1d", "1w", "9999999999d"}) {
        EXPECT_FALSE(parse_span(bad)) << bad;
    }
}

TEST(key_words, a_key_is_what_was_asked_for) {
    key_words asked;
    asked.scopes = "train,read";
    asked.collections = "b,a";
    asked.quota = "600/min";
    asked.jobs = "5";
    asked.expires = "1h";
    const auto key = wanted_key(asked);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->scopes, (scope_set{scope::read, scope::train}));
    EXPECT_EQ(text_of(key->collections), "a,b");
    EXPECT_EQ(key->quota, (access_quota{600, 0, 5}));
    EXPECT_GT(key->expires, unix_now());
    asked.scopes = "write";
    EXPECT_EQ(wanted_key(asked).error().code, errc::bad_option);
    asked.scopes = "read";
    asked.collections = "a b";
    EXPECT_EQ(wanted_key(asked).error().code, errc::bad_collection);
    asked.collections = "*";
    asked.note = std::string(101, 'n');
    EXPECT_EQ(wanted_key(asked).error().code, errc::bad_option);
}

namespace {

class key_commands : public testing::Test {
 protected:
    void SetUp() override {
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(redis_->call(store_schema(store_).load_library()));
    }
    outcome ctl(std::vector<std::string> words) const {
        words.insert(words.begin(), {VULTUS_CTL, "--data", folder_.path(), "key"});
        return run_program(words);
    }
    std::string first_line(const outcome& of) { return of.out.substr(0, of.out.find('\n')); }
    std::vector<access_key> stored() {
        return redis_->call(key_store(store_).keys("")).value().keys;
    }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    store_context store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(key_commands, a_key_is_shown_once_and_kept_as_a_hash) {
    const auto made = ctl({"create", "--scopes", "read,train", "--collections", "a,b", "--quota",
                           "600/min", "--expires", "90d", "--note", "Ada"});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto text = first_line(made);
    const auto id = id_in_key(text);
    ASSERT_TRUE(id) << made.out;
    const auto file = folder_.path() + "/access.secret";
    struct stat what {};
    ASSERT_EQ(::stat(file.c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777, 0600u);
    ASSERT_EQ(stored().size(), 1u);
    EXPECT_EQ(stored()[0].id, *id);
    EXPECT_EQ(stored()[0].hash, hash_of_key(text, *read_secret_file(file)));
    const auto listed = ctl({"list"});
    EXPECT_EQ(listed.code, 0);
    for (const char* word : {"read,train", "a,b", "600/min", "Ada", id->c_str()}) {
        EXPECT_THAT(listed.out, HasSubstr(word));
    }
    EXPECT_THAT(listed.out + ctl({"--json", "list"}).out, Not(HasSubstr(text.substr(20))));
}

TEST_F(key_commands, rotate_and_revoke) {
    const auto old = *id_in_key(first_line(ctl({"create", "--scopes", "read"})));
    const auto rotated = ctl({"rotate", old, "--overlap", "1h"});
    ASSERT_EQ(rotated.code, 0) << rotated.err;
    const auto fresh = *id_in_key(first_line(rotated));
    ASSERT_EQ(stored().size(), 2u);
    EXPECT_EQ(ctl({"revoke", fresh}).code, 0);
    ASSERT_EQ(stored().size(), 1u);
    EXPECT_EQ(stored()[0].id, old);
    EXPECT_GT(stored()[0].expires, unix_now());
    EXPECT_EQ(ctl({"revoke", fresh}).code, 1);
    EXPECT_EQ(ctl({"revoke", "x"}).code, 2);
}

TEST_F(key_commands, who_changed_a_key_is_in_the_audit_log) {
    const auto id = *id_in_key(first_line(ctl({"create", "--scopes", "read"})));
    ctl({"revoke", id});
    const auto told = run_program({VULTUS_CTL, "--data", folder_.path(), "audit"});
    EXPECT_EQ(told.code, 0) << told.err;
    const auto newest = told.out.find("key_revoke"), oldest = told.out.find("key_create");
    EXPECT_LT(newest, oldest) << told.out;
    EXPECT_NE(oldest, std::string::npos);
    EXPECT_THAT(told.out, HasSubstr("vultusctl:"));
    const auto one =
        run_program({VULTUS_CTL, "--data", folder_.path(), "--json", "audit", "--count", "1"});
    EXPECT_THAT(one.out, HasSubstr("key_revoke"));
    const auto at = one.out.find("next_page\":\"") + 12;
    const auto page = one.out.substr(at, one.out.find('"', at) - at);
    const auto rest = run_program({VULTUS_CTL, "--data", folder_.path(), "audit", "--page", page});
    EXPECT_THAT(rest.out, HasSubstr("key_create"));
    EXPECT_THAT(rest.out, Not(HasSubstr("key_revoke")));
}

TEST_F(key_commands, a_lost_secret_is_not_replaced_behind_the_back_of_the_keys) {
    ASSERT_EQ(ctl({"create", "--scopes", "read"}).code, 0);
    std::filesystem::remove(folder_.path() + "/access.secret");
    const auto second = ctl({"create", "--scopes", "read"});
    EXPECT_EQ(second.code, 1);
    EXPECT_THAT(second.err, HasSubstr("access.secret"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/access.secret"));
}

TEST_F(key_commands, wrong_words_make_nothing) {
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"create"},
                                               {"create", "--scopes", "all"},
                                               {"create", "--scopes", "read", "--quota", "x"},
                                               {"rotate"},
                                               {}}) {
        EXPECT_NE(ctl(words).code, 0);
    }
    EXPECT_TRUE(stored().empty());
}
