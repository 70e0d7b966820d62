// Keys: their text, their rights, and the secret of their hashes.
#include "shared/model/access_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "shared/security/secret.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus {
namespace {

const std::string secret(secret_bytes, 's');

TEST(access_key, a_new_key_is_shaped_as_documented) {
    const new_key one = make_key();
    EXPECT_EQ(one.text.size(), 76u);
    EXPECT_EQ(one.text.substr(0, 20), "vultus_" + one.id + "_");
    EXPECT_TRUE(is_key_id(one.id));
    const auto id = id_in_key(one.text);
    ASSERT_TRUE(id);
    EXPECT_EQ(*id, one.id);
    std::set<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.insert(make_key().text);
    EXPECT_EQ(texts.size(), 100u);
}

TEST(access_key, each_mistyped_character_is_noticed) {
    const std::string good = make_key().text;
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'a' ? 'b' : 'a';
        const auto id = id_in_key(bad);
        ASSERT_FALSE(id) << i;
        EXPECT_EQ(id.error().code, errc::malformed);
        EXPECT_EQ(id.error().detail.find(good.substr(20, 48)), std::string::npos);
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(id_in_key(good.substr(0, size))) << size;
    }
    for (const std::string& bad : {good + "0", good + " ", " " + good, std::string(76, '0')}) {
        EXPECT_FALSE(id_in_key(bad)) << bad;
    }
}

TEST(access_key, the_hash_depends_on_all_of_key_and_secret) {
    const std::string text = make_key().text;
    const auto hash = hash_of_key(text, secret);
    EXPECT_EQ(hash.size(), 64u);
    EXPECT_EQ(hash, hash_of_key(text, secret));
    EXPECT_NE(hash, hash_of_key(text, std::string(secret_bytes, 't')));
    EXPECT_NE(hash, hash_of_key(make_key().text, secret));
    EXPECT_TRUE(same_secret(hash, std::string(hash)));
    EXPECT_FALSE(same_secret(hash, hash.substr(1)));
    EXPECT_FALSE(same_secret(hash, "x" + hash.substr(1)));
}

TEST(access_key, scopes_are_words) {
    for (const auto& [text, wanted] :
         {std::pair{"read", scope_set{scope::read}},
          std::pair{"admin,read", scope_set{scope::read, scope::admin}},
          std::pair{"read,recognise,train,admin",
                    scope_set{scope::read, scope::recognize, scope::train, scope::admin}}}) {
        const auto scopes = parse_scopes(text);
        ASSERT_TRUE(scopes) << text;
        EXPECT_EQ(*scopes, wanted) << text;
        EXPECT_EQ(*parse_scopes(text_of(*scopes)), wanted) << text;
    }
    for (const auto* bad : {"", "reads", "read,", "read, train", "*", "READ"}) {
        EXPECT_FALSE(parse_scopes(bad)) << bad;
    }
}

TEST(access_key, collections_are_names_or_all) {
    EXPECT_EQ(text_of(*parse_collections("b,a,b")), "a,b");
    EXPECT_EQ(text_of(*parse_collections("*")), "*");
    for (const auto* bad : {"", "a,", "a,*", "a b", "a:b"}) {
        EXPECT_FALSE(parse_collections(bad)) << bad;
    }
    access_key key;
    key.collections = {"a", "b"};
    EXPECT_TRUE(covers(key, "a"));
    EXPECT_FALSE(covers(key, "c"));
    EXPECT_FALSE(covers(key, "*"));
    EXPECT_FALSE(covers(access_key{}, "a"));
    key.collections = {"*"};
    EXPECT_TRUE(covers(key, "c"));
}

TEST(access_key, a_job_is_seen_with_collection_and_scope) {
    struct row {
        scope has;
        bool recognize, train, clear;
    };
    for (const auto& [has, recognize, train, clear] :
         {row{scope::read, true, true, true}, row{scope::recognize, true, false, false},
          row{scope::train, false, true, false}, row{scope::admin, false, false, true}}) {
        access_key key;
        key.scopes = {has};
        key.collections = {"a"};
        EXPECT_EQ(may_see(key, job_type::recognize, "a"), recognize) << name_of(has);
        EXPECT_EQ(may_see(key, job_type::train, "a"), train) << name_of(has);
        EXPECT_EQ(may_see(key, job_type::clear, "a"), clear) << name_of(has);
        EXPECT_EQ(may_see(key, job_type::rename, "a"), clear) << name_of(has);
        EXPECT_FALSE(may_see(key, job_type::recognize, "b")) << name_of(has);
    }
}

