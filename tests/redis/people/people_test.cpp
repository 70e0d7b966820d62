// People: records come and go with their faces, names may repeat, ids find them.
#include <gmock/gmock.h>

#include "tests/redis/people/people_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(people_of_redis, have_an_id_from_their_first_train) {
    add(1, {"Ann"});
    add(2, {"Ann"});
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].id, id_of(1));
    EXPECT_EQ(list()[0].faces, "2");
    EXPECT_EQ(list()[0].key, "Ann");
    EXPECT_EQ(f.field(id_of(2), "person_id"), id_of(1));
    EXPECT_EQ(get("id", id_of(1)).at(0).key, "Ann");
    EXPECT_EQ(f("person", {"default", "id", "nobody"}), words{"not_found"});
    EXPECT_EQ(f("person", {"none", "id", "nobody"}), words{"not_found"});
}

TEST_F(people_of_redis, may_share_a_name_and_are_then_named_by_id) {
    add(1, {"Ann"});
    add(2, {"Ann", "", "new"});
    add(3, {"Ann", "ann/3"});
    EXPECT_THAT(keys(), ElementsAre("Ann", "Ann\x1f" + id_of(2),
                                    "Ann\x1f"
                                    "ann/3"));
    const words several{"ambiguous", id_of(1), id_of(2), "ann/3"};
    EXPECT_EQ(ask(4, {"Ann"}), several);
    EXPECT_EQ(alter(4, "forget", {"Ann", "name"}), several);
    EXPECT_EQ(alter(4, "merge", {"ann/3", "id"}, {"Ann", "name"}), several);
    EXPECT_EQ(f("label", {"default", "Ann", "", "name"}), several);
    EXPECT_EQ(f("picture", {"default", "Ann", "x", "name"}), several);
    EXPECT_EQ(get("name", "Ann").size(), 3U);
    EXPECT_EQ(f("label", {"default", "ann/3", "", "id"}).at(3), id_of(3) + "-0");
    EXPECT_THAT(f("label", {"default",
                            "Ann\x1f"
                            "ann/3"})
                    .at(4),
                HasSubstr(R"("Ann\u001fann/3",)"));
    EXPECT_EQ(alter(5, "forget", {id_of(1), "id"}).at(0), "ok");
    EXPECT_THAT(keys(), ElementsAre("Ann\x1f" + id_of(2),
                                    "Ann\x1f"
                                    "ann/3"));
    EXPECT_EQ(alter(6, "merge", {"ann/3", "id"}, {id_of(2), "id"}).at(4), "1");
    EXPECT_THAT(keys(), ElementsAre("Ann\x1f" + id_of(2)));
    EXPECT_EQ(f("label", {"default", "Ann", "", "name"}).at(0), "ok") << "one of that name is left";
    add(7, {"Ann"});
    EXPECT_EQ(list().at(0).faces, "3") << "and a train by name is theirs";
}

TEST_F(people_of_redis, are_listed_with_whether_others_have_their_name) {
    add(1, {"Ann"});
    add(2, {"Ann Lee"});
    add(3, {"An", "a/1"});
    const auto shared = [&](const std::string& q) {
        words marked;
        for (const row& one : list(q)) {
            if (one.shared == "1") marked.push_back(one.id);
        }
        return marked;
    };
    EXPECT_THAT(shared(""), IsEmpty()) << "a longer name is another one";
    add(4, {"Ann", "a/4"});
    EXPECT_THAT(shared(""), ElementsAre(id_of(1), "a/4"));
    EXPECT_THAT(shared("ann"), ElementsAre(id_of(1), "a/4"));
    EXPECT_EQ(get("id", "a/4").at(0).shared, "1") << "alone in its reply";
    EXPECT_EQ(rows(f("people", {"default", "", "", "2"}), 6).at(1).shared, "1")
        << "the other one is on the next page";
    EXPECT_EQ(alter(5, "forget", {id_of(1), "id"}).at(0), "ok");
    EXPECT_THAT(shared(""), IsEmpty());
    add(6, {"Ann", "a/6"});
    EXPECT_THAT(shared(""), ElementsAre("a/4", "a/6")) << "nobody has the name alone as key";
}

