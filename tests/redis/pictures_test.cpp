// Pictures of faces: stored with a face by a train, removed in the same call as the face.
#include <gmock/gmock.h>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A text that nothing else in Redis holds.
const std::string marker = "\xFF\xD8picture-of-a-face";

class pictures : public redis_test {
 protected:
    static std::string face(int n, int i = 0) { return id_of(n) + "-" + std::to_string(i); }

    words arguments(int n, int faces) {
        words all{id_of(n), "1", "teacher", "m", "{\"files\":[]}"};
        for (int i = 0; i < faces; ++i) {
            all.insert(all.end(), {face(n, i), "{\"job_id\":1}", vector_of('v')});
        }
        return all;
    }

    /// A train of `faces` faces whose first ones have pictures.
    void teach_shown(int n, const std::string& label, int faces = 1, int shown = 1) {
        enlist("teacher");
        ASSERT_EQ(train(n, label).at(0), "ok");
        ASSERT_EQ(lease("teacher"), id_of(n));
        words all = arguments(n, faces);
        all.push_back("pictures");
        for (int i = 0; i < shown; ++i) all.insert(all.end(), {face(n, i), marker + face(n, i)});
        ASSERT_EQ(f("complete_train", all).at(0), "succeeded");
        f("bye", {"teacher"});
    }

    words picture(const std::string& label, const std::string& face_id) {
        return f("picture", {"default", label, face_id});
    }

    /// How often the marker stands in any key.
    std::size_t found() {
        std::size_t n = 0;
        for (const std::string& key : f.plain({"KEYS", "*"})) {
            const std::string type = f.plain({"TYPE", key}).at(0);
            const words all = type == "hash"     ? f.plain({"HGETALL", key})
                              : type == "string" ? f.plain({"GET", key})
                              : type == "stream" ? f.plain({"XRANGE", key, "-", "+"})
                              : type == "zset"   ? f.plain({"ZRANGE", key, "0", "-1"})
                              : type == "list"   ? f.plain({"LRANGE", key, "0", "-1"})
                                                 : f.plain({"SMEMBERS", key});
            for (const std::string& text : all) n += text.find(marker) != std::string::npos;
        }
        return n;
    }
};

TEST_F(pictures, stand_beside_their_face) {
    teach_shown(1, "Ann", 3, 2);
    EXPECT_EQ(found(), 2U);
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("ok", marker + face(1)));
    EXPECT_THAT(picture("Ann", face(1, 1)), ElementsAre("ok", marker + face(1, 1)));
    EXPECT_THAT(picture("Ann", face(1, 2)), ElementsAre("not_found"));
    EXPECT_THAT(picture("Bob", face(1)), ElementsAre("not_found")) << "not his";
    EXPECT_THAT(f("picture", {"none", "Ann", face(1)}), ElementsAre("not_found"));
    EXPECT_EQ(f("label", {"default", "Ann"}).size(), 9U) << "as before, unless they are asked for";
    const words rows = f("label", {"default", "Ann", "pictures"});
    EXPECT_THAT((words{rows.at(5), rows.at(8), rows.at(11)}), ElementsAre("1", "1", "0"));
}

TEST_F(pictures, a_train_without_them_keeps_none) {
    teach(1, "Ann");
    EXPECT_THAT(f.plain({"KEYS", f.key("gallery:*:pictures")}), IsEmpty());
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("not_found"));
    EXPECT_EQ(f("label", {"default", "Ann", "pictures"}).at(5), "0");
    EXPECT_THAT(f("faces", {"default", "", "9", "pictures"}),
                ElementsAre("ok", "1000000001", "1", "1", "1", "Ann", "1", ""));
}

TEST_F(pictures, a_page_of_people_has_one_face_each) {
    teach_shown(1, "Ann", 2, 1);
    teach(2, "Bob");
    teach(3, "Cid");
    teach_shown(4, "Cid");
    EXPECT_THAT(people(), ElementsAre("Ann", "2", "Bob", "1", "Cid", "2"));
    const words page = f("faces", {"default", "", "9", "pictures"});
    EXPECT_THAT((words{page.begin() + 5, page.end()}),
                ElementsAre("Ann", "2", face(1), "Bob", "1", "", "Cid", "2", face(4)));
    EXPECT_EQ(f("faces", {"default", "Bob", "9", "pictures"}).at(7), face(4));
}

TEST_F(pictures, follow_a_new_name) {
    teach_shown(1, "Ann");
    teach_shown(2, "Bob");
    change(3, "rename", "Ann", "Cid");
    EXPECT_THAT(picture("Cid", face(1)), ElementsAre("ok", marker + face(1)));
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("not_found"));
    change(4, "merge", "Bob", "Cid");
    EXPECT_THAT(picture("Cid", face(2)), ElementsAre("ok", marker + face(2)));
    EXPECT_EQ(found(), 2U);
}

