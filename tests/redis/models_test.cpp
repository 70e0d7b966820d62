// Which models a service uses by default, which jobs a worker is given by the models that it has,
// and what becomes of jobs that no worker can run.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string dlib = "dlib_resnet_v1/mirror_unit", omz = "omz_0095/unit";

struct offered {
    std::string detectors = "hog,cnn,centerface";
    std::string embedders = dlib + "=128," + omz + "=256";
    std::string detector = "centerface", embedder = omz;
};

class models : public redis_test {
 protected:
    words join(const std::string& worker, const offered& has = {}) {
        return f("register", {worker, "1", "100000", "host", "1", "cpu", "b", "recognize,train",
                              "128", has.detectors, has.embedders, has.detector, has.embedder});
    }
    words join_with(const std::string& worker, const std::string& detectors,
                    const std::string& embedders = dlib + "=128," + omz + "=256") {
        return join(worker, {detectors, embedders, detectors.substr(0, detectors.find(',')),
                             embedders.substr(0, embedders.find('='))});
    }
    void look(int n, const std::string& detector = "", const std::string& priority = "interactive",
              const std::string& collection = "default") {
        accept_options options;
        options.priority = priority;
        options.collection = collection;
        options.options = detector.empty() ? "{}" : R"({"detector":")" + detector + R"("})";
        ASSERT_EQ(accept(n, options).at(0), "ok");
    }
    /// The numbers of the leased jobs; `passed` counts what the worker lacks the models for.
    std::vector<int> taken(const std::string& worker, int n, const std::string& prefer = "") {
        const words reply =
            f("lease", {worker, "1", "0", std::to_string(n), "100000", "", prefer, "64", "cnn"});
        EXPECT_EQ(reply.at(0), "ok");
        std::vector<int> found;
        for (std::size_t i = 0; i < std::stoul(reply.at(2)); ++i) {
            for (int job = 1; job <= 700; ++job) {
                if (reply.at(3 + 10 * i) == id_of(job)) found.push_back(job);
            }
        }
        passed = std::stoi(reply.back());
        return found;
    }
    /// As if the delay of every delayed job were over.
    void let_time_pass() {
        for (const std::string& id : f.plain({"ZRANGE", f.key("queue:delayed"), "0", "-1"})) {
            f.plain({"ZINCRBY", f.key("queue:delayed"), "-4000", id});
        }
    }
    std::string waits_for(int n) { return f.field(id_of(n), "waits_for"); }
    int passed = 0;
};

TEST_F(models, new_data_take_what_the_first_worker_proposes_and_keep_it) {
    f("open", {"1"});
    EXPECT_THAT(f("models"), ElementsAre("ok", "", "", "0"));
    look(1);  // before any worker: the data are no older for it
    const words first = join("w");
    EXPECT_THAT((words{first.begin() + 2, first.end()}), ElementsAre("centerface", omz, "1"));
    const words second = join("x", {"hog,yunet", dlib + "=128", "yunet", dlib});
    EXPECT_THAT((words{second.begin() + 2, second.end()}), ElementsAre("centerface", omz, "0"));
    EXPECT_THAT(f("models"), ElementsAre("ok", "centerface", omz, "256"));
    const words version = f("version", {"default"});
    EXPECT_THAT((words{version.end() - 4, version.end()}),
                ElementsAre("centerface", omz, "", "256"));
}

TEST_F(models, data_of_an_older_version_keep_hog_and_the_embedder_of_a_gallery) {
    enlist("w");
    train(1, "Ann");
    ASSERT_EQ(lease("w"), id_of(1));
    ASSERT_EQ(commit(1, "w", 1, 1, "dlib_resnet_v1/plain").at(0), "succeeded");
    join("x");
    EXPECT_THAT(f("models"), ElementsAre("ok", "hog", "dlib_resnet_v1/plain", "128"));
}

TEST_F(models, data_of_an_older_version_without_a_gallery_keep_the_kind_of_the_settings) {
    look(1);  // no schema: as if an older version had made it
    join("w", {"hog,centerface", "dlib_resnet_v1/unit=128," + dlib + "=128," + omz + "=256",
               "centerface", omz});
    EXPECT_THAT(f("models"), ElementsAre("ok", "hog", "dlib_resnet_v1/unit", "128"));
}

