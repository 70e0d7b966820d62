// vultusctl on a real Redis: the program is run, its output and exit code are checked. Jobs are
// made with the job store's own calls, so the commands show what the services would write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "clients/ctl/transfer/export_file.hpp"
#include "shared/base/ids.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/clients/ctl/broker_support.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

namespace {

class live : public testing::Test {
 protected:
    void SetUp() override {
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(redis_->call(store_schema(store_).load_library()));
    }

    std::string accept(const std::string& collection = "default") {
        new_job job;
        job.id = new_job_id(unix_now(), 0);
        job.collection = collection;
        job.options = "{}";
        job.images = {"not a photo"};
        const std::string id = job.id;
        auto accepted =
            redis_->call(submission_store(store_).accept(std::move(job), 100, limits::mib));
        EXPECT_TRUE(accepted) << (accepted ? "" : accepted.error().detail);
        return id;
    }

    outcome ctl(std::vector<std::string> words) const {
        words.insert(words.begin(), {VULTUS_CTL, "--data", folder_.path()});
        return run_program(words);
    }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    store_context store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(live, faces_go_out_and_come_back) {
    const auto some = [&](const std::string& from, std::size_t count) {
        std::vector<exported_face> faces;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string label = from + " \\ " + std::to_string(i % 7);
            const std::string quoted = from + " \\\\ " + std::to_string(i % 7);
            faces.push_back({from + "-" + std::to_string(i), label,
                             "{\"label\":\"" + quoted + "\",\"job_id\":\"j\"}",
                             std::string(512, static_cast<char>(i % 100))});
        }
        return faces;
    };
    ASSERT_TRUE(redis_->call(gallery_admin(store_).restore("team", "net/plain", some("a", 700))));
    const std::string file = folder_.path() + "/team.export";
    const outcome saved = ctl({"export", file, "--collection", "team"});
    EXPECT_EQ(saved.code, 0) << saved.err;
    EXPECT_THAT(saved.out, HasSubstr("team: 700 faces"));
    EXPECT_THAT(ctl({"restore", file}).out, HasSubstr("team: 0 added, 700 known"));
    EXPECT_THAT(ctl({"restore", file, "--collection", "copy"}).out,
                HasSubstr("copy: 700 added, 0 known"));
    const std::string again = folder_.path() + "/copy.export";
    EXPECT_EQ(ctl({"export", again, "--collection", "copy"}).code, 0);
    EXPECT_THAT(ctl({"faces", "copy"}).out, HasSubstr("a \\ 6"));
    EXPECT_THAT(ctl({"fsck", "--quiet"}).out, HasSubstr("(none)"));