TEST_F(pictures, forget_face_takes_one) {
    teach_shown(1, "Ann", 2, 2);
    change(2, "forget_face", "Ann", face(1));
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("not_found"));
    EXPECT_THAT(picture("Ann", face(1, 1)), ElementsAre("ok", marker + face(1, 1)));
    EXPECT_EQ(found(), 1U);
}

TEST_F(pictures, forget_takes_those_of_the_label) {
    teach_shown(1, "Ann", 2, 2);
    teach_shown(2, "Bob");
    change(3, "forget", "Ann");
    EXPECT_EQ(found(), 1U);
    EXPECT_THAT(picture("Bob", face(2)), ElementsAre("ok", marker + face(2)));
}

TEST_F(pictures, clear_and_delete_take_all) {
    teach_shown(1, "Ann", 2, 2);
    change(2, "clear");
    EXPECT_EQ(found(), 0U);
    teach_shown(3, "Ann");
    EXPECT_EQ(found(), 1U);
    change(4, "delete_collection");
    EXPECT_EQ(found(), 0U);
    EXPECT_THAT(f.plain({"KEYS", f.key("gallery:*")}), IsEmpty());
}

TEST_F(pictures, a_superseded_train_leaves_none) {
    enlist("teacher");
    train(1, "Ann");
    lease("teacher");
    change(2, "forget", "Ann");
    words all = arguments(1, 1);
    all.insert(all.end(), {"pictures", face(1), marker});
    EXPECT_EQ(f("complete_train", all).at(0), "superseded");
    EXPECT_EQ(found(), 0U);
}

TEST_F(pictures, have_bounds_and_an_owner) {
    enlist("teacher");
    train(1, "Ann");
    lease("teacher");
    const auto refused = [&](const words& more, const std::string& why) {
        words all = arguments(1, 1);
        all.insert(all.end(), more.begin(), more.end());
        EXPECT_THAT(f("complete_train", all).at(0), HasSubstr("ERROR")) << why;
        EXPECT_EQ(version(), "0") << why;
    };
    refused({"pictures", face(1)}, "half of a pair");
    refused({"pictures", face(1), ""}, "empty");
    refused({"pictures", face(1), std::string(32769, 'x')}, "too large");
    const std::string sealed = "VS\xff\xff" + std::string(40, 'n');
    refused({"pictures", face(1), sealed + std::string(32769, 'x')}, "too large, sealed");
    refused({"pictures", face(1), sealed}, "empty, sealed");
    refused({"pictures", face(2), "x"}, "of another train");
    refused({"pictures", face(1), "x", face(1), "x"}, "twice");
    words all = arguments(1, 1);
    all.insert(all.end(), {"pictures", face(1), std::string(16384, 'x')});
    EXPECT_EQ(f("complete_train", all).at(0), "succeeded");
}

TEST_F(pictures, are_sealed_where_they_lie_and_only_once) {
    teach_shown(1, "Ann");
    const std::string plain = marker + face(1);
    const std::string sealed = "VS\xff\xff" + std::string(40 + plain.size(), 'n');
    const auto seal = [&](const words& more) {
        words all{"default", "1"};
        all.insert(all.end(), more.begin(), more.end());
        return f("seal", all);
    };
    EXPECT_THAT(seal({"pictures", face(1), plain}).at(0), HasSubstr("ERROR")) << "not sealed";
    EXPECT_THAT(seal({"labels", face(1), sealed}).at(0), HasSubstr("ERROR")) << "another part";
    EXPECT_THAT(seal({"pictures", face(1), sealed + "x"}), ElementsAre("ok", "0")) << "of another";
    EXPECT_THAT(seal({"pictures", face(2), sealed}), ElementsAre("ok", "0")) << "no such face";
    const std::string before = version();
    EXPECT_THAT(seal({"pictures", face(1), sealed}), ElementsAre("ok", "1"));
    EXPECT_THAT(seal({"pictures", face(1), sealed}), ElementsAre("ok", "0"));
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("ok", sealed));
    const std::string anew = "VS\xff\xff" + std::string(40 + plain.size(), 'm');
    EXPECT_THAT(seal({"pictures", face(1), anew + "x"}), ElementsAre("ok", "0")) << "of another";
    EXPECT_THAT(seal({"pictures", face(1), anew}), ElementsAre("ok", "1")) << "sealed otherwise";
    EXPECT_THAT(picture("Ann", face(1)), ElementsAre("ok", anew));
    EXPECT_EQ(version(), before);
    EXPECT_THAT(f.problems(), IsEmpty());
}

