// The calls that change and read galleries, against a real redis-server, as store_roles_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/store/gallery_reading.hpp"
#include "tests/shared/store/store_call_support.hpp"

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace vultus::testing;

TEST_F(store_call, changes_and_galleries) {
    must(attempts.register_worker(some_worker()));
    EXPECT_EQ(must(galleries.gallery("staff")).version, 0U);
    const gallery_version version = train();
    EXPECT_GT(version, epoch_factor);
    const gallery_info info = must(galleries.gallery("staff"));
    EXPECT_EQ(info.version, version);
    EXPECT_EQ(info.faces, 1U);
    EXPECT_EQ(info.people, 1U);
    EXPECT_EQ(info.embedding_model, "dlib");
    EXPECT_EQ(info.dimension, 128U);
    EXPECT_EQ(must(galleries.gallery("nowhere")).dimension, 0U);
    const label_page page = must(galleries.labels("staff", 10, ""));
    ASSERT_THAT(page.labels, SizeIs(1));
    EXPECT_EQ(page.labels[0].label, "Ada");
    EXPECT_EQ(page.labels[0].faces, 1U);
    EXPECT_EQ(page.next, "");
    EXPECT_EQ(must(galleries.labels("staff", 1, "")).next, "Ada");
    const auto faces = must(galleries.faces("staff", "Ada"));
    ASSERT_THAT(faces, SizeIs(1));
    EXPECT_THAT(faces[0].json, HasSubstr("\"label\":\"Ada\""));
    EXPECT_EQ(code(galleries.faces("staff", "Bob")), "not_found");
    EXPECT_EQ(must(galleries.labels("staff", 1, "", true)).labels.at(0).picture, "");
    EXPECT_FALSE(must(galleries.faces("staff", "Ada", true)).at(0).picture);
    EXPECT_EQ(code(galleries.picture("staff", "Ada", faces[0].face_id)), "not_found");
    ASSERT_THAT(must(galleries.collections(10, "")).collections, SizeIs(1));
    EXPECT_EQ(must(galleries.collections(10, "")).collections[0].collection, "staff");
    EXPECT_EQ(must(galleries.collections(10, "")).collections[0].embedding_model, "dlib");
    EXPECT_EQ(must(galleries.collections(10, "")).collections[0].dimension, 128U);

    new_change rename;
    rename.id = new_job_id(unix_now(), 0);
    rename.type = job_type::rename;
    rename.collection = "staff";
    rename.label = "Ada";
    rename.to_label = "Countess";
    EXPECT_EQ(must(submissions.change(rename)).state, job_state::succeeded) << "nobody holds it";
    new_change one = rename;
    one.id = new_job_id(unix_now(), 0);
    one.type = job_type::forget;
    one.label = "Countess";
    one.face_id = "nobody-0";
    EXPECT_EQ(code(submissions.change(one)), "not_found");
    one.face_id = faces[0].face_id;
    const accepted forgot = must(submissions.change(one));
    const job_record record = must(reader.job(forgot.job_id));
    EXPECT_EQ(record.type, job_type::forget);
    EXPECT_EQ(record.removed_faces, 1U);
    EXPECT_EQ(must(galleries.gallery("staff")).faces, 0U);
    new_change drop;
    drop.id = new_job_id(unix_now(), 0);
    drop.type = job_type::delete_collection;
    drop.collection = "other";
    EXPECT_EQ(code(submissions.change(drop)), "not_found");
}

TEST_F(store_call, a_worker_loads_catches_up_and_serves) {
    must(attempts.register_worker(some_worker()));
    const gallery_version first = train();
    const gallery_chunk chunk =
        must(galleries.scan("staff", first / epoch_factor, gallery_value::vector, "0"));
    EXPECT_EQ(chunk.cursor, "0");
    ASSERT_THAT(chunk.fields, SizeIs(1));
    EXPECT_THAT(chunk.fields[0].second, SizeIs(512));
    const auto json =
        must(galleries.face_json("staff", first / epoch_factor, {chunk.fields[0].first}));
    EXPECT_THAT(json, ElementsAre(HasSubstr("Ada")));

    const gallery_version second = train();
    const auto delta = read_delta(redis, galleries, "staff", first);
    ASSERT_TRUE(delta) << delta.error().detail;
    EXPECT_EQ(delta->reached, second);
    EXPECT_EQ(delta->version, second);
    EXPECT_FALSE(delta->more || delta->snapshot);
    ASSERT_THAT(delta->entries, SizeIs(1));
    EXPECT_EQ(delta->entries[0].seq, second % epoch_factor);
    EXPECT_EQ(delta->entries[0].label, "Ada");
    EXPECT_THAT(delta->entries[0].vector, SizeIs(512));
    EXPECT_TRUE(must(galleries.delta("staff", 999 * epoch_factor)).snapshot);

    hello_reply hello = must(attempts.hello(worker, "staff", first));
    EXPECT_TRUE(hello.registered && !hello.serve);
    EXPECT_EQ(hello.current, second);
    EXPECT_TRUE(must(attempts.hello(worker, "staff", second)).serve);
    const renewal held =
        must(attempts.renew(worker, {}, limits::registration, limits::lease, "x.2"));
    EXPECT_TRUE(held.registered);
    EXPECT_EQ(held.versions.at("staff"), second);
    EXPECT_GT(held.now.count(), 0);

    new_change clear;
    clear.id = new_job_id(unix_now(), 0);
    clear.collection = "staff";
    EXPECT_EQ(must(submissions.change(clear)).state, job_state::publishing)
        << "a holder has to hear of it";
    EXPECT_TRUE(must(attempts.hello(worker, "staff", std::nullopt)).registered);
    EXPECT_EQ(must(reader.job(clear.id)).state, job_state::succeeded);
    must(attempts.bye(worker));
    EXPECT_FALSE(must(attempts.hello(worker, "staff", 1)).registered);
    EXPECT_FALSE(must(attempts.renew(worker, {}, limits::registration, limits::lease)).registered);
}

}  // namespace
}  // namespace vultus