TEST_F(models, an_older_version_that_was_never_used_is_as_new) {
    join("w");
    EXPECT_THAT(f("models"), ElementsAre("ok", "centerface", omz, "256"));
}

TEST_F(models, a_worker_of_an_older_version_decides_nothing) {
    f("open", {"1"});
    EXPECT_THAT(enlist("old"), ElementsAre("ok", testing::_));
    EXPECT_THAT(f("models"), ElementsAre("ok", "", "", "0"));
    look(1);
    EXPECT_EQ(lease("old"), id_of(1)) << "as before";
    EXPECT_EQ(f.field(id_of(1), "detector"), "hog");
}

TEST_F(models, can_be_changed_and_the_audit_tells_it) {
    EXPECT_THAT(f("set_models", {"hog", "", "me"}), ElementsAre("undecided"));
    join("w");
    EXPECT_THAT(f("set_models", {"hog", "", "me"}), ElementsAre("ok", "hog", omz, "256"));
    EXPECT_THAT(f("set_models", {"", dlib, "me"}), ElementsAre("ok", "hog", dlib, "128"));
    EXPECT_THAT(f("set_models", {"yunet", "", "me"}), ElementsAre("unknown", "yunet"));
    EXPECT_THAT(f("set_models", {"", "my/unit", "me"}), ElementsAre("unknown", "my/unit"));
    EXPECT_THAT(f("models"), ElementsAre("ok", "hog", dlib, "128"));
    EXPECT_THAT(f("set_models", {"yunet", "my/unit", "me", "force"}),
                ElementsAre("ok", "yunet", "my/unit", "0"));
    EXPECT_THAT(f("set_models", {"a b", "", "me"}).at(0), StartsWith("ERROR"));
    const words last = f.plain({"XREVRANGE", f.key("audit"), "+", "-", "COUNT", "1"});
    EXPECT_THAT(last, AllOf(Contains("models"), Contains("yunet my/unit"), Contains("me")));
    EXPECT_EQ(f.plain({"XLEN", f.key("audit")}), words{"3"}) << "refused ones are no changes";
}

TEST_F(models, both_have_to_be_at_one_worker) {
    join_with("a", "hog,centerface", dlib + "=128");
    join_with("b", "hog,yunet", dlib + "=128," + omz + "=256");
    EXPECT_EQ(f("set_models", {"yunet", omz, "me"}).at(0), "ok");
    EXPECT_THAT(f("set_models", {"centerface", omz, "me"}), ElementsAre("unknown", omz));
}

TEST_F(models, damaged_ones_are_reported_and_decided_again) {
    join("w");
    f.plain({"HSET", f.key("defaults"), "embedder", "no name"});
    EXPECT_THAT(f.problems(), ElementsAre("defaults: the models are damaged"));
    look(1);
    EXPECT_THAT(taken("w", 1), ElementsAre(1));
    EXPECT_EQ(f.field(id_of(1), "detector"), "hog");
    join("x");
    EXPECT_THAT(f("models"), ElementsAre("ok", "hog", dlib, "128"));
    EXPECT_THAT(f.problems(), IsEmpty());
    EXPECT_EQ(f.stat("damaged"), 1u);

    f.plain({"DEL", f.key("defaults")});
    f.plain({"SET", f.key("defaults"), "text"});
    join("x");
    EXPECT_THAT(f("models"), ElementsAre("ok", "hog", dlib, "128"));
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("moved as damaged")));
    f.plain({"DEL", f.key("damaged:defaults")});
    f.plain({"HSET", f.key("worker:w"), "embedders", "x"});
    EXPECT_THAT(f.problems(), ElementsAre("worker w: its models are damaged"));
    f("bye", {"w"});
}

