// Versions of a gallery: trains, changes, the order between them, the fence and the barrier.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class galleries : public redis_test {};

constexpr const char* epoch_1 = "1000000000";

TEST_F(galleries, first_train_makes_the_collection) {
    EXPECT_EQ(version(), "0");
    teach(1, "Ann");
    EXPECT_THAT(f("version", {"default"}), ElementsAre("ok", "1000000001", epoch_1, "1", "1", "m",
                                                       "0", "128", "", "", "", "0"));
    EXPECT_THAT(people(), ElementsAre("Ann", "1"));
    EXPECT_THAT(f("label", {"default", "Ann"}),
                ElementsAre("ok", "1000000001", "1", id_of(1) + "-0",
                            "{\"label\":\"Ann\",\"job_id\":\"" + id_of(1) +
                                "\",\"big\":1000000000000000}"));
    EXPECT_THAT(f("delta", {"default", "1", "0"}),
                ElementsAre("ok", "1000000001", "1000000001", "1", "add", id_of(1) + "-0", "Ann"));
    const words vector = f.plain({"HGET", f.key("gallery:default:1:vectors"), id_of(1) + "-0"});
    EXPECT_EQ(vector, words{vector_of('v')});
}

TEST_F(galleries, odd_labels_are_only_text) {
    const words labels{"a/b", "a:b", "{x}", "*", "\"q\\", "ü 😀", "-", "'; --"};
    int n = 1;
    for (const std::string& label : labels) teach(n++, label);
    EXPECT_EQ(people().size(), labels.size() * 2);
    for (const std::string& label : labels) {
        EXPECT_EQ(f("label", {"default", label}).at(2), "1") << label;
        change(n++, "rename", label, label + "\"2");
        EXPECT_EQ(change(n++, "forget", label + "\"2").at(4), "1") << label;
    }
    EXPECT_THAT(people(), IsEmpty());
}

TEST_F(galleries, faces_are_paged_in_byte_order) {
    int n = 1;
    for (const char* label : {"b", "a", "c", "ab", "b"}) teach(n++, label);
    EXPECT_THAT(people(), ElementsAre("a", "1", "ab", "1", "b", "2", "c", "1"));
    const words page = f("faces", {"default", "ab", "1"});
    EXPECT_THAT((words{page.begin() + 2, page.end()}), ElementsAre("5", "4", "1", "b", "2"));
}

TEST_F(galleries, train_refusals_change_nothing) {
    teach(1, "Ann");
    enlist("w");
    train(2, "Ann");
    lease("w");
    EXPECT_THAT(commit(2, "w", 1, 1, "other"), ElementsAre("model_mismatch", "m"));
    f.plain({"HSET", f.key("gallery:default:1:labels"), "Ann", "1000"});
    EXPECT_THAT(commit(2, "w"), ElementsAre("label_full"));
    f.plain({"HSET", f.key("gallery:default:1:labels"), "Ann", "999"});
    f.plain({"HSET", f.key("gallery:default"), "faces", "1000000"});
    EXPECT_THAT(commit(2, "w"), ElementsAre("gallery_full"));
    f.plain({"HSET", f.key("gallery:default"), "faces", "1"});
    f.plain({"HSET", f.key("gallery:default:1:labels"), "Ann", "1"});
    EXPECT_EQ(version(), "1000000001");
    EXPECT_EQ(commit(2, "w").at(0), "succeeded");
    EXPECT_THAT(commit(2, "w"), ElementsAre("dup", "succeeded"));
    EXPECT_THAT(people(), ElementsAre("Ann", "2"));
}

TEST_F(galleries, a_label_takes_1000_faces_and_no_more) {
    enlist("w");
    for (int n = 1; n <= 63; ++n) {
        train(n, "Ann");
        lease("w");
        ASSERT_EQ(commit(n, "w", 1, n == 63 ? 8 : 16).at(0), "succeeded");
    }
    EXPECT_THAT(people(), ElementsAre("Ann", "1000"));
    train(64, "Ann");
    lease("w");
    EXPECT_THAT(commit(64, "w"), ElementsAre("label_full"));
    fail(64, "w", "permanent");
    teach(65, "Bob");
    EXPECT_THAT(change(66, "merge", "Bob", "Ann"), ElementsAre("label_full"));
    EXPECT_THAT(change(67, "rename", "Ann", "Cid"),
                ElementsAre("ok", id_of(67), "succeeded", "1000000065", "1000"));
    const words delta = f("delta", {"default", "1", "64"});
    EXPECT_EQ(delta.at(3), "2000") << "a seq is never cut";
    EXPECT_EQ(f("delta", {"default", "1", "0"}).at(1), "1000000062") << "992 entries, then stop";
}

