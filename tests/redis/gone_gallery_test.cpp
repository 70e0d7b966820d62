// Galleries that are deleted, empty or at the end of their counters; names that a pending train
// will add.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class gone_gallery : public redis_test {
 protected:
    std::string epochs() { return f.plain({"GET", f.key("epochs")}).at(0); }
    void set(const std::string& field, const std::string& value) {
        f.plain({"HSET", f.key("gallery:default"), field, value});
    }
};

TEST_F(gone_gallery, clearing_where_nobody_is_takes_no_epoch) {
    for (int n = 1; n <= 20; ++n) EXPECT_EQ(change(n, "clear").at(3), "0");
    EXPECT_EQ(epochs(), "");
    teach(30, "Ann");
    for (int n = 31; n <= 50; ++n) EXPECT_EQ(change(n, "clear").at(3), "2000000000") << n;
    EXPECT_EQ(epochs(), "2");
    teach(51, "Bob");
    EXPECT_EQ(version(), "2000000001");
}

TEST_F(gone_gallery, clearing_when_all_were_forgotten_takes_the_rest_of_them_but_no_epoch) {
    teach(1, "Ann");
    change(2, "forget", "Ann");
    EXPECT_EQ(change(3, "clear").at(3), "1000000003");
    EXPECT_EQ(epochs(), "1");
    EXPECT_EQ(f.plain({"KEYS", f.key("gallery:default:*")}), words{}) << "the log names her";
    EXPECT_EQ(f("version", {"default"}),
              (words{"ok", "1000000003", "1000000003", "0", "0", "", "0", "0", "", "", "", "0"}));
    EXPECT_EQ(f("delta", {"default", "1", "2"}).at(0), "snapshot");
    EXPECT_EQ(change(4, "clear").at(3), "1000000003") << "now nothing is left of it";
    EXPECT_EQ(f("delta", {"default", "1", "3"}).at(0), "ok");
}

TEST_F(gone_gallery, deleting_where_nobody_is_takes_no_epoch) {
    teach(1, "Ann");
    change(2, "clear");
    EXPECT_EQ(change(3, "delete_collection").at(2), "succeeded");
    EXPECT_EQ(version(), "0");
    enlist("holder");
    train(4, "Bob");  // open, so that it may be deleted again and again
    for (int n = 5; n <= 20; ++n) EXPECT_EQ(change(n, "delete_collection").at(0), "ok");
    EXPECT_EQ(epochs(), "2");
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(4));
    EXPECT_EQ(commit(4, "w").at(0), "superseded");
}

TEST_F(gone_gallery, a_delete_that_waits_takes_no_epoch_when_it_is_repeated) {
    teach(1, "Ann");
    enlist("holder");
    f("hello", {"holder", "default", "1000000001"});
    train(2, "Bob");
    for (int n = 3; n <= 9; ++n) {
        EXPECT_THAT(change(n, "delete_collection"),
                    ElementsAre("ok", id_of(n), "publishing", "2000000000", n == 3 ? "1" : "0"));
    }
    f("hello", {"holder", "default", "2000000000"});
    for (int n = 3; n <= 9; ++n) EXPECT_EQ(f.state(id_of(n)), "succeeded") << n;
    EXPECT_EQ(version(), "0");
    f("cancel", {id_of(2)});
}

TEST_F(gone_gallery, a_name_that_comes_back_is_another_gallery) {
    teach(1, "Ann");
    accept(2);
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(2));
    change(3, "delete_collection");
    EXPECT_THAT(complete(2, "w", "1000000001"), ElementsAre("old_version", "0"));
    teach(4, "Bob");
    EXPECT_EQ(version(), "3000000001");
    for (const char* other : {"0", "1000000001", "2000000000"}) {
        EXPECT_THAT(complete(2, "w", other), ElementsAre("old_version", "3000000001"));
    }
    EXPECT_EQ(complete(2, "w", "3000000001").at(0), "succeeded");
}

