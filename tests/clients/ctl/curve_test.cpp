// `vultusctl curve`: keys and the list of allowed keys, as files; and vultusctl's own link.
#include "clients/ctl/keys/curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "shared/net/allow_list.hpp"
#include "shared/security/secret.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

namespace {

class curve_commands : public testing::Test {
 protected:
    outcome ctl(std::vector<std::string> words, const std::string& folder = "keys") const {
        words.insert(words.begin(), {VULTUS_CTL, "--keys", folder_.path() + "/" + folder, "curve"});
        return run_program(words);
    }
    std::string file(const std::string& name) const { return folder_.path() + "/keys/" + name; }
    allow_list listed() const { return read_allow_list(file("allowed")).value(); }
    static std::string key_in(const outcome& made) { return made.out.substr(0, 64); }

    data_folder folder_;
};

}  // namespace

TEST_F(curve_commands, keys_are_made_and_put_on_the_list) {
    const outcome broker = ctl({"make", "broker", "--role", "broker"});
    ASSERT_EQ(broker.code, 0) << broker.err;
    EXPECT_TRUE(listed().empty()) << "a broker does not connect";
    const outcome worker = ctl({"make", "w-1", "--role", "worker"});
    ASSERT_EQ(worker.code, 0) << worker.err;
    ASSERT_EQ(ctl({"make", "api", "--role", "api"}).code, 0);
    ASSERT_EQ(listed().size(), 2U);
    const auto secret = read_secret_file(file("w-1.secret"));
    ASSERT_TRUE(secret) << secret.error().detail;
    EXPECT_EQ(listed()[0], (allowed_peer{"w-1", peer_role::worker, public_key_of(*secret)}));
    EXPECT_EQ(hex_of(public_key_of(*secret)), key_in(worker));
    EXPECT_EQ(listed()[1].role, peer_role::api);
    EXPECT_THAT(worker.out, Not(HasSubstr(hex_of(*secret))));
    std::string open;
    std::ifstream(file("broker.public")) >> open;
    EXPECT_EQ(open, key_in(broker));
    struct stat what {};
    ASSERT_EQ(stat(file("w-1.secret").c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777, 0600U);

    const outcome shown = ctl({"list"});
    EXPECT_EQ(shown.code, 0);
    for (const std::string& key : {key_in(broker), key_in(worker)}) {
        EXPECT_THAT(shown.out, HasSubstr(key));
    }
    EXPECT_THAT(shown.out, Not(HasSubstr(hex_of(*secret))));
    chmod(file("w-1.secret").c_str(), 0644);
    EXPECT_EQ(ctl({"list"}).code, 1) << "a secret that others may read is a finding";
}

TEST_F(curve_commands, nothing_is_overwritten) {
    ASSERT_EQ(ctl({"make", "broker", "--role", "broker"}).code, 0);
    ASSERT_EQ(ctl({"make", "w", "--role", "worker"}).code, 0);
    const auto before = listed();
    const outcome again = ctl({"make", "w", "--role", "worker"});
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("w.secret already exists"));
    EXPECT_EQ(listed(), before);
    EXPECT_EQ(ctl({"allow", "w", std::string(64, 'a'), "--role", "api"}).code, 1) << "the name";
    EXPECT_EQ(ctl({"allow", "x", hex_of(before[0].key), "--role", "api"}).code, 1) << "the key";
    EXPECT_EQ(listed(), before);
}

