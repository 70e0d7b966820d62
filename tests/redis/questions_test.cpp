// detect, embed and verify in the queue, and vectors instead of photos: which workers are given
// them, and which results are fenced.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string omz = "omz_0095/unit", old_types = "recognize,train,calibrate,reembed";
const std::string new_types = old_types + ",detect,embed,verify,vectors";

class questions : public redis_test {
 protected:
    void join(const std::string& worker, const std::string& types) {
        ASSERT_EQ(f("register", {worker, "1", "100000", "host", "1", "cpu", "b", types, "128",
                                 "hog,centerface", "m=128," + omz + "=256", "centerface", omz})
                      .at(0),
                  "ok");
    }
    words ask(int n, const std::string& type, const std::string& collection = "",
              const std::string& options = "{}", const std::string& label = "") {
        accept_options given;
        given.type = type;
        given.collection = collection;
        given.options = options;
        given.label = label;
        if (type == "verify" && label.empty()) given.images = {"one", "two"};
        return accept(n, given);
    }
    /// The ids that this worker is given, at most four.
    words taken(const std::string& worker, const std::string& types, const std::string& prefer = "",
                int n = 4) {
        const words reply =
            f("lease", {worker, "1", "0", std::to_string(n), "100000", types, prefer, "64", "cnn"});
        words found;
        for (std::size_t i = 0; i < std::stoul(reply.at(2)); ++i) {
            found.push_back(reply.at(3 + 10 * i));
        }
        return found;
    }
    words complete_at(int n, const std::string& version, const std::string& result = "{}") {
        return f("complete_recognize", {id_of(n), "1", "new", version, result, ""});
    }
};

TEST_F(questions, need_no_collection_and_the_others_do) {
    int n = 0;
    for (const std::string type : {"detect", "embed", "verify"}) {
        EXPECT_EQ(ask(++n, type).at(0), "ok") << type;
        EXPECT_EQ(f.field(id_of(n), "collection"), "");
    }
    for (const std::string type : {"recognize", "train", "calibrate"}) {
        EXPECT_THAT(ask(9, type, "", "{}", "Ann").at(0), HasSubstr("ERROR")) << type;
    }
}

// An older worker reads a type that it does not know as a recognize.
TEST_F(questions, an_older_worker_gets_none_and_none_holds_up_its_work) {
    join("new", new_types);
    for (int n = 1; n <= 3; ++n) ask(n, n == 1 ? "detect" : n == 2 ? "embed" : "verify");
    ask(4, "recognize", "people", R"({"vectors":2})");
    ask(5, "recognize", "people");
    join("old", old_types);
    EXPECT_THAT(taken("old", old_types), ElementsAre(id_of(5)));
    ask(6, "recognize", "people");
    EXPECT_THAT(taken("old", old_types, "cpu", 1), ElementsAre(id_of(6)))
        << "nor with a preference, which reads the queue another way";
    EXPECT_THAT(taken("new", new_types), ElementsAre(id_of(1), id_of(2), id_of(3), id_of(4)));
}

TEST_F(questions, without_a_worker_that_knows_them_they_wait_and_say_for_what) {
    join("old", old_types);
    ask(1, "detect");
    ask(2, "train", "people", R"({"vectors":1,"model":"m"})", "Ann");
    EXPECT_THAT(taken("old", old_types), IsEmpty());
    EXPECT_EQ(f.field(id_of(1), "waits_for"), "detect");
    EXPECT_EQ(f.field(id_of(2), "waits_for"), "vectors");
    join("new", new_types);
    for (int n : {1, 2}) f.plain({"ZINCRBY", f.key("queue:delayed"), "-4000", id_of(n)});
    EXPECT_EQ(taken("new", new_types).size(), 2u);
}

TEST_F(questions, a_detect_needs_no_embedder_and_an_embed_the_one_that_is_asked_for) {
    join("new", new_types);
    ask(1, "detect", "", R"({"detector":"hog"})");
    ask(2, "embed", "", R"({"embedder":"m"})");
    ask(3, "embed");
    ask(4, "embed", "", R"({"embedder":"other/unit"})");
    EXPECT_THAT(taken("new", new_types), ElementsAre(id_of(1), id_of(2), id_of(3)));
    EXPECT_EQ(f.field(id_of(1), "detector"), "hog");
    EXPECT_EQ(f.field(id_of(1), "embedder"), "");
    EXPECT_EQ(f.field(id_of(2), "embedder"), "m");
    EXPECT_EQ(f.field(id_of(3), "embedder"), omz);
    EXPECT_EQ(f.field(id_of(4), "waits_for"), "other/unit");
}