TEST_F(models, of_a_worker_are_checked_before_anything_is_written) {
    for (const offered& wrong :
         {offered{"", dlib + "=128", "hog", dlib}, offered{"hog,hog", dlib + "=128", "hog", dlib},
          offered{"h g", dlib + "=128", "h g", dlib}, offered{"hog", dlib, "hog", dlib},
          offered{"hog", dlib + "=129", "hog", dlib}, offered{"hog", dlib + "=128", "cnn", dlib},
          offered{"hog", dlib + "=128", "hog", omz}}) {
        EXPECT_THAT(join("w", wrong).at(0), StartsWith("ERROR"));
    }
    EXPECT_EQ(f.plain({"EXISTS", f.key("worker:w")}), words{"0"});
    std::string many = "d0", one_more;
    for (int i = 1; i < 64; ++i) many += ",d" + std::to_string(i);
    EXPECT_EQ(join("w", {many, dlib + "=128", "d0", dlib}).at(0), "ok");
    EXPECT_THAT(join("w", {many + ",d64", dlib + "=128", "d0", dlib}).at(0), StartsWith("ERROR"));
}

TEST_F(models, a_lease_resolves_and_stores_them) {
    f("open", {"1"});
    join("w");
    look(1);
    look(2, "hog");
    EXPECT_THAT(taken("w", 8), ElementsAre(1, 2));
    EXPECT_EQ(f.field(id_of(1), "detector"), "centerface");
    EXPECT_EQ(f.field(id_of(1), "embedder"), omz);
    EXPECT_EQ(f.field(id_of(2), "detector"), "hog");
    const words fetched = f("fetch", {id_of(1), "1", "w"});
    EXPECT_THAT(fetched, AllOf(Contains("centerface"), Contains(omz)));
    // Handed back, both are resolved again; a detector that the client chose is not.
    f("set_models", {"cnn", dlib, "me"});
    for (const int n : {2, 1}) fail(n, "w", "return");
    EXPECT_THAT(taken("w", 8), ElementsAre(1, 2));
    EXPECT_EQ(f.field(id_of(1), "detector"), "cnn");
    EXPECT_EQ(f.field(id_of(1), "embedder"), dlib);
    EXPECT_EQ(f.field(id_of(2), "detector"), "hog");
}

TEST_F(models, the_embedder_is_that_of_the_collection) {
    f("open", {"1"});
    join("w");
    train(1, "Ann");
    EXPECT_THAT(taken("w", 1), ElementsAre(1));
    ASSERT_EQ(commit(1, "w", 1, 1, dlib).at(0), "succeeded");
    look(2);
    look(3, "", "interactive", "other");
    EXPECT_THAT(taken("w", 8), ElementsAre(2, 3));
    EXPECT_EQ(f.field(id_of(2), "embedder"), dlib);
    EXPECT_EQ(f.field(id_of(3), "embedder"), omz);
    change(4, "clear");
    look(5);
    EXPECT_THAT(taken("w", 8), ElementsAre(5));
    EXPECT_EQ(f.field(id_of(5), "embedder"), omz);
}

TEST_F(models, a_train_for_another_model_than_the_gallerys_changes_nothing) {
    join("w");
    train(1, "Ann");
    train(2, "Bob");
    EXPECT_THAT(taken("w", 8), ElementsAre(1, 2));
    ASSERT_EQ(commit(1, "w", 1, 1, dlib).at(0), "succeeded");
    EXPECT_THAT(commit(2, "w", 1, 1, omz), ElementsAre("model_mismatch", dlib));
    EXPECT_EQ(fail(2, "w", "return").at(0), "pending");
    EXPECT_THAT(taken("w", 8), ElementsAre(2));
    EXPECT_EQ(f.field(id_of(2), "embedder"), dlib);
    EXPECT_EQ(f.field(id_of(2), "failures"), "0");
}

TEST_F(models, a_worker_is_given_what_it_has_with_and_without_a_preference) {
    join_with("full", "hog,cnn,centerface");
    join_with("lean", "hog,cnn");
    for (const std::string prefer : {"", "cpu", "gpu"}) {
        const int n = prefer.empty() ? 0 : prefer == "cpu" ? 10 : 20;
        look(n + 1, "centerface");
        look(n + 2, "hog");
        look(n + 3, "centerface");
        look(n + 4, "cnn");
        EXPECT_THAT(taken("lean", 8, prefer), testing::UnorderedElementsAre(n + 2, n + 4));
        EXPECT_EQ(passed, 2) << prefer;
        EXPECT_THAT(taken("full", 8, prefer), ElementsAre(n + 1, n + 3)) << prefer;
        EXPECT_EQ(passed, 0);
    }
}