TEST_F(galleries, clear_takes_a_new_epoch_and_the_model) {
    teach(1, "Ann");
    EXPECT_THAT(change(2, "clear"), ElementsAre("ok", id_of(2), "succeeded", "2000000000", "1"));
    EXPECT_THAT(people(), IsEmpty());
    EXPECT_THAT(f("version", {"default"}), ElementsAre("ok", "2000000000", "2000000000", "0", "0",
                                                       "", "0", "0", "", "", "", "0"));
    EXPECT_THAT(f("delta", {"default", "1", "1"}), ElementsAre("snapshot", "2000000000"));
    EXPECT_EQ(f.plain({"EXISTS", f.key("gallery:default:1:vectors")}), words{"0"});
    EXPECT_THAT(f.events(id_of(2)),
                ElementsAre(">publishing change", "publishing>succeeded acknowledged"));
}

TEST_F(galleries, changes_of_nobody) {
    EXPECT_THAT(change(1, "clear"), ElementsAre("ok", id_of(1), "succeeded", "0", "0"));
    EXPECT_THAT(change(2, "forget", "Ann"), ElementsAre("ok", id_of(2), "succeeded", "0", "0"));
    EXPECT_THAT(change(3, "forget_face", "Ann", "x-0"), ElementsAre("not_found"));
    EXPECT_THAT(change(4, "delete_collection"), ElementsAre("not_found"));
    EXPECT_EQ(change(5, "rename", "Ann", "Bob").at(4), "0");
    EXPECT_THAT(change(2, "forget", "Ann"), ElementsAre("dup", id_of(2), "succeeded"));
}

TEST_F(galleries, forget_rename_merge) {
    teach(1, "Ann");
    teach(2, "Bob");
    EXPECT_THAT(change(3, "rename", "Ann", "Bob"), ElementsAre("label_exists"));
    EXPECT_EQ(change(4, "merge", "Ann", "Bob").at(4), "1");
    EXPECT_THAT(people(), ElementsAre("Bob", "2"));
    EXPECT_EQ(f("label", {"default", "Bob"}).at(4).substr(0, 15), "{\"label\":\"Bob\",");
    EXPECT_EQ(change(5, "forget_face", "Bob", id_of(1) + "-0").at(4), "1");
    EXPECT_THAT(people(), ElementsAre("Bob", "1"));
    EXPECT_EQ(change(6, "forget", "Bob").at(3), "1000000005");
    EXPECT_THAT(people(), IsEmpty());
    EXPECT_EQ(f("version", {"default"}).at(2), "1000000005") << "removed_version";
    const words log = f("delta", {"default", "1", "2"});
    EXPECT_EQ(log.at(3), "4") << "remove and add of the rename, two removes";
}

TEST_F(galleries, delete_collection_leaves_nothing_and_its_fence_holds) {
    teach(1, "Ann", "c");
    enlist("w");
    f("hello", {"w", "c", "1000000001"});
    accept_options in_c;
    in_c.collection = "c";
    accept(2, in_c);
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_THAT(change(3, "delete_collection", "", "", "c"),
                ElementsAre("ok", id_of(3), "publishing", "2000000000", "1"));
    EXPECT_EQ(f("collections", {"", "10"}).at(1), "0") << "listed no more";
    EXPECT_THAT(f("hello", {"w", "c", "2000000000"}), ElementsAre("serve", "2000000000"));
    EXPECT_EQ(f.state(id_of(3)), "succeeded");
    EXPECT_EQ(f.plain({"KEYS", f.key("gallery:*")}), words{});
    EXPECT_THAT(complete(2, "w", "1000000001"), ElementsAre("old_version", "0"));
    EXPECT_THAT(complete(2, "w", "0"), ElementsAre("succeeded", "0"));
    EXPECT_THAT(change(4, "delete_collection", "", "", "c"), ElementsAre("not_found"));
    f("bye", {"w"});
    teach(5, "Bob", "c");
    EXPECT_EQ(version("c"), "3000000001") << "a name that comes back never goes back";
}