    ASSERT_TRUE(redis_->call(gallery_admin(store_).restore("other", "net/mirror", some("b", 1))));
    const outcome refused = ctl({"restore", file, "--collection", "other"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, HasSubstr("model_mismatch: collection was trained with"));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    const outcome cut = ctl({"restore", file, "--collection", "third"});
    EXPECT_EQ(cut.code, 1);
    EXPECT_THAT(cut.err, HasSubstr("corrupt"));
    EXPECT_EQ(redis_->call(gallery_reader(store_).gallery("third"))->faces, 0u)
        << "nothing half restored";
    EXPECT_EQ(ctl({"export", file, "--collection", "nobody"}).code, 1);
    EXPECT_EQ(ctl({"export"}).code, 2);
}

TEST_F(live, a_restore_that_breaks_off_says_how_far_it_came) {
    const std::string file = folder_.path() + "/many.export";
    {
        std::ofstream to(file, std::ios::binary);
        export_writer writer(to, {"team", "net/plain", 1});
        for (int i = 0; i < 1'100; ++i) {  // a person has at most 1,000 faces
            writer.add({"f-" + std::to_string(i), "Ada", R"({"label":"Ada","job_id":"j"})",
                        std::string(512, 'x')});
        }
        ASSERT_TRUE(writer.finish());
    }
    const outcome broken = ctl({"restore", file});
    EXPECT_EQ(broken.code, 1);
    EXPECT_THAT(broken.err, HasSubstr("label_full: Ada; 1000 faces were restored before, 0 "));
    EXPECT_THAT(ctl({"restore", file}).err, HasSubstr("0 faces were restored before, 1000 "));
    EXPECT_THAT(ctl({"fsck", "--quiet"}).out, HasSubstr("(none)"));
}

TEST_F(live, jobs_and_one_job) {
    const std::string id = accept();
    const outcome list = ctl({"jobs", "--state", "pending"});
    EXPECT_EQ(list.code, 0) << list.err;
    EXPECT_THAT(list.out, HasSubstr(id + "  recognize  pending  default"));
    EXPECT_THAT(ctl({"jobs", "--state", "failed"}).out, Not(HasSubstr(id)));
    EXPECT_THAT(ctl({"jobs", "--json"}).out, HasSubstr("{\"id\":\"" + id + "\""));
    const outcome one = ctl({"job", id});
    EXPECT_EQ(one.code, 0) << one.err;
    EXPECT_THAT(one.out, HasSubstr("state        pending\n"));
}

TEST_F(live, an_unknown_job_is_refused_with_a_reason) {
    const outcome one = ctl({"job", new_job_id(unix_now(), 0)});
    EXPECT_EQ(one.code, 1);
    EXPECT_EQ(one.out, "");
    EXPECT_THAT(one.err, HasSubstr("vultusctl: not_found"));
}

TEST_F(live, bury_kick_cancel_delete) {
    const std::string id = accept();
    EXPECT_EQ(ctl({"kick", id}).code, 1);  // not dead
    EXPECT_EQ(ctl({"bury", id}).code, 0);
    EXPECT_THAT(ctl({"job", id}).out, HasSubstr("state        dead\n"));
    EXPECT_EQ(ctl({"kick", id}).code, 0);
    EXPECT_THAT(ctl({"job", id}).out, HasSubstr("state        pending\n"));
    EXPECT_EQ(ctl({"delete", id}).code, 1);  // not finished
    const outcome cancelled = ctl({"cancel", id});
    EXPECT_EQ(cancelled.out, id + ": cancelled\n");
    const outcome again = ctl({"cancel", id});
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("already_terminal"));
    const outcome gone = ctl({"delete", id});
    EXPECT_EQ(gone.code, 0) << gone.err;
    EXPECT_EQ(ctl({"job", id}).code, 1);
}

TEST_F(live, fsck_finds_what_was_broken_by_hand) {
    const std::string id = accept();
    const outcome good = ctl({"fsck", "--quiet"});
    EXPECT_EQ(good.code, 0) << good.out << good.err;
    ASSERT_TRUE(redis_->call({"DEL", store_.prefix() + "queue:pending:interactive"}));
    const outcome bad = ctl({"fsck", "--json"});
    EXPECT_EQ(bad.code, 1) << bad.err;
    EXPECT_THAT(bad.out, HasSubstr(id));
}

TEST_F(live, tail_shows_each_step_once) {
    const std::string id = accept();
    ASSERT_EQ(ctl({"cancel", id}).code, 0);
    const outcome seen = ctl({"tail", "--from", "0-0", "--count", "2"});
    EXPECT_EQ(seen.code, 0) << seen.err;
    EXPECT_THAT(seen.out, HasSubstr(id + "  (none) -> pending"));
    EXPECT_THAT(seen.out, HasSubstr(id + "  pending -> cancelled"));
}

TEST_F(live, status_from_redis_then_from_the_broker) {
    registration worker;
    worker.worker_id = new_worker_id("host", 7, "cpu");
    worker.connection = worker.worker_id + ".1";
    worker.host = "host";
    worker.device = "cpu";
    worker.types = {"recognize"};
    ASSERT_TRUE(redis_->call(worker_store(store_).register_worker(worker)));
    accept();
    const outcome without = ctl({"status", "--json"});
    EXPECT_EQ(without.code, 0) << without.err;
    EXPECT_THAT(without.out, HasSubstr("\"pending_interactive\":1"));
    EXPECT_THAT(without.out, HasSubstr("\"workers_from\":\"redis\""));
    EXPECT_THAT(without.out,
                HasSubstr("\"worker_id\":\"" + worker.worker_id + "\",\"host\":\"host\""));
    EXPECT_THAT(without.out, HasSubstr("\"lapsed\":false"));
    const fake_broker broker(folder_.path());
    EXPECT_THAT(ctl({"status"}).out, HasSubstr("host-1-cpu-0a0b0c0d  cpu     ready   0/4"));
}

TEST_F(live, drain) {
    EXPECT_THAT(ctl({"drain", "host-1-cpu-0a0b0c0d"}).err, HasSubstr("does not reply"));
    fake_broker broker(folder_.path());
    EXPECT_THAT(ctl({"drain", "host-9-cpu-00000000"}).err, HasSubstr("no_worker"));
    const outcome done = ctl({"drain", "host-1-cpu-0a0b0c0d"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, "host-1-cpu-0a0b0c0d: draining\n");
}

TEST_F(live, what_explain_prints_works_in_a_shell_and_shows_the_same) {
    const std::string id = accept();
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{"status"}, "1"},
        {{"jobs"}, id},
        {{"jobs", "--state", "pending"}, id},
        {{"job", id}, "pending"},
        {{"faces"}, "0"},
        {{"fsck"}, "more"},
        {{"tail", "--from", "0-0"}, id},
        {{"cancel", id}, "cancelled"}};
    for (const auto& [words, shown] : cases) {
        auto asked = words;
        asked.push_back("--explain");
        const outcome lines = ctl(asked);
        ASSERT_EQ(lines.code, 0) << lines.err;
        EXPECT_THAT(lines.out, HasSubstr("redis-cli -s " + folder_.path() + "/run/redis.sock "));
        const std::string script = folder_.path() + "/script";
        std::ofstream(script) << lines.out;
        const outcome ran = run_program({"/bin/sh", "-eu", script});
        EXPECT_EQ(ran.code, 0) << lines.out << ran.err;
        EXPECT_THAT(ran.out, HasSubstr(shown)) << lines.out;
        EXPECT_THAT(ran.out, Not(HasSubstr("ERR"))) << lines.out;
    }
    EXPECT_THAT(ctl({"job", id}).out, HasSubstr("cancelled"));  // the last line above did it
}

