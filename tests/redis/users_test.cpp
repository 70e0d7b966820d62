// Users in Redis: add, list, remove; delays after wrong passwords; sessions and their end.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

const std::string password = "$argon2id$v=19$m=65536,t=2,p=1$salt$hash";
const std::string other_password = password + "2";

class users : public redis_test {
 protected:
    static std::string hash(int n) {
        const auto text = std::to_string(n);
        return std::string(64 - text.size(), 'a') + text;
    }
    words add(const std::string& name, const std::string& role = "operator") {
        return f("user_add", {name, password, role, "a,b", "vultusctl:root@host"});
    }
    words login(const std::string& name, int n, const std::string& with = password) {
        return f("login", {name, with, hash(n), "10.0.0.1", "10.0.0.1"});
    }
    words look(int n, bool uses = false) { return f("session", {hash(n), uses ? "1" : "0"}); }
    std::string status(int n) { return look(n).at(0); }
    words attempt(const std::string& name, const std::string& address = "10.0.0.1") {
        return f("login_try", {name, address});
    }
    /// As if so much time had passed since the last try of the name.
    void pass(const std::string& which, long long ms) {
        const auto tries = f.key("tries:" + which);
        const auto next = std::stoll(f.plain({"HGET", tries, "next_ms"}).at(0));
        f.plain({"HSET", tries, "next_ms", std::to_string(next - ms)});
    }
    /// Until gc takes it away. index: sessions, tries
    long long left_ms(const std::string& index, const std::string& which) {
        return std::stoll(f.plain({"ZSCORE", f.key(index), which}).at(0)) -
               std::stoll(f("clock").at(1));
    }
    std::string changes() { return f("keys", {""}).at(1); }
    std::string audit() {
        std::string all;
        for (const auto& word : f.plain({"XRANGE", f.key("audit"), "-", "+"})) all += word + " ";
        return all;
    }
};

TEST_F(users, a_user_is_listed_as_it_was_added_without_the_password) {
    EXPECT_THAT(add("ada"), ElementsAre("ok"));
    EXPECT_THAT(add("ada"), ElementsAre("exists"));
    add("bob", "viewer");
    auto all = f("users");
    ASSERT_EQ(all.size(), 12u);
    EXPECT_GT(std::stoll(all[5]), 1'600'000'000'000) << "created";
    EXPECT_EQ(all[5], all[6]);
    all.resize(5);
    EXPECT_THAT(all, ElementsAre("ok", "2", "ada", "operator", "a,b"));
    EXPECT_THAT(f("users"), Not(Contains(password)));
    EXPECT_THAT(f("user_add", {"Ada", password, "viewer", "*"}).at(0), StartsWith("ERROR"));
    EXPECT_THAT(f("user_add", {"a:b", password, "viewer", "*"}).at(0), StartsWith("ERROR"));
    EXPECT_THAT(f("user_add", {"eve", "plain", "viewer", "*"}).at(0), StartsWith("ERROR"));
    EXPECT_THAT(f("user_add", {"eve", password, "root", "*"}).at(0), StartsWith("ERROR"));
}

TEST_F(users, changes_are_noticed_and_stand_in_the_audit_log) {
    const auto none = changes();
    add("ada");
    const auto added = changes();
    EXPECT_NE(added, none);
    EXPECT_THAT(f("user_password", {"ada", other_password, "me"}), ElementsAre("ok"));
    EXPECT_THAT(f("user_remove", {"ada", "me"}), ElementsAre("ok"));
    EXPECT_NE(changes(), added);
    EXPECT_THAT(f("user_remove", {"ada"}), ElementsAre("not_found"));
    EXPECT_THAT(f("user_password", {"ada", password}), ElementsAre("not_found"));
    const auto log = audit();
    for (const auto* what : {"user_add", "user_password", "user_remove", "vultusctl:root@host"}) {
        EXPECT_THAT(log, testing::HasSubstr(what));
    }
    EXPECT_THAT(log, Not(testing::HasSubstr("argon2")));
}

TEST_F(users, there_is_a_most_of_users) {
    for (int n = 0; n < 1000; ++n) {
        f.plain({"ZADD", f.key("users"), "1", "u" + std::to_string(n)});
    }
    EXPECT_THAT(add("ada"), ElementsAre("full"));
    f.plain({"ZREM", f.key("users"), "u1"});
    EXPECT_THAT(add("ada"), ElementsAre("ok"));
}

