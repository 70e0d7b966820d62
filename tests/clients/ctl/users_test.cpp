// `vultusctl user`: its arguments, and users added, listed and removed on a real Redis.
#include "clients/ctl/keys/users.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "shared/security/secret.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/user_store.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

TEST(user_words, a_user_is_what_was_asked_for) {
    arguments asked;
    asked.subject = "ada";
    asked.user.role = "operator";
    const auto everywhere = wanted_user(asked);
    ASSERT_TRUE(everywhere);
    EXPECT_EQ(everywhere->name, "ada");
    EXPECT_EQ(everywhere->as, role::operator_);
    EXPECT_EQ(text_of(everywhere->collections), "*");
    asked.user.collections = "b,a";
    EXPECT_EQ(text_of(wanted_user(asked)->collections), "a,b");
    asked.user.collections = "a b";
    EXPECT_EQ(wanted_user(asked).error().code, errc::bad_collection);
    asked.user = {"boss", "*"};
    EXPECT_EQ(wanted_user(asked).error().code, errc::bad_option);
}

namespace {

class user_commands : public testing::Test {
 protected:
    void SetUp() override {
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(redis_->call(store_schema(store_).load_library()));
    }
    /// `said` is what stands on its standard input.
    outcome ctl(const std::string& words, const std::string& said = "") const {
        return run_program({"/bin/sh", "-c",
                            "printf '%s' '" + said + "' | " + VULTUS_CTL + " --data " +
                                folder_.path() + " " + words});
    }
    std::string secret_file() const { return folder_.path() + "/access.secret"; }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    store_context store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(user_commands, redis_gets_a_hash_that_the_password_fits) {
    const auto added = ctl("user add ada --role viewer --collections team", "ten letters\nmore\n");
    ASSERT_EQ(added.code, 0) << added.err;
    const auto kept = redis_->call(user_store(store_).try_login("ada", "here")).value().password;
    const auto secret = read_secret_file(secret_file()).value();
    EXPECT_TRUE(is_password(kept, "ada", "ten letters", secret));
    EXPECT_EQ(ctl("user password ada", "other letters\n").code, 0);
    const auto other = redis_->call(user_store(store_).try_login("ada", "here")).value().password;
    EXPECT_TRUE(is_password(other, "ada", "other letters", secret));
    const auto listed = ctl("user list");
    for (const char* word : {"ada", "viewer", "team"}) EXPECT_THAT(listed.out, HasSubstr(word));
    EXPECT_THAT(listed.out + ctl("--json user list").out, Not(HasSubstr("argon2")));
    EXPECT_EQ(ctl("user remove ada").code, 0);
    EXPECT_TRUE(redis_->call(user_store(store_).users()).value().empty());
    const auto told = ctl("audit");
    for (const char* what : {"user_add", "user_password", "user_remove"}) {
        EXPECT_THAT(told.out, HasSubstr(what));
    }
}

TEST_F(user_commands, what_is_refused_changes_nothing) {
    EXPECT_EQ(ctl("user add ada --role viewer", "short\n").code, 1);
    EXPECT_EQ(ctl("user add ada --role viewer").code, 1) << "no line at all";
    EXPECT_EQ(ctl("user add ada --role boss", "ten letters\n").code, 1);
    EXPECT_EQ(ctl("user add Ada --role viewer", "ten letters\n").code, 2);
    EXPECT_EQ(ctl("user add ada", "ten letters\n").code, 2) << "no role";
    EXPECT_EQ(ctl("user password ada", "ten letters\n").code, 1) << "nobody of that name";
    EXPECT_EQ(ctl("user remove ada").code, 1);
    EXPECT_TRUE(redis_->call(user_store(store_).users()).value().empty());
}

TEST_F(user_commands, a_link_holds_a_token_whose_hash_redis_has) {
    const auto made = ctl("user setup --url https://here");
    ASSERT_EQ(made.code, 0) << made.err;
    const std::string start = "https://here/#setup=";
    ASSERT_EQ(made.out.rfind(start, 0), 0u) << made.out;
    const auto token = made.out.substr(start.size(), 64);
    const auto secret = read_secret_file(secret_file()).value();
    EXPECT_TRUE(
        redis_->call(user_store(store_).is_setup_open(hash_of_setup(token, secret))).value());
    EXPECT_FALSE(
        redis_->call(user_store(store_).is_setup_open(hash_of_setup("x", secret))).value());
    EXPECT_THAT(ctl("audit").out, HasSubstr("setup_begin"));
    ASSERT_EQ(ctl("user add ada --role viewer", "ten letters\n").code, 0);
    EXPECT_EQ(ctl("user setup").code, 1) << "there is a user";
}

TEST_F(user_commands, a_lost_secret_is_not_replaced_behind_the_back_of_the_users) {
    ASSERT_EQ(ctl("user add ada --role viewer", "ten letters\n").code, 0);
    std::filesystem::remove(secret_file());
    const auto second = ctl("user add bob --role viewer", "ten letters\n");
    EXPECT_EQ(second.code, 1);
    EXPECT_THAT(second.err, HasSubstr("access.secret"));
    EXPECT_FALSE(std::filesystem::exists(secret_file()));
    EXPECT_EQ(ctl("key create --scopes read").code, 1);
}

namespace {

bool shows_typing(int terminal) {
    termios now{};
    EXPECT_EQ(::tcgetattr(terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

/// Reads what the program says on its terminal until it has asked.
void wait_for(int terminal, const std::string& question) {
    std::string said;
    std::array<char, 256> part{};
    while (said.find(question) == said.npos) {
        pollfd one{terminal, POLLIN, 0};
        ASSERT_EQ(::poll(&one, 1, 30'000), 1) << said;
        const ssize_t n = ::read(terminal, part.data(), part.size());
        ASSERT_GT(n, 0) << said;
        said.append(part.data(), static_cast<std::size_t>(n));
    }
}

}  // namespace

TEST_F(user_commands, a_terminal_shows_what_is_typed_again_however_the_prompt_ends) {
    for (const int how : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}) {
        int terminal = -1, end = -1;
        ASSERT_EQ(::openpty(&terminal, &end, nullptr, nullptr, nullptr), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::login_tty(end);
            ::execl(VULTUS_CTL, VULTUS_CTL, "--data", folder_.path().c_str(), "user", "add", "eve",
                    "--role", "viewer", nullptr);
            ::_exit(99);
        }
        wait_for(terminal, "New password of eve: ");
        EXPECT_FALSE(shows_typing(terminal)) << how;
        if (how == SIGINT) {
            ASSERT_EQ(::write(terminal, "\x03", 1), 1);  // Ctrl-C
        } else if (how == 0) {
            ASSERT_EQ(::write(terminal, "\x04", 1), 1);  // the end of the input
        } else {
            ASSERT_EQ(::kill(child, how), 0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        if (how == 0) {
            EXPECT_EQ(WEXITSTATUS(status), 1);
        } else {
            EXPECT_EQ(WTERMSIG(status), how);
        }
        EXPECT_TRUE(shows_typing(terminal)) << how;
        ::close(terminal);
        ::close(end);
    }
}
