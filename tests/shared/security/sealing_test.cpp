// Encryption at rest as values: what decrypts, and what must not.
#include "shared/security/sealing.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "shared/security/secret.hpp"

namespace vultus {
namespace {

const std::string key_a(secret_bytes, 'a'), key_b(secret_bytes, 'b');

TEST(sealing, what_is_sealed_opens_as_what_it_was_and_as_nothing_else) {
    const sealing seals(key_a);
    for (const std::size_t size : {0u, 1u, 512u, 70'000u}) {
        const std::string plain(size, 'p');
        const std::string sealed = seals.close(plain, "vector 1-0");
        ASSERT_EQ(sealed.size(), size + sealing::extra_bytes);
        EXPECT_EQ(seals.open(sealed, "vector 1-0").value(), plain);
        EXPECT_EQ(seals.open(sealed, "vector 1-1").error().code, errc::store_unavailable);
        EXPECT_EQ(sealing(key_b).open(sealed, "vector 1-0").error().code, errc::store_unavailable);
        EXPECT_EQ(sealing("").open(sealed, "vector 1-0").error().code, errc::store_unavailable);
    }
}

TEST(sealing, an_older_place_is_known_as_one) {
    const sealing seals(key_a);
    const std::string now = seals.close("face", "vector team 1-0");
    const std::string older = seals.close("face", "vector 1-0");
    const auto opened = [&](const std::string& stored) {
        return seals.open(stored, "vector team 1-0", "vector 1-0");
    };
    EXPECT_EQ(opened(now)->bytes, "face");
    EXPECT_TRUE(opened(now)->bound);
    EXPECT_EQ(opened(older)->bytes, "face");
    EXPECT_FALSE(opened(older)->bound);
    EXPECT_EQ(opened("plain")->bytes, "plain");
    EXPECT_FALSE(opened("plain")->bound);
    EXPECT_FALSE(opened(seals.close("face", "vector other 1-0")));
    EXPECT_FALSE(sealing("").open(older, "vector team 1-0", "vector 1-0"));
}

TEST(sealing, every_byte_of_it_counts) {
    const sealing seals(key_a);
    const std::string sealed = seals.close("a face", "x");
    for (std::size_t i = 4; i < sealed.size(); ++i) {  // the first four say that it is sealed
        std::string other = sealed;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(seals.open(other, "x")) << i;
        EXPECT_FALSE(seals.open(sealed.substr(0, i), "x")) << i;
    }
}

TEST(sealing, the_same_bytes_never_look_the_same) {
    const sealing seals(key_a);
    EXPECT_NE(seals.close("a face", "x"), seals.close("a face", "x"));
    EXPECT_EQ(seals.close("a face", "x").find("face"), std::string::npos);
}

TEST(sealing, what_was_stored_before_the_key_is_read_as_it_is) {
    for (const sealing& seals : {sealing(), sealing(""), sealing(key_a)}) {
        EXPECT_EQ(seals.open("\xFF\xD8 a photo", "x").value(), "\xFF\xD8 a photo");
    }
    EXPECT_EQ(sealing("").close("a photo", "x"), "a photo");
}

TEST(sealing, keys_have_names_that_are_not_the_keys) {
    EXPECT_EQ(sealing().wants(), "any");
    EXPECT_EQ(sealing("").wants(), "plain");
    EXPECT_EQ(sealing(key_a).wants().size(), 16u);
    EXPECT_EQ(sealing(key_a).wants(), sealing(key_a).wants());
    EXPECT_NE(sealing(key_a).wants(), sealing(key_b).wants());
}

TEST(sealing, the_key_lies_outside_of_what_it_protects) {
    const std::string folder = testing::TempDir() + "sealing-" + random_hex(8);
    const std::string data = folder + "/data", outside = folder + "/key";
    std::filesystem::create_directories(data + "/run");
    EXPECT_EQ(read_encryption_key("", data).value(), "");
    EXPECT_EQ(read_encryption_key(outside, data).error().code, errc::not_found);
    const std::string key = make_secret_file(outside).value();
    EXPECT_EQ(read_encryption_key(outside, data).value(), key);
    ASSERT_TRUE(make_secret_file(data + "/run/key"));
    for (const std::string& inside : {data + "/run/key", data + "/../data/run/key"}) {
        EXPECT_EQ(read_encryption_key(inside, data).error().code, errc::malformed) << inside;
    }
    ::chmod(outside.c_str(), 0640);
    EXPECT_EQ(read_encryption_key(outside, data).error().code, errc::malformed);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace vultus
