// The dimension of a gallery: what its first faces have, what is refused afterwards, who is given
// its jobs.
#include <gmock/gmock.h>

#include "shared/base/limits.hpp"
#include "shared/security/sealing.hpp"
#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string bytes(std::size_t count) {
    return std::string(count, 'v');
}

std::string sealed(std::size_t floats) {
    return "VS\xFF\xFF" + bytes(floats * 4 + sealing::extra_bytes - 4);
}

class dimensions : public redis_test {
 protected:
    words commit_of(int n, const std::string& model, const words& vectors) {
        words all{id_of(n), "1", "w", model, "{\"files\":[]}"};
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            all.push_back(id_of(n) + "-" + std::to_string(i));
            all.push_back("{\"job_id\":\"" + id_of(n) + "\"}");
            all.push_back(vectors[i]);
        }
        return f("complete_train", all);
    }
    /// One train, from accept to its commit.
    words train_with(int n, const std::string& model, const words& vectors) {
        enlist("w");
        f("register", {"w", "1", "100000", "host", "1", "cpu", "b", "train,recognize", "256", "hog",
                       "m=256", "hog", "m"});
        train(n, "Ann");
        EXPECT_EQ(lease("w"), id_of(n));
        words reply = commit_of(n, model, vectors);
        if (f.state(id_of(n)) == "running") fail(n, "w", "permanent");
        f("bye", {"w"});
        return reply;
    }
    words restored(const words& vectors, const std::string& model = "m") {
        words all{"default", model};
        for (std::size_t i = 0; i < vectors.size(); ++i) {
            all.insert(all.end(), {"r-" + std::to_string(++restored_), "Bob",
                                   "{\"label\":\"Bob\",\"job_id\":\"j\"}", vectors[i]});
        }
        return f("restore", all);
    }
    std::string stored_dimension() {
        const words reply = f.plain({"HGET", f.key("gallery:default"), "dimension"});
        return reply.empty() ? "" : reply[0];
    }
    std::string told_dimension() { return f("version", {"default"}).at(7); }
    int restored_ = 0;
};

TEST_F(dimensions, is_that_of_the_first_faces) {
    int n = 0;
    EXPECT_EQ(told_dimension(), "0") << "no gallery";
    for (const std::size_t floats : limits::embedding_dimensions) {
        EXPECT_EQ(train_with(++n, "m", {bytes(floats * 4), sealed(floats)}).at(0), "succeeded");
        const std::string text = std::to_string(floats);
        EXPECT_EQ(stored_dimension(), floats == 128 ? "" : text) << "absent means 128";
        EXPECT_EQ(told_dimension(), text);
        const words row = f("collections", {"", "10", "models", "dimensions"});
        EXPECT_THAT((words{row.end() - 2, row.end()}), ElementsAre("m", text));
        EXPECT_EQ(f("collections", {"", "10", "models"}).back(), "m") << "an older api";
        EXPECT_EQ(restored({bytes(floats * 4)}).at(0), "ok");
        EXPECT_EQ(restored({sealed(floats)}).at(0), "ok");
        EXPECT_EQ(f.problems(), words{});
        change(100 + n, "clear");
        EXPECT_EQ(told_dimension(), "0");
        EXPECT_EQ(stored_dimension(), "");
    }
}

TEST_F(dimensions, faces_of_another_one_are_refused_as_another_model) {
    int n = 0;
    for (const std::size_t floats : limits::embedding_dimensions) {
        ASSERT_EQ(train_with(++n, "m", {bytes(floats * 4)}).at(0), "succeeded");
        const std::string why = "m of " + std::to_string(floats) + " floats", then = version();
        for (const std::size_t other : limits::embedding_dimensions) {
            if (other == floats) continue;
            for (const std::string& vector : {bytes(other * 4), sealed(other)}) {
                EXPECT_THAT(train_with(++n, "m", {vector}), ElementsAre("model_mismatch", why));
                EXPECT_THAT(restored({vector}), ElementsAre("model_mismatch", why));
            }
            EXPECT_THAT(restored({bytes(other * 4)}, "x"), ElementsAre("model_mismatch", "m"));
        }
        EXPECT_EQ(version(), then);
        change(100 + n, "clear");
    }
}

TEST_F(dimensions, vectors_that_no_model_makes_are_malformed) {
    int n = 0;
    for (const std::size_t floats : limits::embedding_dimensions) {
        for (const std::size_t size : {floats * 4 - 1, floats * 4 + 1, floats * 4 + 44}) {
            EXPECT_THAT(train_with(++n, "m", {bytes(size)}), ElementsAre("malformed", "vector"));
            EXPECT_THAT(restored({bytes(size)}), ElementsAre("malformed", "vector"));
        }
        const std::string whole = sealed(floats);
        EXPECT_EQ(restored({whole.substr(1)}).at(0), "malformed");
        EXPECT_EQ(restored({whole + "x"}).at(0), "malformed");
        EXPECT_EQ(restored({whole, bytes(floats == 128 ? 1'024 : 512)}).at(0), "malformed");
    }
    EXPECT_EQ(restored({""}).at(0), "malformed");
    EXPECT_EQ(version(), "0");
}

TEST_F(dimensions, fsck_compares_each_vector) {
    ASSERT_EQ(restored({bytes(1'024)}).at(0), "ok");
    EXPECT_THAT(f.problems(), IsEmpty());
    const std::string vectors = f.key("gallery:default:1:vectors");
    for (const std::size_t size : {1'023u, 1'025u, 512u, 556u, 1'067u, 1'069u}) {
        f.plain({"HSET", vectors, "r-1", bytes(size)});
        EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("but its gallery 256 floats"))) << size;
    }
    f.plain({"HSET", vectors, "r-1", sealed(256)});
    EXPECT_THAT(f.problems(), IsEmpty());
    f.plain({"HSET", f.key("gallery:default"), "dimension", "300"});
    EXPECT_THAT(f.problems(), ElementsAre("gallery default: dimension is 300", HasSubstr("300")));
    f.plain({"HSET", f.key("gallery:default"), "dimension", "256"});
}

TEST_F(dimensions, a_worker_that_says_none_gets_jobs_of_128_floats_only) {
    ASSERT_EQ(restored({bytes(1'024)}).at(0), "ok");
    teach(1, "Ann", "small");
    accept_options large, small;
    small.collection = "small";
    accept(2, large);
    accept(3, small);
    accept(4, large);
    enlist("old");
    f("register", {"wide", "1", "100000", "host", "1", "cpu", "b", "recognize", "256"});
    EXPECT_EQ(lease("old"), id_of(3)) << "passed over, as a type that it does not do";
    EXPECT_EQ(lease("old"), "");
    f("register", {"new", "1", "100000", "host", "1", "cpu", "b", "recognize", "128"});
    EXPECT_EQ(lease("new"), "") << "nor one of another dimension";
    EXPECT_EQ(lease("wide"), id_of(2)) << "which refuses it for its model, if that is another";
    change(5, "clear");
    EXPECT_EQ(lease("old"), id_of(4)) << "the gallery has no dimension any more";
}

}  // namespace
}  // namespace vultus::test