TEST_F(models, a_worker_of_an_older_version_has_hog_cnn_and_dlibs_network) {
    join("w");
    f("set_models", {"hog", omz, "me"});
    f("register", {"old", "1", "100000", "host", "1", "cpu", "b", "recognize,train", "128"});
    look(1, "centerface");
    look(2, "cnn");
    EXPECT_THAT(taken("old", 8), IsEmpty()) << "the default embedder is none of dlib's";
    f("set_models", {"", dlib, "me"});
    EXPECT_THAT(taken("old", 8), ElementsAre(2));
    EXPECT_THAT(taken("w", 8), ElementsAre(1));
}

TEST_F(models, many_jobs_for_others_do_not_hide_the_one_behind_them) {
    join_with("full", "hog,centerface");
    join_with("lean", "hog");
    for (int n = 1; n <= 500; ++n) look(n, "centerface");
    look(501, "hog");
    for (const std::string prefer : {"", "cpu"}) {
        EXPECT_THAT(taken("lean", 1, prefer), ElementsAre(501)) << prefer;
        EXPECT_EQ(passed, 500);
        fail(501, "lean", "return", prefer.empty() ? 1 : 2);
        f.plain({"LREM", f.key("queue:pending:interactive"), "1", id_of(501)});
        f.plain({"LPUSH", f.key("queue:pending:interactive"), id_of(501)});
    }
    EXPECT_THAT(taken("full", 1), ElementsAre(1));
}

TEST_F(models, a_solo_job_for_others_stops_nobody) {
    join_with("full", "hog,centerface");
    join_with("lean", "hog");
    look(1, "centerface");
    look(2, "hog");
    f.plain({"HSET", f.key("job:" + id_of(1)), "solo", "1"});
    EXPECT_THAT(taken("lean", 8, "cpu"), ElementsAre(2));
    EXPECT_THAT(taken("full", 8, "cpu"), ElementsAre(1));
}

TEST_F(models, a_job_that_no_worker_can_run_waits_and_says_for_what) {
    join_with("w", "hog,centerface");
    look(1, "yunet");
    look(2, "hog");
    EXPECT_THAT(taken("w", 8), ElementsAre(2));
    EXPECT_EQ(f.state(id_of(1)), "delayed");
    EXPECT_EQ(waits_for(1), "yunet");
    EXPECT_EQ(f.stat("waiting_for_model"), 1u);
    EXPECT_EQ(f.stat("waiting_for:yunet"), 1u);
    EXPECT_EQ(f.stat("retried"), 0u);
    EXPECT_EQ(f.field(id_of(1), "failures"), "0");

    const auto events = f.events(id_of(1));
    let_time_pass();
    EXPECT_THAT(taken("w", 8), IsEmpty());
    EXPECT_EQ(f.state(id_of(1)), "delayed");
    EXPECT_EQ(f.events(id_of(1)), events) << "waiting on is no event";

    join_with("y", "hog,yunet");
    EXPECT_THAT(taken("y", 8), IsEmpty()) << "its time has not come";
    let_time_pass();
    EXPECT_THAT(taken("w", 8), IsEmpty()) << "another worker wakes it as well";
    EXPECT_THAT(taken("y", 8), ElementsAre(1));
    EXPECT_EQ(waits_for(1), "");
    EXPECT_EQ(f.stat("waiting_for_model"), 0u);
    EXPECT_THAT(f.events(id_of(1)), ElementsAre(">pending accept", "pending>delayed no_model",
                                                "delayed>pending due", "pending>running lease"));
}

TEST_F(models, those_that_waited_go_first_and_in_their_order) {
    join_with("w", "hog");
    for (const int n : {1, 2, 3}) look(n, "yunet");
    EXPECT_THAT(taken("w", 1), IsEmpty());
    look(4, "hog");
    join_with("y", "hog,yunet");
    let_time_pass();
    EXPECT_THAT(taken("y", 8), ElementsAre(1, 2, 3, 4));
}

