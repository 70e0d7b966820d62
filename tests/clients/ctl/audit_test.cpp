// `vultusctl audit --label`, and the entries that vultusctl itself writes to the audit log, on a
// real Redis.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "shared/base/ids.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/operator_store.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/submission_store.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

namespace {

class audit_command : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(redis_.call(store_schema(store_).load_library()));
        secret_ = make_secret_file(folder_.path() + "/access.secret").value();
    }
    std::string train(const std::string& label) {
        new_job job;
        job.id = new_job_id(unix_now(), 0);
        job.type = job_type::train;
        job.collection = "team";
        job.label = label;
        job.label_hash = hash_of_label(label, secret_);
        job.options = "{}";
        job.images = {"not a photo"};
        EXPECT_TRUE(redis_.call(submission_store(store_).accept(job, 100, limits::mib)));
        return job.id;
    }
    outcome ctl(std::vector<std::string> words) const {
        words.insert(words.begin(), {VULTUS_CTL, "--data", folder_.path()});
        return run_program(words);
    }
    std::vector<std::string> whats(std::vector<audit_entry> entries) const {
        std::vector<std::string> found;
        for (const auto& one : entries) found.push_back(one.who.substr(0, 10) + " " + one.what);
        return found;
    }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    redis_blocking redis_{server_.address()};
    store_context store_;
    std::string secret_;
};

}  // namespace

TEST_F(audit_command, finds_what_is_about_one_person_however_far_back) {
    const auto ada = train("Ada");
    for (int i = 0; i < 5; ++i) train("Bob");
    new_change merge;
    merge.id = new_job_id(unix_now(), 0);
    merge.type = job_type::merge;
    merge.collection = "team";
    merge.label = "Cyd";
    merge.to_label = "Ada";
    merge.label_hash = hash_of_label("Cyd", secret_);
    merge.label_to_hash = hash_of_label("Ada", secret_);
    ASSERT_TRUE(redis_.call(submission_store(store_).change(merge)));
    const auto told = ctl({"--json", "audit", "--label", "Ada"});
    EXPECT_EQ(told.code, 0) << told.err;
    EXPECT_THAT(told.out, HasSubstr(ada));
    EXPECT_THAT(told.out, HasSubstr("\"merge\""));
    EXPECT_THAT(told.out, Not(HasSubstr(hash_of_label("Bob", secret_))));
    EXPECT_THAT(told.out, Not(HasSubstr("Ada")));
    const auto first = ctl({"--json", "audit", "--label", "Ada", "--count", "1"});
    EXPECT_THAT(first.out, Not(HasSubstr(ada)));
    const auto at = first.out.find("next_page\":\"") + 12;
    const auto page = first.out.substr(at, first.out.find('"', at) - at);
    EXPECT_THAT(ctl({"--json", "audit", "--label", "Ada", "--page", page}).out, HasSubstr(ada));
    EXPECT_THAT(ctl({"audit", "--label", "Nobody"}).out, Not(HasSubstr("train")));
}

TEST_F(audit_command, another_secret_finds_nobody) {
    train("Ada");
    const auto other = folder_.path() + "/other.secret";
    ASSERT_TRUE(make_secret_file(other));
    EXPECT_THAT(ctl({"audit", "--label", "Ada", "--secret", other}).out, Not(HasSubstr("train")));
    const auto none = ctl({"audit", "--label", "Ada", "--secret", folder_.path() + "/none"});
    EXPECT_EQ(none.code, 1);
    EXPECT_THAT(none.err, HasSubstr("does not exist"));
}

TEST_F(audit_command, what_vultusctl_does_is_in_it_with_the_user_of_the_system) {
    const auto id = train("Ada");
    EXPECT_EQ(ctl({"bury", id}).code, 0);
    EXPECT_EQ(ctl({"kick", id}).code, 0);
    EXPECT_EQ(ctl({"cancel", id}).code, 0);
    EXPECT_EQ(ctl({"delete", id}).code, 0);
    std::vector<exported_face> faces{
        {"a-1", "Ada", R"({"label":"Ada","job_id":"j"})", std::string(512, '\0')}};
    ASSERT_TRUE(redis_.call(gallery_admin(store_).restore("team", "net/plain", std::move(faces))));
    const std::string file = folder_.path() + "/team.export";
    EXPECT_EQ(ctl({"export", file, "--collection", "team"}).code, 0);
    EXPECT_EQ(ctl({"restore", file, "--collection", "copy"}).code, 0);
    const auto entries = redis_.call(operator_store(store_).audit(100, ""));
    ASSERT_TRUE(entries);
    EXPECT_THAT(whats(*entries),
                testing::ElementsAre("vultusctl: restore", "vultusctl: export", " restore",
                                     "vultusctl: delete", "vultusctl: cancel", "vultusctl: kick",
                                     "vultusctl: bury", "anonymous train"));
    EXPECT_EQ(entries->front().label_hash, hash_of_label("Ada", secret_));
    EXPECT_EQ(entries->at(3).label_hash, hash_of_label("Ada", secret_));
}