TEST_F(gone_gallery, the_last_versions_are_exact) {
    f.plain({"SET", f.key("epochs"), "8999999"});
    teach(1, "Ann");
    EXPECT_EQ(version(), "9000000000000001");
    enlist("w");
    EXPECT_THAT(f("hello", {"w", "default", "9000000000000000"}),
                ElementsAre("catch_up", "9000000000000001"));
    EXPECT_THAT(f("hello", {"w", "default", "9000000000000001"}),
                ElementsAre("serve", "9000000000000001"));
    accept(2);
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_EQ(complete(2, "w", "9000000000000000").at(0), "old_version");
    EXPECT_EQ(complete(2, "w", "9000000000000002").at(0), "old_version");
    EXPECT_EQ(complete(2, "w", "9000000000000001").at(0), "succeeded");
}

TEST_F(gone_gallery, without_epochs_whatever_removes_goes_on_and_new_galleries_are_refused) {
    teach(1, "Ann");
    f.plain({"SET", f.key("epochs"), "9000000"});
    enlist("w");
    train(2, "Bob", "other");
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_THAT(commit(2, "w"), ElementsAre("collections_full"));
    EXPECT_EQ(fail(2, "w", "permanent").at(0), "failed");
    EXPECT_EQ(f("restore", {"other", "m", id_of(9) + "-0", "Bob", "{\"label\":\"Bob\",\"a\":1}",
                            vector_of('x')}),
              words{"collections_full"});
    accept(3);
    ASSERT_EQ(lease("w"), id_of(3));
    EXPECT_THAT(change(4, "clear"), ElementsAre("ok", id_of(4), "succeeded", "1000000002", "1"));
    EXPECT_THAT(people(), IsEmpty());
    EXPECT_EQ(f.field(id_of(4), "removed"), R"({"faces":1,"vectors":1,"pictures":0})");
    EXPECT_EQ(complete(3, "w", "1000000001").at(0), "old_version");
    EXPECT_EQ(complete(3, "w", "1000000002").at(0), "succeeded");
    EXPECT_EQ(f("delta", {"default", "1", "1"}).at(0), "snapshot");
    f("bye", {"w"});
    teach(5, "Cyd");
    EXPECT_EQ(version(), "1000000003") << "the gallery that is there takes people";
    EXPECT_EQ(change(6, "delete_collection").at(2), "succeeded");
    EXPECT_EQ(version(), "0");
    EXPECT_EQ(epochs(), "9000000");
}

TEST_F(gone_gallery, an_epoch_without_numbers_takes_removals_until_a_clear_gives_it_another) {
    teach(1, "Ann");
    set("seq", "998999999");
    enlist("w");
    train(2, "Bob");
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_THAT(commit(2, "w"), ElementsAre("gallery_full"));
    EXPECT_EQ(f("restore", {"default", "m", id_of(9) + "-0", "Bob", "{\"label\":\"Bob\",\"a\":1}",
                            vector_of('x')}),
              words{"gallery_full"});
    EXPECT_THAT(change(3, "rename", "Ann", "Cyd"), ElementsAre("gallery_full"));
    EXPECT_EQ(change(4, "forget", "Ann").at(3), "1999000000");
    set("seq", "998999999");
    fail(2, "w", "permanent");
    EXPECT_EQ(change(5, "clear").at(3), "1999000000") << "nobody is there, but their log";
    f("bye", {"w"});
    set("seq", "998999998");
    teach(6, "Ann");
    EXPECT_EQ(change(7, "clear").at(3), "2000000000");
    teach(8, "Ann");
    EXPECT_EQ(version(), "2000000001");
}

// ---- names that a train will bring ----