TEST(access_key, it_ends_at_its_time) {
    access_key key;
    EXPECT_FALSE(is_expired(key, unix_time(1'000'000)));
    key.expires = unix_time(1'000);
    EXPECT_FALSE(is_expired(key, unix_time(999)));
    EXPECT_TRUE(is_expired(key, unix_time(1'000)));
}

TEST(secret, compared_in_a_time_that_tells_nothing) {
    const std::string right(64, 'a');
    std::string first = right, last = right;
    first.front() = last.back() = 'b';
    // The shortest of many runs is free of what else the machine does, and both take turns, so that
    // they meet the same machine. A comparison that stops at the first difference takes a small
    // part of the time for `first` that it takes for `last`.
    const auto spent = [&](const std::string& wrong) {
        const auto begun = std::chrono::steady_clock::now();
        bool any = false;
        for (int i = 0; i < 500; ++i) any = any || same_secret(right, wrong);
        EXPECT_FALSE(any);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    };
    double first_best = 1, last_best = 1;
    for (int run = 0; run < 400; ++run) {
        first_best = std::min(first_best, spent(first));
        last_best = std::min(last_best, spent(last));
    }
    EXPECT_GT(first_best / last_best, 0.6);
    EXPECT_LT(first_best / last_best, 1.6);
}

TEST(uuid_key, is_random_and_its_id_tells_nothing_of_it) {
    const std::string other(secret_bytes, 't');
    std::set<std::string> keys, ids;
    for (int i = 0; i < 200; ++i) {
        const auto made = make_uuid_key(secret);
        ASSERT_TRUE(is_uuid(made.text)) << made.text;
        EXPECT_EQ(made.text[14], '4');
        EXPECT_NE(std::string("89ab").find(made.text[19]), std::string::npos) << made.text;
        EXPECT_TRUE(is_key_id(made.id));
        EXPECT_EQ(id_of_uuid_key(made.text, secret), made.id);
        EXPECT_NE(id_of_uuid_key(made.text, other), made.id);
        EXPECT_FALSE(id_in_key(made.text));
        keys.insert(made.text);
        ids.insert(made.id);
    }
    EXPECT_EQ(keys.size(), 200u);
    EXPECT_EQ(ids.size(), 200u);
    for (const std::string text :
         {"", "x", "00000000-0000-0000-0000-00000000000g", "00000000-0000-0000-0000-0000000000000",
          "0000000000000-0000-0000-000000000000"}) {
        EXPECT_FALSE(is_uuid(text)) << text;
    }
}

TEST(stored_scopes, of_a_surface_allow_nothing_where_surfaces_are_unknown) {
    access_key key;
    key.scopes = {scope::read, scope::admin};
    EXPECT_EQ(stored_scopes(key), "read,admin");
    key.service = surface::deepstack;
    const auto text = stored_scopes(key);
    EXPECT_EQ(text, "deepstack:read,admin");
    EXPECT_FALSE(parse_scopes(text)) << "what an older program does";
    access_key read;
    ASSERT_TRUE(read_stored_scopes(text, read));
    EXPECT_EQ(read.service, surface::deepstack);
    EXPECT_EQ(read.scopes, key.scopes);
    access_key native;
    ASSERT_TRUE(read_stored_scopes("train", native));
    EXPECT_EQ(native.service, surface::native);
    for (const char* bad :
         {"", ":", ":read", "native:read", "immich:read", "x:read", "deepstack:"}) {
        EXPECT_FALSE(read_stored_scopes(bad, read)) << bad;
    }
}

TEST(secret_file, is_made_once_for_its_owner_only) {
    const temporary_folder folder;
    const std::string path = folder.path() + "/access.secret";
    EXPECT_EQ(read_secret_file(path).error().code, errc::not_found);
    const auto made = make_secret_file(path);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->size(), secret_bytes);
    EXPECT_EQ(*read_secret_file(path), *made);
    EXPECT_EQ(make_secret_file(path).error().code, errc::wrong_state);
    EXPECT_EQ(*read_secret_file(path), *made);
    ::chmod(path.c_str(), 0640);
    EXPECT_EQ(read_secret_file(path).error().code, errc::malformed);
    ::chmod(path.c_str(), 0600);
    std::ofstream(path) << "abc\n";
    EXPECT_EQ(read_secret_file(path).error().code, errc::malformed);
    EXPECT_EQ(make_secret_file(folder.path() + "/no/file").error().code, errc::malformed);
}

}  // namespace
}  // namespace vultus
