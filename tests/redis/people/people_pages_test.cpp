// People: pages and searches are whole while others change, and people of before there were
// records get theirs.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/redis/people/people_support.hpp"

namespace vultus::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(people_of_redis, are_found_by_the_begin_of_any_word_once_each) {
    add(1, {"Anna Maria Ann"});
    add(2, {"Maria"});
    add(3, {"Joanna"});
    EXPECT_THAT(keys("ann"), ElementsAre("Anna Maria Ann"));
    EXPECT_THAT(keys("maria"), ElementsAre("Maria", "Anna Maria Ann"));
    EXPECT_THAT(keys("maria a"), ElementsAre("Anna Maria Ann"));
    EXPECT_THAT(keys("oan"), IsEmpty());
    EXPECT_EQ(paged("ann", "1", [] {}).size(), 1U);
}

TEST_F(people_of_redis, pages_hold_each_once_while_others_come_and_go) {
    std::mt19937 draw(7);
    for (int seed = 0; seed < 6; ++seed) {
        f.plain({"FLUSHALL"});
        f("open", {"1"});
        enlist("w");
        int n = 1;
        std::map<std::string, int> stay;
        const auto name = [&](int i) {
            return (i % 3 == 0 ? "Ann" : "An" + std::to_string(i % 7)) + std::string(" B") +
                   std::to_string(i % 11);
        };
        for (int i = 0; i < 25; ++i, ++n) {
            add(n, {name(i), "s" + std::to_string(n)});
            stay["s" + std::to_string(n)] = 0;
        }
        std::vector<std::string> others;
        const auto disturb = [&] {
            for (int i = 0; i < 3; ++i) {
                if (!others.empty() && draw() % 2 == 0) {
                    alter(n++, "forget", {others.back(), "id"});
                    others.pop_back();
                } else {
                    others.push_back("t" + std::to_string(n));
                    add(n, {name(static_cast<int>(draw() % 40)), others.back()});
                    ++n;
                }
            }
        };
        for (const std::string q : {"", "an", "b"}) {
            auto seen = stay;
            std::map<std::string, int> all;
            for (const auto& id : paged(q, "4", disturb)) {
                if (seen.contains(id)) ++seen[id];
                EXPECT_EQ(++all[id], 1) << id << " twice, q " << q;
            }
            for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id << ", q " << q;
        }
    }
}

TEST_F(people_of_redis, of_an_older_version_get_records_step_by_step) {
    for (int n = 1; n <= 120; ++n) add(n, {"P" + std::to_string(n) + " Last"});
    strip();
    EXPECT_EQ(f("people", {"default", "last", "", "10"}), words{"migrating"});
    EXPECT_EQ(f("person", {"default", "id", "x"}), words{"migrating"});
    f("open", {"1"});
    EXPECT_EQ(f("people", {"default", "last", "", "10"}), words{"migrating"});
    EXPECT_EQ(list().size(), 120U) << "names need no record";
    EXPECT_EQ(alter(200, "forget", {"x", "id"}), words{"migrating"});
    EXPECT_EQ(alter(201, "forget", {"P7 Last", "name"}).at(0), "ok");
    add(202, {"P0 New"});
    int steps = 0;
    for (words step = f("unindexed"); step.at(1) == "default"; step = f("unindexed")) {
        ASSERT_LT(++steps, 10);
        EXPECT_LE(step.size(), 57U) << "50 people a call";
        const words made = stored(step);
        if (steps == 2) {  // a program of the older version taught somebody in the meantime
            train(203, "P0 Old");
            EXPECT_EQ(end(203).at(0), "succeeded");
            EXPECT_EQ(f("index_people", made), words{"again"});
            EXPECT_EQ(f("unindexed").at(3), "") << "from the begin";
            continue;
        }
        EXPECT_EQ(f("index_people", made).at(0), "ok");
        EXPECT_THAT(f("index_people", made).at(0), testing::AnyOf("again", "ok")) << "twice";
        EXPECT_EQ(f.problems(), words{});
    }
    EXPECT_EQ(steps, 5) << "two, one of them void, and three";
    EXPECT_EQ(keys("last").size(), 119U);
    EXPECT_EQ(get("id", id_of(9)).at(0).key, "P9 Last") << "the job of the oldest face";
    EXPECT_EQ(keys("p0"), (words{"P0 New", "P0 Old"}));
    EXPECT_EQ(f("unindexed"), (words{"ok", ""}));
}

// A broker has read who lacks a record; then somebody comes whom it did not see, before its cursor.
TEST_F(people_of_redis, who_comes_while_a_step_is_under_way_is_not_passed_over) {
    for (int n = 1; n <= 3; ++n) add(n, {"B" + std::to_string(n)});
    train(4, "C");  // of a program of an older version
    end(4);
    const words step = stored(f("unindexed"));
    train(5, "A");
    end(5);
    EXPECT_EQ(f("index_people", step), words{"again"});
    EXPECT_EQ(f("index_people", stored(f("unindexed"))), (words{"ok", "2"}));
    EXPECT_THAT(keys("a"), ElementsAre("A"));
    EXPECT_EQ(f("unindexed"), (words{"ok", ""}));
}

TEST_F(people_of_redis, of_new_data_need_no_index) {
    EXPECT_EQ(f("unindexed"), (words{"ok", ""}));
    train(1, "Ann");  // of a program of an older version
    end(1);
    EXPECT_EQ(f("unindexed").at(1), "default");
    EXPECT_EQ(f("people", {"default", "ann", "", "9"}), words{"migrating"});
    EXPECT_EQ(f("index_people", stored(f("unindexed"))), (words{"ok", "1"}));
    EXPECT_THAT(keys("ann"), ElementsAre("Ann"));
    change(2, "clear");
    EXPECT_EQ(f("unindexed"), (words{"ok", ""}));
}

