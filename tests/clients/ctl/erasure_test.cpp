// The parts of `vultusctl erasure` without Redis: whether an element contains a name, and whether
// the append-only file was rewritten since a removal.
#include <gtest/gtest.h>

#include "clients/ctl/privacy/append_file.hpp"
#include "clients/ctl/privacy/trace_scan.hpp"
#include "shared/model/label.hpp"

using namespace vultus;
using namespace vultus::ctl;

TEST(label_finder, finds_a_name_and_not_a_longer_one) {
    const label_finder al("Al");
    EXPECT_TRUE(al.in("Al"));
    EXPECT_TRUE(al.in("Al\nface-0"));
    EXPECT_TRUE(al.in(R"({"faces":[{"label":"Al","k":1}]})"));
    for (const char* other : {"", "al", "Albert", "Albert\nface-0", R"({"label":"Albert"})", "A"}) {
        EXPECT_FALSE(al.in(other)) << other;
    }
    const label_finder quoted("a\"b\\c");
    EXPECT_TRUE(quoted.in(R"({"label":"a\"b\\c"})"));
    EXPECT_FALSE(quoted.in(R"({"label":"a"})"));
}

TEST(label_finder, takes_composed_and_decomposed_letters_for_the_same) {
    const std::string composed_e = "Zo\xC3\xAB", split_e = "Zoe\xCC\x88";
    for (const label_finder& zoe : {label_finder(composed_e), label_finder(split_e)}) {
        for (const std::string& name : {composed_e, split_e}) {
            EXPECT_TRUE(zoe.in(name));
            EXPECT_TRUE(zoe.in(name + "\nface-0"));
            EXPECT_TRUE(zoe.in("{\"label\":\"" + name + "\"}"));
        }
        for (const char* other : {"Zoe", "Zoe\xCC\x88x", "Zo\xC3\xAB ", "\xff\xfe"}) {
            EXPECT_FALSE(zoe.in(other)) << other;
        }
    }
    EXPECT_EQ(composed("\xff\xfe"), "\xff\xfe") << "no UTF-8";
}

TEST(person_finder, finds_one_of_two_people_with_one_name) {
    const person_finder second("hr/2", "Ann", false), first("j-1", "Ann", true);
    const std::string key = "Ann\x1fhr/2", quoted = R"({"label":"Ann\u001fhr/2","job_id":"j-9"})";
    for (const std::string& of_gallery : {key, key + "\nj-9-0", "ann\n" + key, quoted}) {
        EXPECT_TRUE(second.in("gallery:c:1:labels", "x", of_gallery)) << of_gallery;
        EXPECT_FALSE(first.in("gallery:c:1:labels", "x", of_gallery)) << of_gallery;
    }
    for (const std::string of_gallery :
         {"Ann", "Ann\nj-1-0", "ann\nAnn", R"({"label":"Ann","job_id":"j-1"})"}) {
        EXPECT_TRUE(first.in("gallery:c:1:labels", "x", of_gallery)) << of_gallery;
        EXPECT_FALSE(second.in("gallery:c:1:labels", "x", of_gallery)) << of_gallery;
    }
    EXPECT_FALSE(first.in("gallery:c:1:labels", "x", "Anna"));
    EXPECT_FALSE(second.in("gallery:c:1:labels", "x", "Ann\x1fhr/21"));
    EXPECT_FALSE(first.in("job:a", "label", "Ann")) << "whose it is, the field person_id says";
    EXPECT_TRUE(first.in("job:a", "label_to", "Ann"));
    EXPECT_TRUE(first.in("job:a", "person_id", "j-1"));
    EXPECT_FALSE(first.in("queue:all", "a member", "j-1")) << "the job that made the person";
    EXPECT_TRUE(second.in("job:a", "result", R"({"faces":[{"label":"Ann","person_id":"hr/2"}]})"));
    EXPECT_FALSE(first.in("job:a", "result", R"({"faces":[{"label":"Ann","person_id":"hr/2"}]})"));
    EXPECT_TRUE(first.in("gallery:c:1:people", "Ann", R"({"id":"j-1","fold":"ann"})"));
    EXPECT_TRUE(first.in("gallery:c:1:person_ids", "a member", "j-1"));
    EXPECT_FALSE(second.in("audit", "1-0", "hr/2"));
    const person_finder unnamed("j-1", "", true);
    EXPECT_FALSE(unnamed.in("gallery:c:1:labels", "x", "")) << "no name is not an empty one";
}

TEST(look_of, is_the_same_for_names_that_look_alike) {
    const std::string look = look_of("Zo\xC3\xAB");
    for (const char* alike : {"zo\xC3\xAB", "Zoe\xCC\x88", " Zo\xC3\xAB ", "Zo\xC3\xAB\xE2\x80\x8B",
                              "\xEF\xBC\xBAo\xC3\xAB", "Z o\xC3\xAB", "Zo\xC2\xAD\xC3\xAB"}) {
        EXPECT_EQ(look_of(alike), look) << alike;
    }
    EXPECT_NE(look_of("Zoe"), look);
    EXPECT_EQ(look_of("\xff"), "\xff");
}

namespace {

std::string info(const std::string& run_id, int rewrites, bool under_way, const char* status) {
    return "\nrun_id:" + run_id +
           "\r\naof_enabled:1\r\naof_rewrite_in_progress:" + (under_way ? "1" : "0") +
           "\r\naof_rewrite_scheduled:0\r\naof_last_bgrewrite_status:" + status +
           "\r\naof_rewrites:" + std::to_string(rewrites) + "\r\n";
}

}  // namespace

TEST(append_file, is_clean_when_a_rewrite_began_after_the_last_removal_and_ended) {
    const std::map<std::string, std::string> removed{
        {"run_id", "a"}, {"rewrites", "3"}, {"at_ms", "1000"}};
    const auto clean = [&](const std::string& text) {
        return read_append_file(text, removed).clean;
    };
    EXPECT_FALSE(clean(info("a", 3, false, "ok"))) << "none since";
    EXPECT_FALSE(clean(info("a", 3, true, "ok"))) << "that one began before";
    EXPECT_FALSE(clean(info("a", 4, true, "ok"))) << "not ended";
    EXPECT_FALSE(clean(info("a", 4, false, "err")));
    EXPECT_TRUE(clean(info("a", 4, false, "ok")));
    EXPECT_FALSE(clean(info("b", 0, false, "ok"))) << "restarted, and none since";
    EXPECT_TRUE(clean(info("b", 1, false, "ok")));
    EXPECT_EQ(read_append_file(info("a", 3, false, "ok"), removed).removed_at, unix_time(1'000));
    EXPECT_TRUE(read_append_file(info("a", 0, false, "ok"), {}).clean) << "nothing was removed";
}