TEST_F(gone_gallery, a_name_that_an_open_train_brings_is_taken) {
    teach(1, "Ann");
    train(2, "Bob");
    auto onto_bob = [&, n = 100](const char* op) mutable {
        return change(++n, op, "Ann", "Bob").at(0);
    };
    EXPECT_EQ(onto_bob("rename"), "label_exists") << "pending";
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_EQ(onto_bob("rename"), "label_exists") << "running";
    fail(2, "w", "retry", 1, 1'000'000);
    EXPECT_EQ(onto_bob("rename"), "label_exists") << "delayed";
    f("bury", {id_of(2)});
    EXPECT_EQ(onto_bob("rename"), "label_exists") << "dead: it may be kicked";
    f("delete", {id_of(2)});
    EXPECT_EQ(onto_bob("rename"), "ok");
    EXPECT_THAT(people(), ElementsAre("Bob", "1"));
}

TEST_F(gone_gallery, a_merge_may_join_a_train_that_is_open) {
    teach(1, "Ann");
    train(2, "Bob");
    EXPECT_EQ(change(3, "merge", "Ann", "Bob").at(0), "ok");
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(2));
    commit(2, "w");
    EXPECT_THAT(people(), ElementsAre("Bob", "2"));
}

TEST_F(gone_gallery, a_name_is_free_again_when_no_train_will_bring_it) {
    teach(1, "Ann");
    auto back = [&, n = 100]() mutable { change(++n, "rename", "Bob", "Ann"); };
    train(2, "Bob");
    f("cancel", {id_of(2)});
    EXPECT_EQ(change(3, "rename", "Ann", "Bob").at(0), "ok") << "cancelled";
    back();
    train(4, "Bob");
    change(5, "forget", "Bob");
    EXPECT_EQ(change(6, "rename", "Ann", "Bob").at(0), "ok") << "forgotten: it will be superseded";
    back();
    train(7, "Bob");
    change(8, "rename", "Bob", "Cyd");
    EXPECT_EQ(change(9, "rename", "Ann", "Cyd").at(0), "label_exists") << "it brings Cyd now";
    EXPECT_EQ(change(10, "rename", "Ann", "Bob").at(0), "ok");
    change(11, "clear");
    f("restore", {"default", "m", "face-0", "Ann", R"({"label":"Ann","a":1})", vector_of('x')});
    EXPECT_EQ(change(13, "rename", "Ann", "Cyd").at(0), "ok") << "cleared";
    for (int n : {4, 7}) f("cancel", {id_of(n)});
    EXPECT_EQ(f.plain({"EXISTS", f.key("gallery:default:awaited")}), words{"0"});
}

// ---- retention ----

TEST_F(gone_gallery, who_is_being_trained_is_not_forgotten_by_her_older_faces) {
    teach(1, "Ann");
    f("set_retention", {"default", "86400000", "me"});
    f("unseen", {"10"});
    train(2, "Ann");
    f.plain({"ZADD", f.key("gallery:default:1:seen"), "XX", "1000", "Ann"});
    EXPECT_EQ(f("forget_unseen", {id_of(3), "default", "Ann", "retention"}).at(0), "ok");
    EXPECT_THAT(people(), IsEmpty());
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_EQ(commit(2, "w").at(0), "succeeded");
    EXPECT_THAT(people(), ElementsAre("Ann", "1"));
}

TEST_F(gone_gallery, collections_where_nobody_can_be_forgotten_keep_nobody_elses_turn) {
    for (int n = 1; n <= 12; ++n) {
        const std::string name = "c" + std::to_string(n);
        teach(n, "Ann", name);
        f("set_retention", {name, "86400000", "me"});
        f.plain(
            {"ZADD", f.key("gallery:" + name + ":" + std::to_string(n) + ":seen"), "1000", "Ann"});
    }
    std::set<std::string> asked_for;
    for (int call = 0; call < 3; ++call) {
        const words due = f("unseen", {"100"});
        for (std::size_t i = 2; i < due.size(); i += 2) asked_for.insert(due[i]);
    }
    EXPECT_EQ(asked_for.size(), 12u);
}

}  // namespace
}  // namespace vultus::test