TEST_F(users, the_fifth_wrong_password_makes_wait_and_each_further_one_twice_as_long) {
    add("ada");
    for (int n = 1; n <= 5; ++n) EXPECT_THAT(attempt("ada"), ElementsAre("ok", password)) << n;
    long long wait = 1'000;
    for (int n = 6; n <= 18; ++n) {
        const auto refused = attempt("ada", "10.0.0.2");
        ASSERT_EQ(refused.at(0), "wait") << n;
        EXPECT_LE(std::stoll(refused.at(1)), wait);
        EXPECT_GT(std::stoll(refused.at(1)), wait - 900);
        pass("name:ada", wait);
        pass("address:10.0.0.1", wait);
        EXPECT_EQ(attempt("ada").at(0), "ok") << n;
        wait = std::min(2 * wait, 900'000LL);
    }
    EXPECT_EQ(wait, 900'000);
    EXPECT_GT(left_ms("tries", "name:ada"), 900'000) << "it is not forgotten while it waits";
}

TEST_F(users, a_refused_try_makes_nobody_wait_longer) {
    for (int n = 1; n <= 5; ++n) attempt("ada");
    const auto first = std::stoll(attempt("ada").at(1));
    for (int n = 0; n < 50; ++n) attempt("ada");
    EXPECT_LE(std::stoll(attempt("ada").at(1)), first);
}

TEST_F(users, a_name_that_nobody_has_is_counted_the_same) {
    add("ada");
    for (int n = 1; n <= 5; ++n) EXPECT_THAT(attempt("nobody"), ElementsAre("ok", ""));
    EXPECT_EQ(attempt("nobody", "10.0.0.2").at(0), "wait");
    for (int n = 1; n <= 5; ++n) EXPECT_THAT(attempt("", "10.0.0.3"), ElementsAre("ok", ""));
    EXPECT_EQ(attempt("", "10.0.0.4").at(0), "wait");
}

TEST_F(users, an_address_waits_whatever_names_it_tries) {
    for (int n = 1; n <= 5; ++n) attempt("u" + std::to_string(n));
    EXPECT_EQ(attempt("u6").at(0), "wait");
    EXPECT_EQ(attempt("u6", "10.0.0.2").at(0), "ok");
}

TEST_F(users, the_right_password_forgets_the_names_tries_and_takes_back_its_own_from_the_address) {
    add("ada");
    for (int n = 1; n <= 4; ++n) attempt("ada");
    EXPECT_THAT(login("ada", 1), ElementsAre("ok"));
    EXPECT_THAT(f.plain({"EXISTS", f.key("tries:name:ada")}), ElementsAre("0"));
    EXPECT_THAT(f.plain({"HGET", f.key("tries:address:10.0.0.1"), "wrong"}), ElementsAre("3"));
}

TEST_F(users, a_session_says_whose_it_is) {
    add("ada");
    EXPECT_THAT(login("ada", 1, other_password), ElementsAre("gone")) << "changed meanwhile";
    EXPECT_THAT(login("eve", 1), ElementsAre("gone"));
    EXPECT_EQ(status(1), "gone");
    login("ada", 1);
    auto found = look(1);
    ASSERT_EQ(found.size(), 5u);
    found.resize(4);
    EXPECT_THAT(found, ElementsAre("ok", "ada", "operator", "a,b"));
    EXPECT_EQ(status(2), "gone");
    EXPECT_THAT(audit(), testing::HasSubstr("who user:ada from 10.0.0.1 what login"));
    EXPECT_THAT(f("session_end", {hash(1)}), ElementsAre("ok"));
    EXPECT_THAT(f("session_end", {hash(1)}), ElementsAre("gone"));
    EXPECT_EQ(status(1), "gone");
    EXPECT_THAT(f("session", {"x", "0"}).at(0), StartsWith("ERROR"));
}

TEST_F(users, sessions_end_with_their_user_and_with_the_password) {
    add("ada");
    add("bob");
    login("ada", 1);
    login("ada", 2);
    login("bob", 3);
    f("user_password", {"ada", other_password});
    EXPECT_EQ(status(1) + status(2) + status(3), "gonegoneok");
    EXPECT_THAT(login("ada", 4), ElementsAre("gone")) << "the old password";
    login("ada", 4, other_password);
    f("user_remove", {"ada"});
    EXPECT_EQ(status(4), "gone");
    add("ada");
    EXPECT_EQ(status(4), "gone") << "a new one of that name has no sessions";
}

TEST_F(users, an_unused_session_ends_after_twelve_hours_a_used_one_after_seven_days) {
    constexpr long long hour = 3'600'000;
    add("ada");
    login("ada", 1);
    const auto session = f.key("session:" + hash(1));
    const auto left = [&] { return left_ms("sessions", hash(1)); };
    EXPECT_GT(left(), 12 * hour - 60'000);
    EXPECT_LE(left(), 12 * hour);
    const auto created = std::stoll(f.plain({"HGET", session, "created_ms"}).at(0));
    const auto set = [&](const char* field, long long ms) {
        f.plain({"HSET", session, field, std::to_string(ms)});
    };
    set("used_ms", created - hour);
    look(1, false);
    EXPECT_EQ(std::stoll(f.plain({"HGET", session, "used_ms"}).at(0)), created - hour)
        << "looking is no use";
    look(1, true);
    EXPECT_GT(left(), 12 * hour - 60'000);
    set("created_ms", created - (7 * 24 - 1) * hour);
    set("used_ms", created - hour);
    look(1, true);
    EXPECT_LE(left(), hour) << "seven days in any case";
    EXPECT_GT(left(), hour - 60'000);
    set("used_ms", created - 12 * hour);
    EXPECT_EQ(status(1), "gone") << "before anybody took it away";
    f.plain({"ZADD", f.key("sessions"), "1", hash(1)});
    f("gc", {"200", "0", "0", "0", "0", "0", "0", "0"});
    EXPECT_EQ(f.plain({"EXISTS", session}).at(0), "0");
    EXPECT_EQ(f.plain({"EXISTS", f.key("sessions:ada")}).at(0), "0");
}

TEST_F(users, of_many_sessions_of_one_user_the_oldest_goes) {
    add("ada");
    for (int n = 1; n <= 21; ++n) {
        login("ada", n);
        f.plain({"ZADD", f.key("sessions:ada"), std::to_string(2'000'000'000'000 + n), hash(n)});
    }
    EXPECT_EQ(status(1), "gone");
    EXPECT_EQ(status(2) + status(21), "okok");
    EXPECT_THAT(f.plain({"ZCARD", f.key("sessions:ada")}), ElementsAre("20"));
}

TEST_F(users, a_token_makes_the_first_user_once) {
    const auto finish = [&](int n, const std::string& name) {
        return f("setup_finish", {hash(n), name, password, "10.0.0.1", "10.0.0.9"});
    };
    EXPECT_THAT(finish(1, "ada"), ElementsAre("gone")) << "none was made";
    EXPECT_THAT(f("setup", {""}), ElementsAre("gone"));
    const auto before = changes();
    EXPECT_THAT(f("setup_begin", {hash(1), "me"}), ElementsAre("ok"));
    EXPECT_NE(changes(), before);
    EXPECT_THAT(f("setup_begin", {hash(2), "me"}), ElementsAre("ok")) << "it replaces the first";
    EXPECT_THAT(f("setup", {hash(1)}), ElementsAre("gone"));
    EXPECT_THAT(f("setup", {hash(2)}), ElementsAre("ok"));
    EXPECT_THAT(finish(1, "ada"), ElementsAre("gone"));
    EXPECT_THAT(finish(2, "Ada").at(0), StartsWith("ERROR"));
    EXPECT_THAT(f("setup_try", {hash(2), "10.0.0.1"}), ElementsAre("ok"));
    EXPECT_THAT(finish(2, "ada"), ElementsAre("ok"));
    EXPECT_THAT(finish(2, "eve"), ElementsAre("gone"));
    EXPECT_THAT(f("setup_begin", {hash(3)}), ElementsAre("exists"));
    auto all = f("users");
    all.resize(5);
    EXPECT_THAT(all, ElementsAre("ok", "1", "ada", "admin", "*"));
    EXPECT_EQ(f.plain({"EXISTS", f.key("tries:address:10.0.0.1")}).at(0), "0");
    EXPECT_THAT(audit(), testing::HasSubstr("10.0.0.9 what setup "));
    EXPECT_THAT(audit(), testing::HasSubstr("me from  what setup_begin "));
}

TEST_F(users, a_wrong_token_makes_its_address_wait_and_nobody_else) {
    f("setup_begin", {hash(1)});
    for (int n = 0; n < 5; ++n) {
        EXPECT_THAT(f("setup_try", {hash(2), "10.0.0.1"}), ElementsAre("gone")) << n;
    }
    EXPECT_EQ(f("setup_try", {hash(1), "10.0.0.1"}).at(0), "wait");
    EXPECT_THAT(f("setup_try", {hash(1), "10.0.0.2"}), ElementsAre("ok"));
}

TEST_F(users, a_token_ends_with_its_hour_and_with_the_first_user) {
    f("setup_begin", {hash(1)});
    const auto ends = std::stoll(f.plain({"HGET", f.key("setup"), "ends_ms"}).at(0));
    EXPECT_NEAR(static_cast<double>(ends - std::stoll(f("clock").at(1))), 3'600'000.0, 10'000.0);
    f.plain({"HSET", f.key("setup"), "ends_ms", std::to_string(ends - 3'600'000)});
    EXPECT_THAT(f("setup", {hash(1)}), ElementsAre("gone"));
    f.plain({"HSET", f.key("setup"), "ends_ms", std::to_string(ends + 3'600'000)});
    EXPECT_THAT(f("setup", {hash(1)}), ElementsAre("gone")) << "the clock went back meanwhile";
    f.plain({"HSET", f.key("setup"), "ends_ms", std::to_string(ends)});
    EXPECT_THAT(f("setup", {hash(1)}), ElementsAre("ok"));
    add("bob");
    EXPECT_THAT(f("setup", {hash(1)}), ElementsAre("gone"));
    EXPECT_THAT(f("setup_finish", {hash(1), "ada", password, "a", "a"}), ElementsAre("gone"));
    f("user_remove", {"bob"});
    EXPECT_THAT(f("setup_begin", {"short"}).at(0), StartsWith("ERROR"));
}

}  // namespace
}  // namespace vultus::test