// What was seen in two photos stays true, whoever is removed from a gallery.
TEST_F(questions, only_a_verify_of_a_person_is_fenced) {
    enlist("w");
    teach(1, "Ann");
    join("new", new_types);
    ask(2, "detect", "default");
    ask(3, "embed", "default");
    ask(4, "verify", "default");
    ask(5, "verify", "default", "{}", "Ann");
    ASSERT_EQ(taken("new", new_types).size(), 4u);
    const std::string before = version();
    teach(7, "Bob");
    ASSERT_EQ(change(6, "forget", "Bob").at(0), "ok");
    for (int n : {2, 3, 4}) EXPECT_EQ(complete_at(n, "0").at(0), "succeeded") << n;
    EXPECT_EQ(complete_at(5, before, R"({"same":true})").at(0), "old_version");
    EXPECT_EQ(complete_at(5, version(), R"({"same":false})").at(0), "succeeded");
}

TEST_F(questions, vectors_for_a_new_gallery_are_of_the_services_model) {
    join("new", new_types);
    ask(1, "train", "people", R"({"vectors":1,"model":"m"})", "Ann");
    ask(2, "train", "people", R"({"vectors":1,"model":"omz_0095/unit"})", "Ann");
    ASSERT_EQ(taken("new", new_types).size(), 2u);
    const auto commit_as = [&](int n, const std::string& model, int floats) {
        return f("complete_train",
                 {id_of(n), "1", "new", model, "{}", id_of(n) + "-0", R"({"photo":"ab"})",
                  std::string(static_cast<std::size_t>(floats) * 4, 'x')});
    };
    EXPECT_THAT(commit_as(1, "m", 128), ElementsAre("model_mismatch", omz));
    EXPECT_THAT(commit_as(2, omz, 128), ElementsAre("model_mismatch", omz + " of 256 floats"));
    EXPECT_EQ(people("people"), words{}) << "nothing was changed";
    EXPECT_EQ(commit_as(2, omz, 256).at(0), "succeeded");
    EXPECT_EQ(fail(1, "new", "permanent").at(0), "failed");
}

TEST_F(questions, who_a_verify_says_it_is_was_seen) {
    enlist("w");
    teach(1, "Ann");
    teach(2, "Bob");
    ASSERT_EQ(f("set_retention", {"default", "1000000", "me"}).at(0), "ok");
    const std::string seen = f.key("gallery:default:1:seen");
    f.plain({"ZADD", seen, "5", "Ann", "5", "Bob"});
    join("new", new_types);
    ask(3, "verify", "default", "{}", "Ann");
    ask(4, "verify", "default", "{}", "Bob");
    ASSERT_EQ(taken("new", new_types).size(), 2u);
    complete_at(3, version(), R"({"same":true})");
    complete_at(4, version(), R"({"same":false})");
    EXPECT_NE(f.plain({"ZSCORE", seen, "Ann"}), words{"5"});
    EXPECT_EQ(f.plain({"ZSCORE", seen, "Bob"}), words{"5"});
}

TEST_F(questions, a_verify_of_a_person_takes_a_key_and_its_answer_has_the_id) {
    enlist("w");
    teach(1, "Ann");
    join("new", new_types);
    ASSERT_EQ(ask(2, "verify", "default", "{}", "Ann").at(0), "ok");
    EXPECT_EQ(f.field(id_of(2), "person_id"), id_of(1));
    EXPECT_THAT(ask(3, "verify", "default", "{}", "Ann\x1f").at(0), HasSubstr("ERROR"));
    ASSERT_EQ(ask(4, "verify", "default", "{}", "Ann\x1fhr/2").at(0), "ok");
    EXPECT_EQ(f.field(id_of(4), "label"), "Ann\x1fhr/2");
    ASSERT_EQ(taken("new", new_types).size(), 2u);
    const std::string ann = R"({"same":true,"person":{"label":"Ann","person_id":)";
    complete_at(2, version(), ann + R"("@416e6e"}})");
    EXPECT_EQ(f.field(id_of(2), "result"), ann + "\"" + id_of(1) + "\"}}");
    complete_at(4, version(), ann + R"("@416e6e1f68722f32"}})");
    EXPECT_EQ(f.field(id_of(4), "result"), ann + "null}}") << "nobody has this key";
}

}  // namespace
}  // namespace vultus::test
