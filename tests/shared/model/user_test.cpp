// Names, roles and passwords of people who log in.
#include "shared/model/user.hpp"

#include <gtest/gtest.h>

#include "shared/security/secret.hpp"

namespace vultus {
namespace {

TEST(user, names) {
    for (const char* good : {"a", "ada", "ada.lovelace@example.org", "0-9_x"}) {
        EXPECT_TRUE(check_user_name(good)) << good;
    }
    EXPECT_TRUE(check_user_name(std::string(48, 'a')));
    for (const char* bad : {"", "Ada", ".a", "-a", "@", "a b", "a:b", "a\n", "\xc3\xa4", "a*"}) {
        EXPECT_FALSE(check_user_name(bad)) << bad;
    }
    EXPECT_FALSE(check_user_name(std::string(49, 'a')));
    EXPECT_FALSE(check_user_name(std::string_view("a\0b", 3)));
}

TEST(user, passwords_have_ten_characters_and_an_end) {
    EXPECT_FALSE(check_password("123456789"));
    EXPECT_TRUE(check_password("1234567890"));
    EXPECT_FALSE(check_password("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4")) << "five letters";
    EXPECT_TRUE(check_password(std::string(256, 'x')));
    EXPECT_FALSE(check_password(std::string(257, 'x')));
    EXPECT_FALSE(check_password("1234567890\xff"));
}

TEST(user, roles_are_sets_of_scopes) {
    EXPECT_EQ(text_of(scopes_of(role::viewer)), "read,recognise");
    EXPECT_EQ(text_of(scopes_of(role::operator_)), "read,recognise,train");
    EXPECT_EQ(text_of(scopes_of(role::admin)), "read,recognise,train,admin");
    for (const role one : all_roles) EXPECT_EQ(parse_role(name_of(one)), one);
    for (const char* bad : {"", "Admin", "operator_", "root"}) EXPECT_FALSE(parse_role(bad)) << bad;
}

TEST(user, a_password_is_right_for_its_name_under_its_secret_only) {
    const std::string secret(32, 's'), other(32, 't'), password = "correct horse";
    const auto hash = hash_of_password("ada", password, secret);
    EXPECT_LT(hash.size(), 128u);
    EXPECT_EQ(hash.find("$argon2id$v=19$m=65536,t=2,p=1$"), 0u);
    EXPECT_NE(hash, hash_of_password("ada", password, secret)) << "a salt of its own";
    EXPECT_TRUE(is_password(hash, "ada", password, secret));
    EXPECT_FALSE(is_password(hash, "ada", "correct hors", secret));
    EXPECT_FALSE(is_password(hash, "bob", password, secret));
    EXPECT_FALSE(is_password(hash, "ada", password, other));
    EXPECT_FALSE(is_password("", "ada", password, secret));
    EXPECT_FALSE(is_password(hash.substr(0, 60), "ada", password, secret));
    EXPECT_FALSE(is_password(std::string(500, '$'), "ada", password, secret));
}

TEST(user, a_hash_that_asks_for_gigabytes_is_none) {
    auto hash = slow_hash("word");
    EXPECT_TRUE(is_slow_hash_of(hash, "word"));
    const std::string effort = "m=65536,";
    for (const char* other : {"m=8388608,", "m=8192,"}) {
        auto changed = hash;
        changed.replace(changed.find(effort), effort.size(), other);
        EXPECT_FALSE(is_slow_hash_of(changed, "word")) << other;
    }
}

}  // namespace
}  // namespace vultus
