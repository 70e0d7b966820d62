// The list of keys that may connect to the broker: accepted lines, and errors with their line.
#include "shared/net/allow_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "shared/base/limits.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

const std::string key_a(32, '\x0a'), key_b(32, '\xb0');
const std::string hex_a = hex_of(key_a), hex_b = hex_of(key_b);

std::string refusal(const std::string& text) {
    const auto list = parse_allow_list(text);
    return list ? "accepted" : list.error().detail;
}

TEST(allow_list, has_a_name_a_role_and_a_key_in_each_line) {
    const auto list = parse_allow_list("# who\n\n  w-1 worker " + hex_a + "\r\nA.1\tapi  " + hex_b);
    ASSERT_TRUE(list) << list.error().detail;
    const allow_list both{{"w-1", peer_role::worker, key_a}, {"A.1", peer_role::api, key_b}};
    EXPECT_EQ(*list, both);
    EXPECT_EQ(line_of(list->at(0)), "w-1 worker " + hex_a + "\n");
    EXPECT_EQ(parse_allow_list(line_of(list->at(1))).value().at(0), list->at(1));
    EXPECT_TRUE(parse_allow_list("").value().empty());
}

TEST(allow_list, refuses_what_it_does_not_understand_and_says_where) {
    EXPECT_EQ(refusal("# x\nw worker"), "2: must be: name role key");
    EXPECT_EQ(refusal("w worker " + hex_a + " more"), "1: must be: name role key");
    EXPECT_EQ(refusal("w admin " + hex_a), "1: a role must be api or worker");
    for (const std::string& key : {hex_a.substr(1), hex_a + "0", "g" + hex_a.substr(1)}) {
        EXPECT_EQ(refusal("w worker " + key), "1: a public key must be 64 hexadecimal digits");
    }
    for (const std::string& name : {std::string("-w"), std::string("w/x"), std::string(65, 'w')}) {
        EXPECT_THAT(refusal(name + " worker " + hex_a), testing::StartsWith("1: a name must be"));
    }
    EXPECT_EQ(refusal(std::string(64, 'w') + " worker " + hex_a), "accepted");
    EXPECT_EQ(refusal("w worker " + hex_a + "\nw worker " + hex_b), "2: duplicate name");
    // One key that opens both sockets would make a worker an api.
    EXPECT_EQ(refusal("w worker " + hex_a + "\na api " + hex_a), "2: duplicate key");
}

TEST(allow_list, has_a_bound) {
    std::string text;
    for (std::size_t i = 0; i < limits::allowed_peers; ++i) {
        text += "w" + std::to_string(i) + " worker " + hex_of(random_secret()) + "\n";
    }
    EXPECT_EQ(refusal(text), "accepted");
    EXPECT_THAT(refusal(text + "last worker " + hex_a), testing::EndsWith("too many keys"));
}

TEST(allow_list, finds_a_key_in_its_role_only) {
    const allow_list list{{"w", peer_role::worker, key_a}};
    EXPECT_EQ(find(list, peer_role::worker, key_a), &list[0]);
    EXPECT_EQ(find(list, peer_role::api, key_a), nullptr);
    EXPECT_EQ(find(list, peer_role::worker, key_b), nullptr);
    EXPECT_EQ(find(list, peer_role::worker, ""), nullptr);
}

TEST(allow_list, is_a_file_that_only_its_owner_changes) {
    const std::string path = testing::TempDir() + "allowed-" + std::to_string(getpid());
    const auto why = [&] {
        const auto list = read_allow_list(path);
        return list ? "accepted" : list.error().detail.substr(path.size());
    };
    EXPECT_EQ(read_allow_list(path).error().code, errc::not_found);
    std::ofstream(path) << "w worker " << hex_a << "\nnonsense\n";
    chmod(path.c_str(), 0644);
    EXPECT_EQ(why(), ":2: must be: name role key");
    std::ofstream(path) << "w worker " << hex_a << "\n";
    EXPECT_EQ(why(), "accepted");
    chmod(path.c_str(), 0664);
    EXPECT_EQ(why(), " is writable by others: chmod 644 it");
    chmod(path.c_str(), 0600);
    std::ofstream(path) << std::string(limits::allow_list_bytes, '\n');
    EXPECT_EQ(why(), "accepted");
    std::ofstream(path) << std::string(limits::allow_list_bytes + 1, '\n');
    EXPECT_EQ(why(), " is too large");
    unlink(path.c_str());
}

TEST(keys_of_links, are_written_in_hexadecimal) {
    const std::string secret = random_secret();
    EXPECT_EQ(key_from_hex(hex_of(secret)), secret);
    EXPECT_EQ(public_key_of(secret).size(), 32U);
    EXPECT_EQ(public_key_of(secret), public_key_of(secret));
    EXPECT_NE(public_key_of(secret), public_key_of(random_secret()));
    EXPECT_NE(public_key_of(secret), secret);
    EXPECT_EQ(key_from_hex(""), std::nullopt);
}

}  // namespace
}  // namespace vultus
