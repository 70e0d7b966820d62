// What vultus-worker --check-models says of the models of a folder: a line each.
#include "workers/calibration/model_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "shared/base/ids.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/workers/calibration/tiny_onnx.hpp"

namespace vultus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using vultus::testing::tiny_onnx;

class model_check : public ::testing::Test {
 protected:
    std::string write(const std::string& name, const std::string& text) {
        const std::string path = folder.path() + "/" + name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    /// The manifest of an embedder "tiny".
    std::string manifest(const std::string& more = "") {
        return write("m.toml", "[embedder]\nname = \"tiny\"\nfile = \"tiny.onnx\"\n" + more);
    }
    int command(std::vector<std::string> words) {
        words.insert(words.begin(), "vultus-worker");
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        return model_check_command(static_cast<int>(arguments.size()), arguments.data())
            .value_or(-1);
    }
    temporary_folder folder;
};

TEST_F(model_check, an_own_model_is_imported_run_and_told) {
    write("tiny.onnx", tiny_onnx());
    const model_verdict told = check_own_model(manifest("licence = \"MIT\"\n"), false);
    EXPECT_EQ(told.state, model_state::runs) << told.why;
    EXPECT_EQ(told.name, "tiny/unit");
    EXPECT_EQ(told.dimension, 128u);
    EXPECT_EQ(told.layers, 2u);
    EXPECT_EQ(told.input, "112x112 RGB");
    EXPECT_FALSE(told.milliseconds);
    EXPECT_EQ(line_of(told),
              "model=tiny/unit\tkind=embedder\tstate=runs\tlayers=2\tinput=112x112 "
              "RGB\tdimension=128\tfile=" +
                  folder.path() + "/tiny.onnx\tlicence=MIT");
    const model_verdict timed = check_own_model(manifest(), true);
    ASSERT_TRUE(timed.milliseconds);
    EXPECT_GT(*timed.milliseconds, 0);
    EXPECT_THAT(line_of(timed), HasSubstr("\tms="));
}

TEST_F(model_check, what_is_wrong_is_one_line) {
    write("tiny.onnx", "text\nin lines");
    const model_verdict text = check_own_model(manifest(), false);
    EXPECT_EQ(text.state, model_state::refused);
    EXPECT_THAT(line_of(text), ::testing::AllOf(HasSubstr("state=refused\twhy="), HasSubstr("ONNX"),
                                                Not(HasSubstr("\n"))));
    EXPECT_THAT(check_own_model(manifest("order = \"hsv\"\n"), false).why, HasSubstr("order"));
    write("tiny.onnx", tiny_onnx(112, 100));
    EXPECT_THAT(check_own_model(manifest(), false).why, HasSubstr("100 numbers"));
    std::string whole = tiny_onnx();
    write("tiny.onnx", whole);
    EXPECT_THAT(check_own_model(manifest("sha256 = \"" + std::string(64, '0') + "\"\n"), false).why,
                HasSubstr("different SHA-256"));
    EXPECT_EQ(check_own_model(folder.path() + "/none.toml", false).state, model_state::refused);
    model_verdict odd;
    odd.name = "a\tb";
    odd.why = "two\nlines";
    odd.state = model_state::missing;
    EXPECT_EQ(line_of(odd), "model=a b\tstate=missing\twhy=two lines");
}

TEST_F(model_check, the_models_that_are_known_are_listed_whether_they_are_there_or_not) {
    const auto all = check_models(folder.path(), false);
    const auto of = [&](const std::string& name) {
        const auto found = std::ranges::find(all, name, &model_verdict::name);
        EXPECT_NE(found, all.end()) << name;
        return found == all.end() ? model_verdict{} : *found;
    };
    for (const char* name : {"centerface", "yunet", "omz_0095"}) {
        EXPECT_EQ(of(name).state, model_state::missing) << name;
        EXPECT_FALSE(of(name).required) << name;
        EXPECT_FALSE(of(name).licence.empty()) << name;
    }
    for (const char* name : {"cnn", "dlib_resnet_v1", "landmarks"}) {
        EXPECT_EQ(of(name).state, model_state::missing) << name;
        EXPECT_TRUE(of(name).required) << name;
    }
    EXPECT_EQ(of("hog").state, model_state::runs);
    EXPECT_THAT(of("centerface").why, HasSubstr("run config/fetch.py centerface"));
}

TEST_F(model_check, the_models_of_this_machine_run) {
    for (const model_verdict& one : check_models(VULTUS_SOURCE_DIR "/build/models", false)) {
        if (one.state == model_state::missing && !one.required) continue;
        EXPECT_EQ(one.state, model_state::runs) << one.name << ": " << one.why;
        EXPECT_EQ(one.dimension > 0, one.kind == "embedder") << one.name;
        if (!one.file.empty() && one.kind != "landmarks") {
            EXPECT_GT(one.layers, 10u) << one.name;
        }
    }
}

TEST_F(model_check, the_command_and_its_exit_codes) {
    EXPECT_EQ(command({}), -1) << "the worker goes on";
    EXPECT_EQ(command({"--config", "--check-models"}), -1);
    EXPECT_EQ(command({"--check-models"}), 2);
    EXPECT_EQ(command({"--check-model", "a", "b"}), 2);
    EXPECT_EQ(command({"--check-model", "a", "--timed", "c"}), 2);
    EXPECT_EQ(command({"--check-models", folder.path()}), 1) << "required ones are missing";
    write("tiny.onnx", tiny_onnx());
    EXPECT_EQ(command({"--check-model", manifest()}), 0);
    EXPECT_EQ(command({"--check-model", manifest(), "--timed"}), 0);
    write("tiny.onnx", "x");
    EXPECT_EQ(command({"--check-model", manifest()}), 1);
}

}  // namespace
}  // namespace vultus