TEST_F(models, an_embedder_that_no_worker_has_is_waited_for_too) {
    join_with("w", "hog", dlib + "=128");
    f("set_models", {"", "my/unit", "me", "force"});
    look(1, "hog");
    EXPECT_THAT(taken("w", 8, "cpu"), IsEmpty());
    EXPECT_EQ(waits_for(1), "my/unit");
    // What is missing changes: the worker with the one that was missing has another lack.
    join_with("v", "centerface", "my/unit=512");
    let_time_pass();
    EXPECT_THAT(taken("w", 8), IsEmpty());
    EXPECT_EQ(f.state(id_of(1)), "delayed");
    f("set_models", {"", dlib, "me"});
    let_time_pass();
    EXPECT_THAT(taken("w", 8), ElementsAre(1));
}

TEST_F(models, more_than_a_call_may_move_are_moved_by_the_next_ones) {
    join_with("w", "hog");
    for (int n = 1; n <= 250; ++n) look(n, "yunet");
    look(251, "hog");
    std::vector<int> found;
    for (int calls = 0; calls < 3; ++calls) {
        for (const int n : taken("w", 8)) found.push_back(n);
        EXPECT_EQ(f.stat("delayed"), std::min(250u, 100u * (calls + 1u)));
    }
    EXPECT_THAT(found, ElementsAre(251));
    EXPECT_EQ(f.stat("waiting_for:yunet"), 250u);
    let_time_pass();
    join_with("y", "hog,yunet");
    found.clear();
    for (int calls = 0; calls < 40 && found.size() < 250; ++calls) {
        for (const int n : taken("y", 16)) found.push_back(n);
    }
    EXPECT_EQ(found.size(), 250u);
    EXPECT_EQ(f.stat("waiting_for_model"), 0u);
}

TEST_F(models, one_that_waits_for_a_model_ends_as_any_other) {
    join_with("w", "hog");
    for (const int n : {1, 2, 3}) look(n, "yunet");
    EXPECT_THAT(taken("w", 8), IsEmpty());
    EXPECT_EQ(f("cancel", {id_of(1)}).at(0), "cancelled");
    EXPECT_EQ(f("bury", {id_of(2)}).at(0), "ok");
    EXPECT_EQ(f.stat("waiting_for:yunet"), 1u);
    f.plain({"HSET", f.key("job:" + id_of(3)), "deadline_ms", "1"});
    f.plain({"ZADD", f.key("queue:deadline"), "1", id_of(3)});
    f("gc", {"100", "1000000", "1000", "1000000", "1000000", "1000000", "1000000", "1000000"});
    EXPECT_EQ(f.state(id_of(3)), "failed");
    EXPECT_THAT(f.field(id_of(3), "error"), HasSubstr("no worker has yunet"));
    EXPECT_EQ(f.plain({"EXISTS", f.key("held:models")}), words{"0"});
    EXPECT_EQ(waits_for(3), "");
}

TEST_F(models, fsck_compares_what_waits) {
    join_with("w", "hog");
    look(1, "yunet");
    EXPECT_THAT(taken("w", 8), IsEmpty());
    EXPECT_THAT(f.problems(), IsEmpty());
    f.plain({"HINCRBY", f.key("held:models"), "yunet", "1"});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("models_held")));
    f.plain({"HDEL", f.key("held:models"), "yunet"});
    f.plain({"HSET", f.key("held:models"), "other", "1"});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("held:models counts for others")));
    f.plain({"HDEL", f.key("held:models"), "other"});
    f.plain({"HSET", f.key("held:models"), "yunet", "1"});
    look(2, "hog");
    f.plain({"HSET", f.key("job:" + id_of(2)), "waits_for", "yunet"});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("field waits_for is damaged")));
    f.plain({"HDEL", f.key("job:" + id_of(2)), "waits_for"});
}

TEST_F(models, a_calibrate_needs_none) {
    join_with("w", "hog", omz + "=256");
    f("set_models", {"yunet", "my/unit", "me", "force"});
    accept_options options;
    options.type = "calibrate";
    options.images = {};
    accept(1, options);
    EXPECT_THAT(taken("w", 8), ElementsAre(1));
    EXPECT_EQ(f.field(id_of(1), "embedder"), "");
}

}  // namespace
}  // namespace vultus::test
