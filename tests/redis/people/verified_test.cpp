// A verify of a person who is renamed, removed or merged between its acceptance and its result: it
// is about the id that was accepted, and never about somebody who is gone.
#include <gmock/gmock.h>

#include "tests/redis/people/people_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class verify_of_a_person : public people_of_redis {
 protected:
    void SetUp() override {
        people_of_redis::SetUp();
        const std::string dlib =
            "dlib_resnet_v1/mirror_unit";  // so that "w", which is older, trains
        ASSERT_EQ(f("register", {"v", "1", "100000", "host", "1", "cpu", "b", "verify", "128",
                                 "hog", "m=128," + dlib + "=128", "hog", dlib})
                      .at(0),
                  "ok");
    }
    words verify(int n, const std::string& key, const std::string& id) {
        accept_options options;
        options.type = "verify";
        options.label = key;
        words all = accept_words(id_of(n), options);
        all.insert(all.begin() + 13, {"person", id, "", "", "", ""});
        return f("accept", all);
    }
    /// Accepted and sent to the worker.
    void run(int n, const std::string& key, const std::string& id) {
        ASSERT_EQ(verify(n, key, id).at(0), "ok");
        ASSERT_EQ(lease("v"), id_of(n));
    }
    /// The key that the worker reads.
    std::string fetched(int n) {
        const words reply = f("fetch", {id_of(n), "1", "v"});
        std::string label;
        for (std::size_t i = 4; i + 1 < reply.size(); i += 2) {
            if (reply[i] == "label") label = reply[i + 1];
        }
        return label;
    }
    words complete_with(int n, const std::string& key) {
        return f(
            "complete_recognize",
            {id_of(n), "1", "v", version(),
             R"({"same":true,"person":{"label":"x","person_id":"@)" + hex_of(key) + R"("}})", ""});
    }
    void expect_gone(int n, const std::string& key) {
        EXPECT_EQ(complete_with(n, key), words{"failed"});
        EXPECT_EQ(f.field(id_of(n), "state"), "failed");
        EXPECT_THAT(f.field(id_of(n), "error"), HasSubstr(R"("code":"not_found")"));
        EXPECT_EQ(f.field(id_of(n), "result"), "");
    }
};

TEST_F(verify_of_a_person, follows_a_rename_before_and_after_it_is_fetched) {
    add(1, {"Ann"});
    run(2, "Ann", id_of(1));
    ASSERT_EQ(alter(3, "rename", {id_of(1), "id"}, {"Bea", ""}).at(0), "ok");
    EXPECT_EQ(fetched(2), "Bea");
    ASSERT_EQ(alter(4, "rename", {id_of(1), "id"}, {"Cleo", ""}).at(0), "ok");
    EXPECT_THAT(complete_with(2, "Bea"), ElementsAre("old_version", version(), "Cleo"));
    EXPECT_EQ(f.field(id_of(2), "state"), "running");
    EXPECT_EQ(complete_with(2, "Cleo").at(0), "succeeded");
    EXPECT_THAT(f.field(id_of(2), "result"), HasSubstr(R"("person_id":")" + id_of(1)));
}

TEST_F(verify_of_a_person, ends_without_an_answer_when_the_person_was_removed) {
    add(1, {"Ann"});
    run(2, "Ann", id_of(1));
    ASSERT_EQ(alter(3, "forget", {id_of(1), "id"}).at(0), "ok");
    expect_gone(2, "Ann");
}

TEST_F(verify_of_a_person, is_not_about_the_next_person_of_that_name) {
    add(1, {"Ann"});
    run(2, "Ann", id_of(1));
    ASSERT_EQ(alter(3, "forget", {id_of(1), "id"}).at(0), "ok");
    add(4, {"Ann"});
    EXPECT_EQ(get("name", "Ann").at(0).id, id_of(4));
    expect_gone(2, "Ann");
}

TEST_F(verify_of_a_person, ends_when_the_person_was_merged_into_another) {
    add(1, {"Ann"});
    add(2, {"Bea"});
    run(3, "Ann", id_of(1));
    run(4, "Bea", id_of(2));
    ASSERT_EQ(alter(5, "merge", {id_of(1), "id"}, {id_of(2), "id"}).at(0), "ok");
    expect_gone(3, "Ann");
    EXPECT_EQ(complete_with(4, "Bea").at(0), "succeeded") << "who stays has all faces";
}

TEST_F(verify_of_a_person, ends_with_the_collection) {
    add(1, {"Ann"});
    run(2, "Ann", id_of(1));
    ASSERT_EQ(change(3, "delete_collection").at(0), "ok");
    expect_gone(2, "Ann");
}

TEST_F(verify_of_a_person, is_accepted_by_the_id_whatever_the_name_is_by_then) {
    add(1, {"Ann"});
    ASSERT_EQ(alter(2, "rename", {id_of(1), "id"}, {"Bea", ""}).at(0), "ok");
    EXPECT_EQ(verify(3, "Ann", id_of(1)).at(0), "ok");
    EXPECT_EQ(f.field(id_of(3), "label"), "Bea");
    ASSERT_EQ(alter(4, "forget", {id_of(1), "id"}).at(0), "ok");
    EXPECT_EQ(verify(5, "Bea", id_of(1)), words{"not_found"});
    EXPECT_EQ(f.field(id_of(5), "state"), "");
}

TEST_F(verify_of_a_person, counts_as_seeing_the_person_under_the_new_name) {
    add(1, {"Ann"});
    f("set_retention", {"default", "86400000", "ctl"});
    run(2, "Ann", id_of(1));
    ASSERT_EQ(alter(3, "rename", {id_of(1), "id"}, {"Bea", ""}).at(0), "ok");
    f.plain({"DEL", f.key("gallery:default:1:seen")});
    ASSERT_EQ(complete_with(2, "Bea").at(0), "succeeded");
    EXPECT_EQ(f.plain({"ZRANGE", f.key("gallery:default:1:seen"), "0", "-1"}), words{"Bea"});
}

}  // namespace
}  // namespace vultus::test
