// The pages of vultusctl: each continues where the last one ended, by a token that the program
// accepts, and only the last page can be empty.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "shared/base/ids.hpp"
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

class paging : public testing::Test {
 protected:
    void SetUp() override {
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(redis_->call(store_schema(store_).load_library()));
    }

    std::string accept() {
        new_job job;
        job.id = new_job_id(unix_now(), 0);
        job.collection = "default";
        job.options = "{}";
        job.images = {"x"};
        const std::string id = job.id;
        auto accepted =
            redis_->call(submission_store(store_).accept(std::move(job), 10'000, limits::mib));
        EXPECT_TRUE(accepted) << (accepted ? "" : accepted.error().detail);
        return id;
    }

    outcome ctl(std::vector<std::string> words) const {
        words.insert(words.begin(), {VULTUS_CTL, "--data", folder_.path()});
        return run_program(words);
    }

    /// The words that a page says the next one is had with.
    static std::vector<std::string> hint_in(const std::string& text) {
        std::vector<std::string> words;
        const auto at = text.find("next: ");
        if (at == std::string::npos) return words;
        std::istringstream rest(text.substr(at + 6));
        for (std::string word; rest >> word;) words.push_back(word);
        return words;
    }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    store_context store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(paging, the_hint_is_what_the_program_takes) {
    const std::string older = accept();
    const std::string newer = accept();
    std::vector<std::string> words{"jobs", "--count", "1"};
    const outcome first = ctl(words);
    ASSERT_EQ(first.code, 0) << first.err;
    EXPECT_THAT(first.out, HasSubstr(newer));
    const auto hint = hint_in(first.out);
    ASSERT_EQ(hint.size(), 2u) << first.out;
    words.insert(words.end(), hint.begin(), hint.end());
    const outcome second = ctl(words);
    ASSERT_EQ(second.code, 0) << second.err;
    EXPECT_THAT(second.out, HasSubstr(older));
    EXPECT_THAT(second.out, Not(HasSubstr(newer)));
}

TEST_F(paging, a_job_behind_a_thousand_others_is_found) {
    const std::string dead = accept();
    ASSERT_TRUE(redis_->call(operator_store(store_).bury(dead)));
    for (int i = 0; i < 1'200; ++i) accept();
    const outcome ran = ctl({"jobs", "--state", "dead"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr(dead)) << "the newest 1,000 jobs hold none";
    EXPECT_THAT(ran.out, Not(HasSubstr("next:")));
    const outcome none = ctl({"jobs", "--state", "failed"});
    EXPECT_THAT(none.out, Not(HasSubstr("next:"))) << "there is none, and no page of it either";
}

TEST_F(paging, what_is_no_token_is_refused) {
    for (const char* wrong : {"17 x", "Ada!", "1764496800000"}) {
        const outcome ran = ctl({"jobs", "--page", wrong});
        EXPECT_EQ(ran.code, 2) << wrong;
        EXPECT_THAT(ran.err, HasSubstr("--page")) << wrong;
    }
}
