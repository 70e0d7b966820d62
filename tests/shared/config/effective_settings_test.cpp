// --print-config: the effective value of every setting, for programs that start others.
#include "shared/config/effective_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "shared/config/settings.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string printed(std::vector<std::string> overrides, const std::string& file = {}) {
    const auto text = print_settings({file, std::move(overrides)}, "vultus-api");
    return text ? *text : "refused: " + text.error().detail;
}

TEST(effective_settings, has_every_key_of_the_file) {
    const std::string file = std::string(VULTUS_SOURCE_DIR) + "/config/vultus.toml";
    const std::string all = printed({}, file);
    std::ifstream lines(file);
    int keys = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find(" = ");
        if (line.empty() || line[0] == '#' || equals == line.npos) continue;
        EXPECT_THAT(all, HasSubstr("    \"" + line.substr(0, equals) + "\": ")) << line;
        ++keys;
    }
    EXPECT_GT(keys, 60);
    EXPECT_EQ(all, printed({})) << "the file has the defaults";
}

TEST(effective_settings, says_what_an_empty_value_stands_for) {
    const std::string all = printed({"common.data=/srv/a \"b\"", "api.port=0", "api.bind=::1"});
    for (const char* line : {R"("data": "/srv/a \"b\"")", R"("port": 0)", R"("bind": "::1")",
                             R"("socket": "/srv/a \"b\"/run/redis.sock")",
                             R"("secret_file": "/srv/a \"b\"/access.secret")",
                             R"(["ipc:///srv/a \"b\"/run/broker-api.sock"])",
                             R"("margin_min": 0.05)", R"("insecure": false)"}) {
        EXPECT_THAT(all, HasSubstr(line));
    }
    EXPECT_THAT(printed({"redis.host=10.1.1.1", "redis.port=6379"}), HasSubstr(R"("socket": "")"));
}

TEST(effective_settings, keeps_secrets) {
    EXPECT_THAT(printed({"redis.password=hunter2"}), Not(HasSubstr("hunter2")));
    EXPECT_THAT(printed({"redis.password=hunter2"}), HasSubstr(R"x("password": "(not printed)")x"));
    EXPECT_THAT(printed({}), HasSubstr(R"("password": "")"));
}

TEST(effective_settings, a_password_in_a_file_that_others_read_is_refused) {
    const temporary_folder folder;
    const std::string file = folder.path() + "/v.toml";
    std::ofstream(file) << "[redis]\npassword = \"hunter2\"\n";
    ::chmod(file.c_str(), 0644);
    const auto refused = read_broker_settings({file, {}});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr(file + ":2: redis.password"));
    EXPECT_THAT(refused.error().detail, HasSubstr("chmod 600"));
    EXPECT_THAT(refused.error().detail, Not(HasSubstr("hunter2")));
    ::chmod(file.c_str(), 0600);
    EXPECT_TRUE(read_broker_settings({file, {}}));
    std::ofstream(file) << "[redis]\npassword = \"\"\n";
    ::chmod(file.c_str(), 0644);
    EXPECT_TRUE(read_broker_settings({file, {}})) << "there is none in it";
}

}  // namespace
}  // namespace vultus