TEST_F(pictures, fsck_finds_one_without_its_face) {
    teach_shown(1, "Ann");
    EXPECT_THAT(f.problems(), IsEmpty());
    const std::string key = f.key("gallery:default:1:pictures");
    f.plain({"HSET", key, "stray-0", "x"});
    EXPECT_THAT(f.problems(), ElementsAre("a picture of stray-0 in default without a face"));
    f.plain({"HDEL", key, "stray-0"});
    f.plain({"HSET", key, face(1), std::string(32769, 'x')});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("has 32769 bytes")));
    f.plain({"HDEL", key, face(1)});
    f.plain({"HSET", f.key("gallery:default:7:pictures"), face(1), "x"});
    EXPECT_THAT(f.problems(), ElementsAre(HasSubstr("leftover")));
    f.plain({"DEL", f.key("gallery:default:7:pictures")});
}

TEST_F(pictures, fsck_looks_through_many) {
    teach_shown(1, "Ann");
    const std::string key = f.key("gallery:default:1:pictures");
    for (int i = 0; i < 600; ++i) f.plain({"HSET", key, "stray-" + std::to_string(i), "x"});
    EXPECT_GE(f.problems(50).size(), 600U);
    for (int i = 0; i < 600; ++i) f.plain({"HDEL", key, "stray-" + std::to_string(i)});
}

TEST_F(pictures, a_collection_chooses_and_none_is_stored_behind_the_choice) {
    EXPECT_THAT(f("pictures", {"default"}), ElementsAre("ok", "", "0"));
    teach_shown(1, "Ann");
    EXPECT_THAT(f("pictures", {"default"}), ElementsAre("ok", "", "1"));
    EXPECT_THAT(f("set_pictures", {"default", "keep", "ctl"}), ElementsAre("ok", "1", "1", "0"));
    teach_shown(2, "Bob");
    EXPECT_THAT(f("set_pictures", {"default", "remove", "ctl"}), ElementsAre("ok", "0", "0", "2"));
    EXPECT_EQ(found(), 0U);
    EXPECT_EQ(f("version", {"default"}).at(3), "2") << "the faces stay";
    teach_shown(3, "Cid");  // a worker that was told otherwise before
    EXPECT_THAT(f("pictures", {"default"}), ElementsAre("ok", "0", "0"));
    EXPECT_EQ(found(), 0U);
    EXPECT_THAT(f("set_pictures", {"default", "worker", "ctl"}), ElementsAre("ok", "", "0", "0"));
    teach_shown(4, "Dan");
    EXPECT_THAT(f("pictures", {"default"}), ElementsAre("ok", "", "1"));
}

TEST_F(pictures, a_choice_makes_the_collection_and_ends_with_it) {
    EXPECT_THAT(f("set_pictures", {"new", "worker", "ctl"}), ElementsAre("not_found"));
    EXPECT_THAT(f("set_pictures", {"new", "keep", "ctl 127.0.0.1"}),
                ElementsAre("ok", "1", "0", "0"));
    EXPECT_THAT(f("collections", {"", "9", "models", "dimensions", "pictures"}),
                ElementsAre("ok", "1", "new", testing::_, "0", "0", testing::_, "", "0", "1"));
    EXPECT_EQ(f("version", {"new"}).at(10), "1");
    for (int n = 1; const char* op : {"clear", "delete_collection"}) {
        EXPECT_EQ(f("pictures", {"new"}).at(1), "1") << "a clear keeps it";
        f("change", {id_of(n++), op, "new", "", "", "anonymous", "", "", ""});
    }
    EXPECT_THAT(f("pictures", {"new"}), ElementsAre("ok", "", "0"));
    EXPECT_THAT(f.problems(), IsEmpty());
}

TEST_F(pictures, a_worker_learns_the_choice_with_the_job) {
    enlist("teacher");
    ASSERT_EQ(train(1, "Ann").at(0), "ok");
    ASSERT_EQ(lease("teacher"), id_of(1));
    const auto choice = [&] {
        const words all = f("fetch", {id_of(1), "1", "teacher"});
        const auto at = std::find(all.begin(), all.end(), "keep_pictures");
        return at == all.end() ? "none" : *(at + 1);
    };
    EXPECT_EQ(choice(), "none");
    f("set_pictures", {"default", "keep", "ctl"});
    EXPECT_EQ(choice(), "1");
    f("set_pictures", {"default", "remove", "ctl"});
    EXPECT_EQ(choice(), "0");
}

TEST_F(pictures, choices_are_in_the_audit_log_once) {
    for (int twice = 0; twice < 2; ++twice) f("set_pictures", {"default", "keep", "ctl 10.0.0.1"});
    f("set_pictures", {"default", "remove", "ctl"});
    const words all = f.plain({"XRANGE", f.key("audit"), "-", "+"});
    EXPECT_EQ(std::count(all.begin(), all.end(), "pictures"), 2);
    EXPECT_EQ(std::count(all.begin(), all.end(), "10.0.0.1"), 1);
    EXPECT_THAT(f("set_pictures", {"default", "perhaps", "ctl"}).at(0), HasSubstr("choice"));
}

}  // namespace
}  // namespace vultus::test