TEST_F(galleries, a_train_during_a_delete_brings_the_collection_back) {
    teach(1, "Ann", "c");
    enlist("holder");
    f("hello", {"holder", "c", "1000000001"});
    change(2, "delete_collection", "", "", "c");
    enlist("w");
    train(3, "Bob", "c");
    lease("w");
    EXPECT_THAT(commit(3, "w"), ElementsAre("publishing", "3000000001"));
    f("hello", {"holder", "c", "3000000001"});
    EXPECT_EQ(f.state(id_of(2)), "succeeded");
    EXPECT_EQ(f.state(id_of(3)), "succeeded");
    EXPECT_THAT(people("c"), ElementsAre("Bob", "1"));
    EXPECT_EQ(f("collections", {"", "10"}).at(2), "c");
}

// ---- order: what happens to a train that a change overtook ----

struct overtaken {
    const char* op;
    const char* a;
    const char* b;
    const char* label;
};
class order : public redis_test, public testing::WithParamInterface<overtaken> {};

TEST_P(order, train_commits_as_if_it_had_run_first) {
    teach(1, "Zoe");
    enlist("w");
    train(2, "Ann");
    lease("w");
    ASSERT_EQ(change(3, GetParam().op, GetParam().a, GetParam().b).at(0), "ok");
    change(4, "rename", "Zoe", "Yan");
    const std::string label = GetParam().label;
    EXPECT_EQ(commit(2, "w").at(0), label.empty() ? "superseded" : "succeeded");
    EXPECT_EQ(f.state(id_of(2)), "succeeded");
    EXPECT_EQ(f("label", {"default", "Ann"}).at(0) == "ok", label == "Ann");
    EXPECT_EQ(f("label", {"default", "Bob"}).at(0) == "ok", label == "Bob");
    EXPECT_EQ(f.field(id_of(2), "superseded"), label.empty() ? "1" : "");
    EXPECT_EQ(f.field(id_of(2), "label_stored"), label == "Bob" ? "Bob" : "");
    EXPECT_EQ(f.plain({"EXISTS", f.key("gallery:default:changes")}), words{"0"}) << "pruned";
}

INSTANTIATE_TEST_SUITE_P(changes, order,
                         testing::Values(overtaken{"clear", "", "", ""},
                                         overtaken{"delete_collection", "", "", ""},
                                         overtaken{"forget", "Ann", "", ""},
                                         overtaken{"forget", "Cid", "", "Ann"},
                                         overtaken{"rename", "Ann", "Bob", "Bob"},
                                         overtaken{"merge", "Ann", "Bob", "Bob"},
                                         overtaken{"rename", "Cid", "Dan", "Ann"},
                                         overtaken{"rename", "Ann", "Ann", "Ann"}));

TEST_F(galleries, chain_of_renames_and_a_train_after_the_change) {
    enlist("w");
    train(1, "a");
    change(2, "rename", "a", "b");
    change(3, "rename", "b", "c");
    train(4, "a");
    change(5, "forget", "b");
    lease("w");
    lease("w");
    EXPECT_EQ(commit(1, "w").at(0), "succeeded");
    EXPECT_EQ(f.field(id_of(1), "label_stored"), "c");
    EXPECT_EQ(commit(4, "w").at(0), "succeeded");
    EXPECT_THAT(people(), ElementsAre("a", "1", "c", "1"));
}

TEST_F(galleries, a_change_before_a_train_does_not_touch_it) {
    enlist("w");
    train(1, "Zoe");  // stays open, so the change is kept
    change(2, "forget", "Ann");
    train(3, "Ann");
    lease("w");
    ASSERT_EQ(lease("w"), id_of(3));
    ASSERT_EQ(f.plain({"ZCARD", f.key("gallery:default:changes")}), words{"1"});
    EXPECT_EQ(commit(3, "w").at(0), "succeeded");
    EXPECT_THAT(people(), ElementsAre("Ann", "1"));
}

