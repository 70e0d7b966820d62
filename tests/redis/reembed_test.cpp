// Another model for a gallery: staged beside the vectors that answer, in their place in one call,
// and whatever happens meanwhile applies to both.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class reembed : public redis_test {
 protected:
    static std::string face(int n) { return id_of(n) + "-0"; }
    static std::string other_vector(char filling) { return std::string(1024, filling); }

    /// A worker that has both models.
    void enlist_reader(const std::string& worker) {
        f("register", {worker, "1", "100000", "host", "1", "cpu", "b", "", "128", "hog",
                       "m=128,x=256", "hog", "m"});
    }

    /// A face of each label, with pictures, of the model m.
    void teach_all(const words& labels) {
        enlist_reader("teacher");
        for (const std::string& label : labels) {
            const int n = next_++;
            ASSERT_EQ(train(n, label).at(0), "ok");
            ASSERT_EQ(lease("teacher"), id_of(n));
            ASSERT_EQ(
                f("complete_train", {id_of(n), "1", "teacher", "m", "{}", face(n), "{\"job_id\":1}",
                                     vector_of('v'), "pictures", face(n), "jpeg of " + label})
                    .at(0),
                "succeeded");
        }
        f("bye", {"teacher"});
    }

    words submit(int n, const std::string& collection = "default") {
        accept_options options;
        options.type = "reembed";
        options.collection = collection;
        options.images = {};
        options.options = R"({"embedder":"x"})";
        return accept(n, options);
    }

    /// Accepted, leased and begun by `w`.
    void begin(int n) {
        enlist_reader("w");
        ASSERT_EQ(submit(n).at(0), "ok");
        ASSERT_EQ(lease("w"), id_of(n));
        const words begun = f("reembed_begin", {id_of(n), "1", "w", "x", "256"});
        ASSERT_EQ(begun.at(0), "ok");
        epoch_ = begun.at(1);
    }

    words stage(int n, const words& faces, int attempt = 1) {
        words all{id_of(n), std::to_string(attempt), "w", epoch_};
        for (const std::string& one : faces) all.insert(all.end(), {one, other_vector('x')});
        return f("reembed_stage", all);
    }
    words swap(int n, const words& left_out = {}) {
        words all{id_of(n), "1", "w", epoch_, result_};
        all.insert(all.end(), left_out.begin(), left_out.end());
        return f("reembed_swap", all);
    }
    words pictures(int n) { return f("reembed_pictures", {id_of(n), epoch_, "default", "0"}); }
    words staged() { return f.plain({"KEYS", f.key("gallery:*:staged")}); }

    int next_ = 1;
    std::string epoch_;
    std::string result_;  ///< of a worker before minor 10; empty: the function makes it
};

