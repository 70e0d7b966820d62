// `vultusctl models add` and its companions, as far as they need no worker; the rest is in
// tests/e2e/workers/test_own_model.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/models/model_files.hpp"
#include "clients/ctl/models/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::IsEmpty;

TEST(model_files, the_words_of_a_line) {
    const auto lines = model_lines(
        "model=a/unit\tkind=embedder\twhy=x=y, z\tms=1.50\nnoise\n\nkind=detector\nmodel=b\t\n");
    ASSERT_EQ(lines.size(), 2u) << "a line without a model is none";
    EXPECT_EQ(word_of(lines[0], "model"), "a/unit");
    EXPECT_EQ(word_of(lines[0], "why"), "x=y, z");
    EXPECT_EQ(word_of(lines[0], "licence"), "");
    EXPECT_EQ(word_of(lines[1], "model"), "b");
    EXPECT_THAT(model_lines(""), IsEmpty());
}

TEST(model_files, a_program_runs_to_its_end) {
    const auto told = run_to_end({"/bin/sh", "-c", "echo a; echo b >&2; exit 3"}, true);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 3);
    EXPECT_EQ(told->out, "a\n");
    EXPECT_EQ(run_to_end({"/bin/sh", "-c", "kill -9 $$"}, true)->code, 128 + 9);
    EXPECT_EQ(run_to_end({"/bin/sh", "-c", "head -c 300000 /dev/zero"}, true)->out.size(), 300'000u)
        << "more than a pipe holds";
    EXPECT_EQ(run_to_end({"/nowhere/x"}, true).error().code, errc::not_found);
}

TEST(model_files, numbers_of_a_new_model) {
    arguments asked;
    asked.what = command::models_add;
    EXPECT_TRUE(check(asked));
    asked.model.mean = "127.5";
    asked.model.scale = "1e-2";
    EXPECT_TRUE(check(asked));
    for (const char* wrong : {"x", "1.5x", "nan", "inf", "1 ", "\" \n"}) {
        asked.model.mean = wrong;
        EXPECT_EQ(check(asked).error().code, errc::malformed) << wrong;
    }
}

TEST(model_files, a_change_of_the_model_names_an_embedder) {
    arguments asked;
    asked.what = command::collection_model;
    asked.subject = "team";
    asked.embedder = "omz_0095/unit";
    EXPECT_TRUE(check(asked));
    for (const char* wrong : {"", "omz_0095", "a/b/c", "/unit", "x/", "a b/unit"}) {
        asked.embedder = wrong;
        EXPECT_FALSE(check(asked)) << wrong;
    }
    asked.embedder = "omz_0095/unit";
    asked.subject = "a:b";
    EXPECT_EQ(check(asked).error().code, errc::bad_collection);
}

TEST(model_files, without_vultus_worker_nothing_is_added) {
    temporary_folder folder;
    arguments asked;
    asked.what = command::models_add;
    asked.file = "/etc/hostname";  // never looked at as a network
    asked.model.alignment = "arcface112";
    asked.model.folder = folder.path();
    asked.model.name = "own";
    const auto told = model_files(asked);  // if a worker lies beside this program, it refuses
    ASSERT_FALSE(told);
    EXPECT_THAT(told.error().detail, testing::Not(IsEmpty()));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing half written";
    asked.model.name = "hog";
    EXPECT_EQ(model_files(asked).error().code, errc::wrong_state);
    asked.model.name = "a b";
    EXPECT_EQ(model_files(asked).error().code, errc::malformed);
}