TEST_F(galleries, a_dead_train_keeps_its_place_in_the_order) {
    train(1, "Ann");
    f("bury", {id_of(1)});
    change(2, "forget", "Ann");
    f("kick", {id_of(1)});
    enlist("w");
    lease("w");
    EXPECT_EQ(commit(1, "w").at(0), "superseded");
}

TEST_F(galleries, more_than_1000_changes_supersede) {
    enlist("w");
    train(1, "Ann");
    for (int n = 0; n < 1000; ++n) change(1000 + n, "forget", "x" + std::to_string(n));
    train(2, "Bob");
    EXPECT_EQ(f.plain({"EXISTS", f.key("gallery:default:changes_from")}), words{"0"});
    change(3000, "forget", "y");
    EXPECT_EQ(f.plain({"ZCARD", f.key("gallery:default:changes")}), words{"1000"});
    lease("w");
    lease("w");
    EXPECT_EQ(commit(1, "w").at(0), "superseded");
    EXPECT_EQ(commit(2, "w").at(0), "succeeded");
}

// ---- fence ----

TEST_F(galleries, fence_refuses_what_a_removal_made_old) {
    teach(1, "Ann");
    enlist("w");
    accept(2);
    lease("w");
    change(3, "forget", "Ann");
    EXPECT_THAT(complete(2, "w", "1000000001"), ElementsAre("old_version", "1000000002"));
    EXPECT_EQ(f.state(id_of(2)), "running") << "only the match is repeated";
    EXPECT_THAT(complete(2, "w", "1000000009"), ElementsAre("old_version", "1000000002"))
        << "nobody can be ahead";
    EXPECT_THAT(complete(2, "w", "1000000002"), ElementsAre("succeeded", "1000000002"));
}

TEST_F(galleries, min_version_is_stamped_at_accept) {
    teach(1, "Ann");
    accept(2);
    enlist("w");
    lease("w");
    train(3, "Bob");
    lease("w");
    commit(3, "w");
    accept(4);
    lease("w");
    EXPECT_THAT(complete(2, "w", "1000000001"), ElementsAre("succeeded", "1000000001"));
    EXPECT_THAT(complete(4, "w", "1000000001"), ElementsAre("old_version", "1000000002"));
}

// ---- barrier ----

TEST_F(galleries, a_change_waits_for_every_holder) {
    teach(1, "Ann");
    for (const char* worker : {"a", "b", "idle"}) enlist(worker);
    EXPECT_THAT(f("hello", {"a", "default", "1000000001"}), ElementsAre("serve", "1000000001"));
    f("hello", {"b", "default", "1000000001"});
    EXPECT_EQ(change(2, "clear").at(2), "publishing");
    EXPECT_THAT(f("hello", {"a", "default", "1000000001"}), ElementsAre("catch_up", "2000000000"));
    EXPECT_THAT(f("renew", {"a", "1", "1000", "1000"}).at(6), "2000000000");
    f("hello", {"a", "default", "2000000000"});
    EXPECT_EQ(f.state(id_of(2)), "publishing") << "b holds the old one";
    EXPECT_EQ(f("hello", {"b", "default", "none"}).at(0), "ok");
    EXPECT_EQ(f.state(id_of(2)), "succeeded");
}

TEST_F(galleries, holders_that_leave_hold_nothing) {
    teach(1, "Ann");
    int n = 10;
    const auto hold = [&](int registration_ms) {
        teach(++n, "Ann");
        enlist("w", registration_ms);
        EXPECT_EQ(f("hello", {"w", "default", version()}).at(0), "serve");
        EXPECT_EQ(change(++n, "clear").at(2), "publishing");
    };
    hold(100000);
    f("bye", {"w"});
    EXPECT_EQ(f.state(id_of(n)), "succeeded") << "bye";
    hold(100000);
    f("worker_lost", {"w", "1"});
    EXPECT_EQ(f.state(id_of(n)), "succeeded") << "worker_lost";
    hold(100000);
    enlist("w");
    EXPECT_EQ(f.state(id_of(n)), "succeeded") << "register drops holdings";
    hold(0);
    EXPECT_EQ(f("barrier", {"0", "100000"}).at(3), "1");
    EXPECT_EQ(f.state(id_of(n)), "succeeded") << "lapsed";
    EXPECT_EQ(f("hello", {"w", "default", version()}).at(0), "gone");
    EXPECT_EQ(f("renew", {"w", "1", "1000", "1000"}).at(0), "gone");
}