TEST_F(people_of_redis, of_an_id_that_two_trains_bring_are_one) {
    ASSERT_EQ(ask(1, {"Ann", "p"}).at(0), "ok");
    ASSERT_EQ(ask(2, {"Ann", "p"}).at(0), "ok");
    ASSERT_EQ(ask(3, {"Anna", "p"}).at(0), "ok") << "the person is not there yet";
    for (const int n : {2, 1, 3}) EXPECT_EQ(end(n).at(0), "succeeded");
    ASSERT_EQ(list().size(), 1U);
    EXPECT_EQ(list()[0].faces, "3");
    EXPECT_EQ(ask(4, {"Bob", "p"}), (words{"person_exists", "p"}));
}

TEST_F(people_of_redis, are_taught_by_their_id_alone) {
    EXPECT_EQ(ask(1, {"", "p"}), words{"not_found"});
    EXPECT_THAT(ask(1, {""}).at(0), HasSubstr("ERROR")) << "nobody at all";
    add(1, {"Ann", "p"});
    add(2, {"", "p"});
    EXPECT_EQ(get("id", "p").at(0).faces, "2");
    ASSERT_EQ(ask(3, {"", "p"}).at(0), "ok");
    alter(4, "forget", {"p", "id"});
    EXPECT_EQ(ask(3, {"", "p"}).at(0), "dup") << "repeated, though the person is gone";
    EXPECT_EQ(alter(4, "forget", {"p", "id"}).at(0), "dup");
    EXPECT_EQ(end(3).at(0), "superseded");
}

TEST_F(people_of_redis, are_found_by_an_external_id_that_only_one_has) {
    add(1, {"Ann", "", "", "ab", "sealed"});
    EXPECT_EQ(get("external", "ab").at(0).id, id_of(1));
    EXPECT_EQ(get("external", "ab").at(0).data, "sealed");
    EXPECT_EQ(ask(2, {"Bob", "", "", "ab"}), (words{"external_taken", id_of(1)}));
    ASSERT_EQ(ask(3, {"Bob", "", "", "cd", "d"}).at(0), "ok");
    ASSERT_EQ(ask(4, {"Cid", "", "", "cd", "d"}).at(0), "ok") << "nobody has it yet";
    EXPECT_EQ(end(3).at(0), "succeeded");
    EXPECT_EQ(end(4), words{"cancelled"});
    EXPECT_EQ(f.state(id_of(4)), "failed");
    EXPECT_THAT(f.field(id_of(4), "error"), HasSubstr("person_exists"));
    EXPECT_EQ(f.field(id_of(4), "person_data"), "") << "nothing of it stays in the job";
    EXPECT_THAT(keys(), ElementsAre("Ann", "Bob"));
}

TEST_F(people_of_redis, keep_their_id_through_a_new_name) {
    add(1, {"Ann", "", "", "ab", "d"});
    add(2, {"Bob"});
    EXPECT_EQ(alter(3, "rename", {"Ann", "name"}, {"Bob", "name"}), words{"label_exists"});
    EXPECT_EQ(alter(4, "rename", {id_of(1), "id"}, {"Cid", "name"}).at(0), "ok");
    EXPECT_THAT(keys(), ElementsAre("Bob", "Cid"));
    EXPECT_EQ(get("external", "ab").at(0).key, "Cid");
    EXPECT_EQ(get("id", id_of(1)).at(0).data, "d");
    EXPECT_THAT(keys("ann"), IsEmpty());
    EXPECT_THAT(keys("cid"), ElementsAre("Cid"));
    EXPECT_EQ(alter(5, "rename", {id_of(1), "id"}, {"Bob", "name"}, true).at(0), "ok");
    EXPECT_THAT(keys(), ElementsAre("Bob", "Bob\x1f" + id_of(1)));
    EXPECT_EQ(f.field(id_of(5), "person_id"), id_of(1));
    EXPECT_EQ(alter(6, "rename", {"x", "id"}, {"Dan", "name"}), words{"not_found"});
}