TEST_F(curve_commands, a_key_of_another_host_is_allowed_and_removed) {
    ASSERT_EQ(ctl({"make", "broker", "--role", "broker"}).code, 0);
    const outcome far = ctl({"make", "far", "--role", "worker"}, "elsewhere");
    ASSERT_EQ(far.code, 0) << far.err;
    EXPECT_THAT(far.out, HasSubstr("vultusctl curve allow far " + key_in(far) + " --role worker"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/elsewhere/allowed"));
    std::ofstream(file("allowed"), std::ios::app) << "# of the cellar";  // a line that has no end
    ASSERT_EQ(ctl({"allow", "far", key_in(far), "--role", "worker"}).code, 0);
    ASSERT_EQ(ctl({"allow", "far-2", std::string(64, 'a'), "--role", "worker"}).code, 0);
    ASSERT_EQ(listed().size(), 2U);
    EXPECT_EQ(ctl({"remove", "far"}).code, 0);
    ASSERT_EQ(listed().size(), 1U);
    EXPECT_EQ(listed()[0].name, "far-2");
    std::ifstream text(file("allowed"));
    const std::string all(std::istreambuf_iterator<char>(text), {});
    EXPECT_THAT(all, HasSubstr("# of the cellar"));
    EXPECT_EQ(ctl({"remove", "far"}).code, 1);
}

TEST_F(curve_commands, wrong_words_are_refused) {
    EXPECT_EQ(ctl({"make", "../x", "--role", "worker"}).code, 2);
    EXPECT_EQ(ctl({"make", "x", "--role", "admin"}).code, 2);
    EXPECT_EQ(ctl({"make", "x"}).code, 2);
    EXPECT_EQ(ctl({"allow", "x", std::string(64, 'a'), "--role", "broker"}).code, 2);
    EXPECT_EQ(ctl({"allow", "x", std::string(63, 'a'), "--role", "api"}).code, 1);
    EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/keys"));
}

TEST_F(curve_commands, its_own_link_has_a_key_if_one_is_there) {
    arguments asked;
    asked.curve.folder = folder_.path() + "/keys";
    EXPECT_EQ(keys_for_broker(asked).value().own, "") << "plain";
    ASSERT_EQ(ctl({"make", "broker", "--role", "broker"}).code, 0);
    ASSERT_EQ(ctl({"make", "ctl", "--role", "api"}).code, 0);
    const curve_keys found = keys_for_broker(asked).value();
    EXPECT_EQ(found.own, read_secret_file(file("ctl.secret")).value());
    EXPECT_EQ(found.server, public_key_of(read_secret_file(file("broker.secret")).value()));
    asked.curve.own_file = file("broker.secret");
    EXPECT_FALSE(keys_for_broker(asked)) << "one without the other";
    asked.curve.broker_key = std::string(64, 'a');
    EXPECT_EQ(keys_for_broker(asked).value().server, std::string(32, '\xaa'));
    chmod(file("broker.secret").c_str(), 0640);
    EXPECT_FALSE(keys_for_broker(asked));
}

TEST_F(curve_commands, changes_at_the_same_time_wait_for_one_another) {
    ASSERT_EQ(ctl({"make", "broker", "--role", "broker"}).code, 0);
    constexpr int at_once = 12;
    std::vector<int> codes(at_once);
    const auto all = [&](auto what) {
        std::vector<std::thread> threads;
        for (int i = 0; i < at_once; ++i) {
            int& code = codes[static_cast<std::size_t>(i)];
            threads.emplace_back([&code, i, what] { code = what(i); });
        }
        for (auto& one : threads) one.join();
        EXPECT_THAT(codes, testing::Each(0));
    };
    all([this](int i) {
        const std::string key(64, "0123456789abcdef"[i]);
        return ctl({"allow", "w-" + std::to_string(i), key, "--role", "worker"}).code;
    });
    EXPECT_EQ(listed().size(), static_cast<std::size_t>(at_once));
    all([this](int i) { return ctl({"remove", "w-" + std::to_string(i)}).code; });
    EXPECT_TRUE(listed().empty());
}

TEST_F(curve_commands, what_may_not_be_read_is_said_and_is_not_none) {
    // Root may read everything; a circle nobody can.
    std::filesystem::create_symlink("keys", folder_.path() + "/keys");
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"list"},
             {"make", "w", "--role", "worker"},
             {"remove", "w"},
             {"allow", "w", std::string(64, 'a'), "--role", "api"}}) {
        const outcome seen = ctl(words);
        EXPECT_EQ(seen.code, 1) << words[0];
        EXPECT_THAT(seen.err, HasSubstr("keys")) << words[0];
        EXPECT_EQ(seen.out, "") << words[0];
    }
    arguments asked;
    asked.curve.folder = folder_.path() + "/keys";
    EXPECT_EQ(keys_for_broker(asked).error().code, errc::malformed);
    EXPECT_EQ(
        run_program({VULTUS_CTL, "--data", folder_.path(), "--keys", asked.curve.folder, "status"})
            .code,
        2);
    EXPECT_EQ(ctl({"list"}, "none").code, 0) << "no folder has none";
}