TEST_F(galleries, a_newer_connection_protects_against_worker_lost) {
    accept(1);
    enlist("w");
    lease("w");
    f("renew", {"w", "2", "1000", "1000", id_of(1), "1"});
    EXPECT_THAT(f("worker_lost", {"w", "1"}), ElementsAre("stale", "2"));
    EXPECT_EQ(f.state(id_of(1)), "running");
    EXPECT_THAT(f("worker_lost", {"w", "2"}), ElementsAre("ok", "1", "0", "0"));
    EXPECT_EQ(f.stat("workers"), 0u);
}

TEST_F(galleries, bye_returns_jobs_uncounted) {
    accept(1);
    enlist("w");
    lease("w");
    EXPECT_THAT(f("bye", {"w"}), ElementsAre("ok", "1"));
    EXPECT_EQ(f.field(id_of(1), "solo"), "0");
    EXPECT_EQ(f.state(id_of(1)), "pending");
}

TEST_F(galleries, a_photo_that_a_person_was_taught_before_adds_nothing) {
    enlist("w");
    const auto face = [](int n, int i, const std::string& photo) {
        return words{id_of(n) + "-" + std::to_string(i),
                     R"({"job_id":"j","photo":")" + photo + "\"}", vector_of('v')};
    };
    const auto teach_photos = [&](int n, const std::string& label, const words& photos) {
        train(n, label);
        EXPECT_EQ(lease("w"), id_of(n));
        words all{id_of(n), "1", "w", "m", R"({"files":[)"}, faces;
        for (std::size_t i = 0; i < photos.size(); ++i) {
            const words one = face(n, static_cast<int>(i), photos[i]);
            all[4] += R"({"face_id":")" + one[0] + "\"}";
            faces.insert(faces.end(), one.begin(), one.end());
        }
        all[4] += "]}";
        all.insert(all.end(), faces.begin(), faces.end());
        return f("complete_train", all);
    };
    EXPECT_EQ(teach_photos(1, "Ann", {"aa", "bb", "aa"}), (words{"succeeded", "1000000001"}));
    EXPECT_THAT(people(), ElementsAre("Ann", "2")) << "twice in one request";
    EXPECT_EQ(teach_photos(2, "Ann", {"aa"}), (words{"succeeded", "1000000001"}));
    EXPECT_THAT(people(), ElementsAre("Ann", "2"));
    EXPECT_EQ(f.field(id_of(2), "faces"), "0");
    EXPECT_EQ(f.field(id_of(2), "result"),
              R"({"files":[{"face_id":")" + id_of(1) + R"(-0","taught_before":true}]})");
    // Another person may have the same photo; and what was removed may be taught again.
    EXPECT_EQ(teach_photos(3, "Bob", {"aa"}), (words{"succeeded", "1000000002"}));
    change(4, "forget_face", "Ann", id_of(1) + "-0");
    EXPECT_EQ(teach_photos(5, "Ann", {"cc", "aa"}), (words{"succeeded", "1000000004"}));
    EXPECT_THAT(people(), ElementsAre("Ann", "3", "Bob", "1"));
    change(6, "merge", "Bob", "Ann");
    EXPECT_EQ(teach_photos(7, "Ann", {"aa", "dd"}), (words{"succeeded", "1000000006"}));
    EXPECT_EQ(f.field(id_of(7), "faces"), "1");
    EXPECT_THAT(people(), ElementsAre("Ann", "5"));
}

TEST_F(galleries, a_log_that_was_cut_says_snapshot) {
    teach(1, "Ann");
    const std::string log = f.key("gallery:default:1:log");
    const std::string fill =
        "for i = 1, 100000 do redis.call('XADD', KEYS[1], '1-' .. (i + 1), 'op', 'add', 'face_id', "
        "'x', 'label', 'y') end";
    f.plain({"EVAL", fill, "1", log});
    teach(2, "Bob");
    EXPECT_EQ(f.plain({"XLEN", log}), words{"1"}) << "whole seqs only";
    EXPECT_EQ(f("delta", {"default", "1", "0"}).at(0), "snapshot");
    EXPECT_EQ(f("delta", {"default", "1", "1"}).at(3), "1");
}

}  // namespace
}  // namespace vultus::test