TEST_F(people_of_redis, data_are_set_only_over_what_was_read) {
    add(1, {"Ann"});
    add(2, {"Bob", "", "", "ab", "b"});
    EXPECT_EQ(f("set_person", {"default", id_of(1), "me 10.0.0.1", "", "x", "cd"}), words{"ok"});
    EXPECT_EQ(f("set_person", {"default", id_of(1), "me", "", "y", "ef"}), words{"again"});
    EXPECT_EQ(get("external", "cd").at(0).data, "x");
    EXPECT_EQ(f("set_person", {"default", id_of(1), "me", "x", "y", "ab"}),
              (words{"external_taken", id_of(2)}));
    EXPECT_EQ(f("set_person", {"default", id_of(1), "me", "x", "", ""}), words{"ok"});
    EXPECT_EQ(f("person", {"default", "external", "cd"}), words{"not_found"});
    EXPECT_EQ(f("set_person", {"default", "none", "me", "", "x", ""}), words{"not_found"});
    const words log = f.plain({"XRANGE", f.key("audit"), "-", "+"});
    EXPECT_THAT(log, Contains("person"));
    EXPECT_THAT(log, Contains(id_of(1)));
    EXPECT_THAT(f("set_person", {"default", id_of(1), "me", "", "x", "not hex"}).at(0),
                HasSubstr("ERROR"));
}

TEST_F(people_of_redis, are_put_into_an_answer_in_the_call_that_stores_it) {
    add(1, {"Ann"});
    add(2, {"Ann", R"(p"2)"});
    accept(3);
    ASSERT_EQ(lease("w"), id_of(3));
    const std::string two = R"({"faces":[{"label":"Ann","person_id":"@)" +
                            hex_of(
                                "Ann\x1f"
                                R"(p"2)") +
                            R"("},{"label":"x \"person_id\":\"@41\"",)" + R"("person_id":"@)" +
                            hex_of("Ann") + R"("},{"person_id":"@4242"}]})";
    ASSERT_EQ(f("complete_recognize", {id_of(3), "1", "w", version(), two, ""}).at(0), "succeeded");
    EXPECT_EQ(f.field(id_of(3), "result"),
              R"({"faces":[{"label":"Ann","person_id":"p\"2","name_shared":true},)"
              R"({"label":"x \"person_id\":\"@41\"","person_id":")" +
                  id_of(1) + R"(","name_shared":true},{"person_id":null}]})");
    const words look = f("version", {"default", "Ann",
                                     "Ann\x1f"
                                     R"(p"2)",
                                     "Bob"});
    EXPECT_THAT(words(look.end() - 6, look.end()),
                ElementsAre(id_of(1), R"(p"2)", "", "1", "1", ""));
}

TEST_F(people_of_redis, come_back_from_an_export) {
    const std::string face = R"({"label":"Ann\u001fp","job_id":"x"})";
    ASSERT_EQ(f("restore", {"default", "m", id_of(1) + "-0",
                            "Ann\x1f"
                            "p",
                            face, vector_of('v'), id_of(2) + "-0", "Bob",
                            R"({"label":"Bob","job_id":"x"})", vector_of('v')})
                  .at(0),
              "ok");
    EXPECT_EQ(get("name", "Bob").at(0).id, id_of(2)) << "until its record comes";
    EXPECT_EQ(f("restore_people", {"default",
                                   "Ann\x1f"
                                   "p",
                                   "p", "77", "ann", "d", "ab", "Bob", "b", "88", "bob", "", "",
                                   "Cid", "c", "99", "cid", "", ""}),
              (words{"ok", "2", "0"}))
        << "nobody without a face";
    EXPECT_EQ(get("external", "ab").at(0).created, "77");
    EXPECT_EQ(get("id", "b").at(0).key, "Bob");
    EXPECT_EQ(f("restore_people", {"default", "Bob", "p", "1", "bob", "x", ""}),
              (words{"ok", "1", "1"}))
        << "somebody has that id";
    EXPECT_EQ(f("index_people", stored(f("unindexed"))).at(0), "ok");
    EXPECT_THAT(keys("b"), ElementsAre("Bob"));
}

struct broken {
    const char *what, *says;
    words command;
};
class fsck_of_people : public people_of_redis, public testing::WithParamInterface<broken> {};

TEST_P(fsck_of_people, finds) {
    add(1, {"Ann", "", "", "ab", "d"});
    words command = GetParam().command;
    command.at(1) = f.key("gallery:default:1:" + command.at(1));
    f.plain(command);
    EXPECT_THAT(f.problems(), Contains(HasSubstr(GetParam().says)));
    consistent_at_end_ = false;
}

INSTANTIATE_TEST_SUITE_P(
    each, fsck_of_people,
    testing::Values(broken{"no_record", "people holds 0", {"HDEL", "people", "Ann"}},
                    broken{"bad_record", "cannot be read", {"HSET", "people", "Ann", "{"}},
                    broken{"no_id", "person_ids has another", {"DEL", "person_ids"}},
                    broken{"id_too_many", "person_ids of", {"HSET", "person_ids", "x", "Ann"}},
                    broken{"no_external", "externals has another", {"DEL", "externals"}},
                    broken{"external", "externals of", {"HSET", "externals", "x", "Ann"}},
                    broken{"no_name", "is not in names", {"DEL", "names"}},
                    broken{"name", "names of", {"ZADD", "names", "0", "bob\nAnn"}},
                    broken{"no_face", "has no face", {"HSET", "people", "Bob", R"({"id":"b"})"}}),
    [](const auto& one) { return one.param.what; });

}  // namespace
}  // namespace vultus::test