TEST_F(reembed, the_other_model_takes_the_place_of_the_first_in_one_call) {
    teach_all({"Ann", "Bob"});
    begin(10);
    EXPECT_THAT(pictures(10),
                UnorderedElementsAre("ok", "0", face(1), "jpeg of Ann", face(2), "jpeg of Bob"));
    EXPECT_THAT(stage(10, {face(1)}), ElementsAre("ok", "1", "2"));
    EXPECT_THAT(pictures(10), ElementsAre("ok", "0", face(2), "jpeg of Bob"));
    EXPECT_EQ(f.field(id_of(10), "staged"), "1");
    EXPECT_THAT(swap(10), ElementsAre("missing", "1"));
    const std::string before = version();
    EXPECT_EQ(f("version", {"default"}).at(5), "m") << "it answers as before";
    EXPECT_THAT(stage(10, {face(2), "gone-0"}), ElementsAre("ok", "2", "2"));
    EXPECT_EQ(swap(10).at(0), "succeeded");
    const words after = f("version", {"default"});
    EXPECT_GT(std::stoull(after.at(1)), std::stoull(before));
    EXPECT_EQ(after.at(2), after.at(1)) << "no older answer may be told";
    EXPECT_THAT(words(after.begin() + 3, after.begin() + 6), ElementsAre("2", "2", "x"));
    EXPECT_EQ(after.at(7), "256");
    const std::string epoch = std::to_string(std::stoull(after.at(1)) / 1'000'000'000);
    EXPECT_EQ(f.plain({"HGET", f.key("gallery:default:" + epoch + ":vectors"), face(2)}).at(0),
              other_vector('x'));
    EXPECT_THAT(f("picture", {"default", "Bob", face(2)}), ElementsAre("ok", "jpeg of Bob"));
    EXPECT_EQ(f("delta", {"default", epoch_, "1"}).at(0), "snapshot");
    EXPECT_EQ(f.field(id_of(10), "result"), R"({"embedding_model":"x","faces":2,"left_out":0})");
    EXPECT_THAT(staged(), IsEmpty());
}

TEST_F(reembed, its_workers_load_it_before_the_job_succeeds) {
    teach_all({"Ann"});
    enlist("holder");
    ASSERT_EQ(f("hello", {"holder", "default", version()}).at(0), "serve");
    begin(10);
    stage(10, {face(1)});
    EXPECT_EQ(swap(10).at(0), "publishing");
    EXPECT_EQ(f("hello", {"holder", "default", version()}).at(0), "serve");
    EXPECT_EQ(f.state(id_of(10)), "succeeded");
}

TEST_F(reembed, an_answer_of_the_old_model_is_refused) {
    teach_all({"Ann"});
    enlist_reader("looker");
    ASSERT_EQ(accept(5).at(0), "ok");
    ASSERT_EQ(lease("looker"), id_of(5));
    const std::string old = version();
    begin(10);
    stage(10, {face(1)});
    ASSERT_EQ(swap(10).at(0), "succeeded");
    EXPECT_EQ(complete(5, "looker", old).at(0), "old_version");
    ASSERT_EQ(train(6, "Cid").at(0), "ok");
    ASSERT_EQ(lease("looker"), id_of(6));
    EXPECT_THAT(commit(6, "looker"), ElementsAre("model_mismatch", "x"));
}

TEST_F(reembed, changes_meanwhile_apply_to_both) {
    teach_all({"Ann", "Bob", "Cid", "Dan"});
    begin(10);
    stage(10, {face(1), face(2), face(3), face(4)});
    change(20, "forget", "Ann");
    change(21, "rename", "Bob", "Eve");
    change(22, "merge", "Cid", "Dan");
    teach_all({"Fay"});
    EXPECT_THAT(swap(10), ElementsAre("missing", "1"));
    EXPECT_THAT(pictures(10), ElementsAre("ok", "0", face(5), "jpeg of Fay"));
    EXPECT_THAT(f("reembed_left", {id_of(10), epoch_, "default", "0"}),
                ElementsAre("ok", "0", face(5), "1"));
    stage(10, {face(5)});
    EXPECT_EQ(swap(10).at(0), "succeeded");
    EXPECT_EQ(people(), (words{"Dan", "2", "Eve", "1", "Fay", "1"}));
}

TEST_F(reembed, a_clear_and_a_delete_end_it) {
    int n = 10;
    for (const char* op : {"clear", "delete_collection"}) {
        teach_all({"Ann", "Bob"});
        begin(n);
        stage(n, {face(next_ - 1)});
        change(n + 20, op);
        EXPECT_THAT(staged(), IsEmpty());
        EXPECT_THAT(stage(n, {face(next_ - 1)}), ElementsAre("cleared"));
        EXPECT_THAT(swap(n), ElementsAre("cleared"));
        EXPECT_THAT(pictures(n), ElementsAre("cleared"));
        fail(n, "w", "permanent");
        ++n;
    }
}

TEST_F(reembed, a_job_that_ends_leaves_nothing_and_one_that_is_run_again_goes_on) {
    teach_all({"Ann", "Bob"});
    begin(10);
    stage(10, {face(1)});
    f("worker_lost", {"w", "1"});
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(10));
    EXPECT_THAT(f("reembed_begin", {id_of(10), "2", "w", "x", "256"}),
                ElementsAre("ok", epoch_, "2", "1"));
    EXPECT_EQ(stage(10, {face(2)}, 1).at(0), "stale") << "the attempt that was lost";
    EXPECT_EQ(f("reembed_begin", {id_of(10), "2", "w", "y", "512"}).back(), "0") << "another model";
    EXPECT_EQ(stage(10, {face(2)}, 2).at(0), "malformed") << "of 256 numbers";
    ASSERT_EQ(f("reembed_begin", {id_of(10), "2", "w", "x", "256"}).at(0), "ok");
    stage(10, {face(2)}, 2);
    f("cancel", {id_of(10)});
    EXPECT_THAT(stage(10, {face(1)}, 2), ElementsAre("cancelled"));
    EXPECT_THAT(staged(), IsEmpty());
    begin(11);
    stage(11, {face(1)});
    fail(11, "w", "permanent");
    EXPECT_THAT(staged(), IsEmpty());
    begin(12);
    stage(12, {face(1)});
    for (int attempt = 1; f.state(id_of(12)) == "running"; ++attempt) {
        fail(12, "w", "retry", attempt);
        lease("w");
    }
    EXPECT_EQ(f.state(id_of(12)), "dead");
    EXPECT_THAT(staged(), IsEmpty());
}

