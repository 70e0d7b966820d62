// The audit log: operations on jobs, exports and restores are logged in the same call.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class audit_log : public redis_test {
 protected:
    static std::string hash(char filling) { return std::string(64, filling); }
    /// "who|from|what|collection|the first of label|about" of each entry.
    words entries() {
        words lines;
        const words all = f.plain({"XRANGE", f.key("audit"), "-", "+"});
        for (std::size_t i = 0; i + 12 < all.size(); i += 13) {
            lines.push_back(all[i + 2] + "|" + all[i + 4] + "|" + all[i + 6] + "|" + all[i + 8] +
                            "|" + all[i + 10].substr(0, 2) + "|" + all[i + 12]);
        }
        return lines;
    }
    void forget_entries() { f.plain({"DEL", f.key("audit")}); }
    void accept_train(int n) {
        accept_options wanted;
        wanted.type = "train";
        wanted.label = "Ada";
        auto given = accept_words(id_of(n), wanted);
        given[6] = "anonymous ::1 " + hash('a');
        ASSERT_EQ(f("accept", given).at(0), "ok");
    }
    static words face(const std::string& id, const std::string& label) {
        return {id, label, R"({"label":")" + label + R"(","job_id":"x"})", vector_of('v')};
    }
};

TEST_F(audit_log, a_cancel_is_in_it_once) {
    accept_train(1);
    accept(2);
    forget_entries();
    f("cancel", {id_of(1), "user:ada 10.0.0.7"});
    f("cancel", {id_of(1), "user:ada 10.0.0.7"});
    enlist("w");
    ASSERT_EQ(lease("w"), id_of(2));
    EXPECT_THAT(f("cancel", {id_of(2), "anonymous"}).at(0), "requested");
    EXPECT_THAT(f("cancel", {id_of(2), "anonymous"}).at(0), "requested");
    EXPECT_THAT(entries(), ElementsAre("user:ada|10.0.0.7|cancel|default|aa|" + id_of(1),
                                       "anonymous||cancel|default||" + id_of(2)));
}

TEST_F(audit_log, what_the_operator_does_to_a_job) {
    accept_train(1);
    forget_entries();
    const std::string by = "vultusctl:root@host";
    EXPECT_EQ(f("kick", {id_of(1), by}).at(0), "wrong_state");
    EXPECT_EQ(f("delete", {id_of(1), by}).at(0), "wrong_state");
    EXPECT_THAT(entries(), IsEmpty());
    f("bury", {id_of(1), by});
    f("kick", {id_of(1), by});
    f("bury", {id_of(1), by});
    f("delete", {id_of(1), by});
    const auto entry = [&](const std::string& what) {
        return by + "||" + what + "|default|aa|" + id_of(1);
    };
    EXPECT_THAT(entries(),
                ElementsAre(entry("bury"), entry("kick"), entry("bury"), entry("delete")));
}

TEST_F(audit_log, faces_that_leave_and_come_back) {
    EXPECT_EQ(f("export", {"default", "ctl"}), words{"not_found"});
    words given{"default", "m"};
    for (const auto& one : {face("a-0", "Ada"), face("a-1", "Ada"), face("b-0", "Bob")}) {
        given.insert(given.end(), one.begin(), one.end());
    }
    given.insert(given.end(), {"by=ctl", "Ada", hash('a'), "Bob", hash('b')});
    EXPECT_EQ(f("restore", given).at(2), "3");
    EXPECT_EQ(f("restore", given).at(3), "3") << "what was there is no change";
    EXPECT_EQ(f("export", {"default", "ctl"}), words{"ok"});
    EXPECT_THAT(entries(), ElementsAre("ctl||restore|default|aa|", "ctl||restore|default|bb|",
                                       "ctl||export|default||"));
}

TEST_F(audit_log, a_hash_that_is_none_is_refused) {
    auto given = accept_words(id_of(1), {});
    given[6] = "anonymous ::1 Ada";
    EXPECT_THAT(f("accept", given).at(0), testing::StartsWith("ERROR"));
}

}  // namespace
}  // namespace vultus::test
