// The session cookie in hostile requests, and the values derived from it.
#include "api/access/session_cookie.hpp"

#include <gtest/gtest.h>

namespace vultus::api {
namespace {

const std::string secret(32, 's'), other(32, 't');

std::string found_in(const std::string& cookies, bool secure = false) {
    const auto found = presented_session({{"Host", "x"}, {"Cookie", cookies}}, secure);
    return found ? *found : "refused";
}

TEST(session_cookie, a_token_is_known_by_its_secret) {
    const auto token = new_session_token(secret);
    EXPECT_EQ(token.size(), 80u);
    EXPECT_NE(token, new_session_token(secret));
    EXPECT_TRUE(is_session_token(token, secret));
    EXPECT_FALSE(is_session_token(token, other));
    for (std::size_t at = 0; at < token.size(); ++at) {
        auto forged = token;
        forged[at] = forged[at] == '0' ? '1' : '0';
        EXPECT_FALSE(is_session_token(forged, secret)) << at;
        EXPECT_FALSE(is_session_token(token.substr(0, at), secret)) << at;
    }
    EXPECT_FALSE(is_session_token("\"" + token + "\"", secret));
    EXPECT_FALSE(is_session_token(token + "0", secret));
    EXPECT_FALSE(is_session_token(token + token, secret));
    EXPECT_FALSE(is_session_token(std::string(80, '\0'), secret));
    EXPECT_FALSE(is_session_token(std::string(16'000, 'a'), secret));
}

TEST(session_cookie, what_is_made_of_a_token_tells_nothing_of_the_other) {
    const auto token = new_session_token(secret), second = new_session_token(secret);
    const auto hash = hash_of_session(token, secret), csrf = csrf_of_session(token, secret);
    EXPECT_EQ(hash.size(), 64u);
    EXPECT_EQ(csrf.size(), 64u);
    EXPECT_NE(hash, csrf);
    EXPECT_EQ(hash.find(token.substr(64)), std::string::npos);
    EXPECT_NE(hash, hash_of_session(second, secret));
    EXPECT_NE(csrf, csrf_of_session(second, secret)) << "one session's is not another's";
    EXPECT_NE(hash, hash_of_session(token, other));
}

TEST(session_cookie, is_found_among_others) {
    EXPECT_EQ(found_in("vultus_session=abc"), "abc");
    EXPECT_EQ(found_in("a=1; vultus_session=abc; b=2"), "abc");
    EXPECT_EQ(found_in(" a=1 ;\tvultus_session = abc "), "abc");
    EXPECT_EQ(found_in("vultus_session=a=b"), "a=b");
    EXPECT_EQ(found_in("vultus_session=\"abc\""), "\"abc\"") << "which is no token";
    EXPECT_EQ(found_in("vultus_session="), "");
}

TEST(session_cookie, what_only_looks_like_it_is_none) {
    for (const char* text : {"", ";", ";;;=;", "=", "vultus_session", "Vultus_Session=abc",
                             "xvultus_session=abc", "vultus_session2=abc", "a=vultus_session=abc",
                             "a=\"; vultus_sessio", "vultus_session\x01=abc"}) {
        EXPECT_EQ(found_in(text), "") << text;
    }
    EXPECT_EQ(found_in(std::string(16'000, ';')), "");
    EXPECT_EQ(found_in(std::string(16'000, 'a') + "=1; vultus_session=abc"), "abc");
}

TEST(session_cookie, twice_is_refused_and_one_of_the_other_kind_does_not_count) {
    EXPECT_EQ(found_in("vultus_session=a; vultus_session=a"), "refused");
    EXPECT_EQ(found_in("vultus_session=; vultus_session=a"), "refused");
    const auto both =
        presented_session({{"Cookie", "vultus_session=a"}, {"cookie", "vultus_session=b"}}, false);
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().code, errc::unauthorized);
    EXPECT_EQ(found_in("vultus_session=a; __Host-vultus_session=b"), "a");
    EXPECT_EQ(found_in("vultus_session=a; __Host-vultus_session=b", true), "b");
    EXPECT_EQ(found_in("vultus_session=a", true), "") << "a plain page cannot set this one";
}

TEST(session_cookie, is_set_for_this_host_and_no_script) {
    EXPECT_EQ(session_cookie("t", false), "vultus_session=t; Path=/; HttpOnly; SameSite=Strict");
    EXPECT_EQ(session_cookie("t", true),
              "__Host-vultus_session=t; Path=/; HttpOnly; SameSite=Strict; Secure");
    EXPECT_EQ(no_session_cookie(true),
              "__Host-vultus_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
}

}  // namespace
}  // namespace vultus::api