TEST_F(reembed, one_job_at_a_time) {
    teach_all({"Ann"});
    begin(10);
    ASSERT_EQ(submit(11).at(0), "ok");
    ASSERT_EQ(lease("w", 1), id_of(11));
    EXPECT_THAT(f("reembed_begin", {id_of(11), "1", "w", "y", "128"}),
                ElementsAre("busy", id_of(10)));
    fail(10, "w", "permanent");
    EXPECT_EQ(f("reembed_begin", {id_of(11), "1", "w", "y", "128"}).at(0), "ok");
    EXPECT_THAT(f("reembed_begin", {id_of(11), "1", "w", "m", "128"}), ElementsAre("same"));
    EXPECT_THAT(f("reembed_begin", {id_of(11), "1", "w", "m", "100"}).at(0), HasSubstr("ERROR"));
    change(12, "clear");
    EXPECT_THAT(f("reembed_begin", {id_of(11), "1", "w", "y", "128"}), ElementsAre("not_found"));
}

TEST_F(reembed, faces_without_a_picture_go_with_the_swap_if_they_are_named) {
    teach_all({"Ann"});
    teach(2, "Bob");  // without a picture
    teach(3, "Bob");
    begin(10);
    stage(10, {face(1)});
    EXPECT_THAT(f("reembed_left", {id_of(10), epoch_, "default", "0"}),
                UnorderedElementsAre("ok", "0", face(2), "0", face(3), "0"));
    const std::string before = version();
    EXPECT_THAT(swap(10, {face(2)}), ElementsAre("missing", "1"));
    EXPECT_THAT(swap(10, {face(2), face(2), face(1), "x"}), ElementsAre("missing", "1"));
    EXPECT_EQ(version(), before) << "nothing changed";
    EXPECT_EQ(swap(10, {face(2), face(3)}).at(0), "succeeded");
    EXPECT_EQ(people(), (words{"Ann", "1"}));
    EXPECT_EQ(f.field(id_of(10), "left_out"), "2");
}

TEST_F(reembed, back_to_a_model_of_128_numbers_and_with_a_retention) {
    teach_all({"Ann"});
    f("set_retention", {"default", "86400000", "ctl"});
    f("unseen", {"10"});
    begin(10);
    stage(10, {face(1)});
    ASSERT_EQ(swap(10).at(0), "succeeded");
    EXPECT_THAT(f.problems(), IsEmpty());
    ASSERT_EQ(submit(11).at(0), "ok");
    ASSERT_EQ(lease("w"), id_of(11));
    epoch_ = f("reembed_begin", {id_of(11), "1", "w", "m", "128"}).at(1);
    ASSERT_EQ(f("reembed_stage", {id_of(11), "1", "w", epoch_, face(1), vector_of('w')}).at(0),
              "ok");
    ASSERT_EQ(swap(11).at(0), "succeeded");
    EXPECT_EQ(f("version", {"default"}).at(7), "128");
}

TEST_F(reembed, fsck_finds_what_an_ended_job_left) {
    teach_all({"Ann"});
    f.plain({"HSET", f.key("gallery:default:1:staged"), face(1), other_vector('x')});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("staged holds 1")));
    f.plain({"HSET", f.key("gallery:default"), "staging_job", id_of(77)});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("staging_job has ended")));
    f.plain({"HDEL", f.key("gallery:default"), "staging_job"});
    f.plain({"DEL", f.key("gallery:default:1:staged")});
}

TEST_F(reembed, goes_to_a_worker_that_has_the_model) {
    teach_all({"Ann"});
    ASSERT_EQ(submit(10).at(0), "ok");
    const auto join = [&](const std::string& worker, const std::string& embedders) {
        f("register", {worker, "1", "100000", "host", "1", "cpu", "b", "", "128", "hog", embedders,
                       "hog", embedders.substr(0, embedders.find('='))});
    };
    join("lean", "m=128");
    EXPECT_EQ(lease("lean"), "");
    EXPECT_EQ(f.field(id_of(10), "waits_for"), "x") << "nobody has it";
    join("rich", "m=128,x=256");
    f.plain({"ZINCRBY", f.key("queue:delayed"), "-4000", id_of(10)});
    EXPECT_EQ(lease("lean"), "");
    EXPECT_EQ(lease("rich"), id_of(10));
    EXPECT_EQ(f.field(id_of(10), "embedder"), "x");
}

}  // namespace
}  // namespace vultus::test