TEST_F(live, explain_of_a_change_changes_nothing) {
    const std::string id = accept();
    ASSERT_EQ(ctl({"cancel", id, "--explain"}).code, 0);
    EXPECT_THAT(ctl({"job", id}).out, HasSubstr("state        pending\n"));
}

TEST(usage, wrong_words_give_2_and_say_so_on_stderr) {
    const std::vector<std::vector<std::string>> wrong{{},
                                                      {"jump"},
                                                      {"job"},
                                                      {"job", "17"},
                                                      {"jobs", "--state", "asleep"},
                                                      {"faces", "a:b"},
                                                      {"jobs", "--count", "many"},
                                                      {"status", "--redis", "nowhere"},
                                                      {"status", "--loud"}};
    for (auto words : wrong) {
        words.insert(words.begin(), VULTUS_CTL);
        const outcome ran = run_program(words);
        EXPECT_EQ(ran.code, 2) << words.back();
        EXPECT_NE(ran.err, "") << words.back();
    }
    EXPECT_EQ(run_program({VULTUS_CTL, "--help"}).code, 0);
}

TEST(usage, no_redis_gives_1) {
    const data_folder folder;
    const outcome ran = run_program({VULTUS_CTL, "--data", folder.path(), "jobs"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("store_unavailable"));
    EXPECT_THAT(ran.err, HasSubstr("no socket " + folder.path() + "/run/redis.sock"));
}

TEST(usage, a_data_folder_that_is_not_there_gives_2_and_its_name) {
    const data_folder folder;
    for (const std::string words : {"jobs", "status", "tail", "export"}) {
        const std::string wrong = folder.path() + "/wrong";
        std::vector<std::string> line{VULTUS_CTL, "--data", wrong, words};
        if (words == "export") line.push_back(folder.path() + "/file");
        const outcome ran = run_program(line);
        EXPECT_EQ(ran.code, 2) << words;
        EXPECT_THAT(ran.err, HasSubstr("no folder " + wrong)) << words;
        EXPECT_EQ(ran.err.find("Redis unavailable"), std::string::npos) << ran.err;
    }
}

TEST(usage, an_address_where_nobody_listens_is_named) {
    const outcome there = run_program({VULTUS_CTL, "--redis", "127.0.0.1:1", "status"});
    EXPECT_EQ(there.code, 1);
    EXPECT_THAT(there.err, HasSubstr("127.0.0.1:1"));
    const outcome path = run_program({VULTUS_CTL, "--redis", "unix:/nowhere/redis.sock", "status"});
    EXPECT_EQ(path.code, 1);
    EXPECT_THAT(path.err, HasSubstr("no socket /nowhere/redis.sock"));
}

TEST_F(live, the_password_that_run_leaves_in_the_data_folder) {
    ASSERT_TRUE(redis_->call({"CONFIG", "SET", "requirepass", "secret"}));
    EXPECT_EQ(ctl({"jobs"}).code, 1);
    const std::string file = folder_.path() + "/run/redis.password";
    std::ofstream(file) << "secret";
    chmod(file.c_str(), 0644);
    EXPECT_THAT(ctl({"jobs"}).err, HasSubstr("is readable by others"));
    chmod(file.c_str(), 0600);
    EXPECT_EQ(ctl({"jobs"}).code, 0);
    const std::string script = folder_.path() + "/script";
    std::ofstream(script) << ctl({"jobs", "--explain"}).out;
    const outcome ran = run_program({"/bin/sh", "-eu", script});
    EXPECT_THAT(ran.out, Not(HasSubstr("NOAUTH")));
    EXPECT_EQ(ran.code, 0) << ran.err;
}

TEST_F(live, names_of_another_form_are_listed_and_mended) {
    const auto put = [&](const std::string& id, const std::string& label) {
        ASSERT_TRUE(redis_->call(gallery_admin(store_).restore(
            "team", "net/plain",
            {{id, label, "{\"label\":\"" + label + "\",\"job_id\":\"j\"}",
              std::string(512, '\0')}})));
    };
    put("a-0", "Zo\u00EB");
    put("a-1", "Zoe\u0308");
    put("a-2", "Ada ");
    put("a-3", "\u200B");
    const outcome listed = ctl({"names"});
    EXPECT_EQ(listed.code, 1);
    EXPECT_THAT(listed.out, HasSubstr("Zoe%CC%88"));
    EXPECT_THAT(listed.out, HasSubstr("merge"));
    EXPECT_THAT(listed.out, HasSubstr("Ada%20"));
    EXPECT_THAT(listed.out, HasSubstr("rename"));
    const outcome checked = ctl({"fsck"});
    EXPECT_EQ(checked.code, 1);
    EXPECT_THAT(checked.out, HasSubstr("vultusctl names --fix"));

    // An export of that time comes back under names of today.
    const std::string file = folder_.path() + "/old.export";
    ASSERT_EQ(ctl({"export", file, "--collection", "team"}).code, 0);
    const outcome back = ctl({"restore", file, "--collection", "copy"});
    EXPECT_EQ(back.code, 0) << back.err;
    const auto copied = redis_->call(gallery_reader(store_).labels("copy", 10, ""));
    ASSERT_TRUE(copied);
    ASSERT_EQ(copied->labels.size(), 3u);
    EXPECT_EQ(copied->labels[0].label, "Ada");
    EXPECT_EQ(copied->labels[1].label, "Zo\u00EB");
    EXPECT_EQ(copied->labels[1].faces, 2u);

    const outcome fixed = ctl({"names", "--fix", "--json"});
    EXPECT_EQ(fixed.code, 1) << "one has nothing to see";
    EXPECT_THAT(fixed.out, HasSubstr("\"then\":\"merged\""));
    EXPECT_THAT(fixed.out, HasSubstr("\"then\":\"renamed\""));
    const outcome left = ctl({"names"});
    EXPECT_THAT(left.out, Not(HasSubstr("Zoe")));
    EXPECT_THAT(left.out, HasSubstr("%E2%80%8B"));
    const auto people = redis_->call(gallery_reader(store_).labels("team", 10, ""));
    ASSERT_TRUE(people);
    ASSERT_EQ(people->labels.size(), 3u);
    EXPECT_EQ(people->labels[0].label, "Ada");
    EXPECT_EQ(people->labels[1].label, "Zo\u00EB");
    EXPECT_EQ(people->labels[1].faces, 2u);
}