TEST_F(people_of_redis, get_the_faces_that_were_accepted_for_them) {
    add(1, {"Ann"});
    ASSERT_EQ(ask(2, {"Ann"}).at(0), "ok");
    alter(3, "rename", {"Ann", "name"}, {"Bea", "name"});
    add(4, {"Ann"});  // another person of the name
    EXPECT_EQ(end(2).at(0), "succeeded");
    EXPECT_EQ(get("id", id_of(1)).at(0).faces, "2");
    EXPECT_EQ(get("id", id_of(4)).at(0).faces, "1");
    EXPECT_THAT(keys("bea"), ElementsAre("Bea"));
}

TEST_F(people_of_redis, renamed_while_their_first_train_runs_are_found_by_the_new_name) {
    ASSERT_EQ(ask(1, {"Ann"}).at(0), "ok");
    ASSERT_EQ(ask(2, {"Dan", "p"}).at(0), "ok");
    alter(3, "rename", {"Ann", "name"}, {"Bea Oz", "name"});
    alter(4, "rename", {"Dan", "name"}, {"Eva", "name"});
    end(1);
    end(2);
    EXPECT_THAT(keys(), ElementsAre("Bea Oz",
                                    "Eva\x1f"
                                    "p"));
    EXPECT_THAT(keys("oz"), ElementsAre("Bea Oz"));
    EXPECT_THAT(keys("eva"), ElementsAre("Eva\x1f"
                                         "p"));
    ASSERT_EQ(ask(5, {"Fay", "q"}).at(0), "ok");
    alter(6, "forget", {"Fay", "name"});
    EXPECT_EQ(end(5).at(0), "superseded");
}

TEST_F(people_of_redis, go_with_their_last_face) {
    const auto parts = [&] {
        words all;
        for (const char* part : {"people", "person_ids", "externals", "names"}) {
            const auto found = f.plain({"KEYS", f.key("gallery:default:*:" + std::string(part))});
            all.insert(all.end(), found.begin(), found.end());
        }
        return all;
    };
    int n = 1;
    const auto once = [&](const auto& remove) {
        add(n, {"Ann", "p", "", "ab", "d"});
        EXPECT_THAT(parts(), Not(IsEmpty()));
        remove();
        EXPECT_THAT(parts(), IsEmpty());
        n += 10;
    };
    once([&] { alter(n + 1, "forget", {"Ann", "name"}); });
    once([&] { alter(n + 1, "forget_face", {"p", "id"}, {id_of(n) + "-0", ""}); });
    once([&] { alter(n + 1, "clear", {"", ""}); });
    once([&] { alter(n + 1, "delete_collection", {"", ""}); });
    once([&] {
        f("set_retention", {"default", "1000", "ctl"});
        const auto epoch = std::to_string(std::stoll(version()) / 1'000'000'000);
        f.plain({"ZADD", f.key("gallery:default:" + epoch + ":seen"), "1000",
                 "Ann\x1f"
                 "p"});
        EXPECT_EQ(f("forget_unseen", {id_of(n + 1), "default",
                                      "Ann\x1f"
                                      "p",
                                      "retention"})
                      .at(0),
                  "ok");
    });
    add(n, {"Ann", "p", "", "ab", "d"});
    add(n + 1, {"Bob"});
    alter(n + 2, "merge", {"Ann", "name"}, {"Bob", "name"});
    EXPECT_EQ(f("person", {"default", "external", "ab"}), words{"not_found"});
    EXPECT_THAT(keys("a"), IsEmpty());
}

}  // namespace
}  // namespace vultus::test
