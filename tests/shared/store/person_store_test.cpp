// The calls of the store about people, against a real redis-server: found by each id, encrypted
// where there is a key, and indexed after an older version.
#include "shared/store/person_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/base/ids.hpp"
#include "shared/model/person_key.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/broker_store.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/support/redis_server_support.hpp"

namespace vultus {
namespace {

using testing::ElementsAre;

const std::string worker = "host-1-cpu-0a";

class people : public testing::TestWithParam<bool> {
 protected:
    void SetUp() override {
        ASSERT_TRUE(prepare_store(redis, store));
        registration one;
        one.worker_id = worker;
        one.connection = worker + ".1";
        one.types = {"train"};
        ASSERT_TRUE(redis.call(worker_store(store).register_worker(one)));
    }
    result<accepted> accept(const std::string& name, new_person who) {
        new_job job;
        job.id = new_job_id(unix_now(), store.shard());
        job.type = job_type::train;
        job.collection = "staff";
        job.label = name;
        job.person = std::move(who);
        job.images = {"photo"};
        return redis.call(submission_store(store).accept(job, 10, limits::mib));
    }
    std::string teach(const std::string& name, new_person who = {}) {
        const auto job = accept(name, std::move(who));
        if (!job) return std::string(name_of(job.error().code));
        lease_request wanted;
        wanted.worker_id = worker;
        wanted.connection = worker + ".1";
        wanted.most = 1;
        const auto leased = redis.call(broker_store(store).lease(wanted)).value().jobs.at(0);
        const new_face face{leased.job_id + "-0", "{\"box\":[1,2,3,4]}", std::string(512, 'v')};
        EXPECT_TRUE(redis.call(worker_store(store).complete_train(
            {leased.job_id, leased.attempt}, worker, "{\"files\":[]}", "dlib", {face}, "staff")));
        return leased.job_id;
    }
    std::vector<person_record> found(person_by by, const std::string& text) {
        auto some = redis.call(person_store(store).find("staff", by, text));
        return some ? *some : std::vector<person_record>{};
    }
    /// Everything in Redis as one text.
    std::string everything() {
        std::string all;
        for (const auto& key : reply({"KEYS", "*"})) {
            const auto type = reply({"TYPE", key}).at(0);
            const auto values = type == "hash"   ? reply({"HGETALL", key})
                                : type == "zset" ? reply({"ZRANGE", key, "0", "-1"})
                                                 : std::vector<std::string>{};
            for (const auto& value : values) all += value + "\n";
        }
        return all;
    }
    std::vector<std::string> reply(std::vector<std::string> words) {
        redis_call<std::vector<std::string>> call{
            std::move(words), [](redis_reply&& got) -> result<std::vector<std::string>> {
                std::vector<std::string> texts;
                if (got.type == redis_reply::kind::text) texts.push_back(got.text);
                for (auto& one : got.items) texts.push_back(std::move(one.text));
                if (texts.empty()) texts.push_back(got.text);
                return texts;
            }};
        return redis.call(call).value();
    }

    redis_server server;
    redis_blocking redis{server.address()};
    store_context store{0, sealing(GetParam() ? std::string(secret_bytes, 'k') : std::string())};
};

TEST_P(people, are_found_by_each_of_their_ids) {
    const auto ann = teach("Ann", {.external_id = "crm 1"});
    EXPECT_EQ(teach("Ann", {.person_id = "p-2"}).size(), 36U);
    EXPECT_EQ(found(person_by::id, ann).at(0).data.external_id, "crm 1");
    EXPECT_EQ(found(person_by::external_id, "crm 1").at(0).key, "Ann");
    EXPECT_EQ(found(person_by::id, "p-2").at(0).key, "Ann\x1fp-2");
    EXPECT_EQ(found(person_by::name, "Ann").size(), 2U);
    EXPECT_EQ(teach("Ann"), "several_people");
    EXPECT_EQ(teach("Bob", {.external_id = "crm 1"}), "person_exists");
    EXPECT_EQ(teach("Bob", {.person_id = "p-2"}), "person_exists");
    EXPECT_TRUE(found(person_by::external_id, "crm 2").empty());
    EXPECT_EQ(teach("", {.person_id = "p-3"}), "not_found");
    teach("", {.person_id = "p-2"});
    EXPECT_EQ(found(person_by::id, "p-2").at(0).faces, 2U);
}

TEST_P(people, keep_their_data_encrypted_where_there_is_a_key) {
    const auto id = teach("Ann", {.external_id = "crm 1"});
    const auto ann = found(person_by::id, id).at(0);
    const person_data data{"crm 1", R"({"a":"secret"})", "a note"};
    EXPECT_TRUE(redis.call(person_store(store).set("staff", ann, data, "me")).value());
    EXPECT_FALSE(redis.call(person_store(store).set("staff", ann, {}, "me")).value())
        << "overtaken";
    EXPECT_EQ(found(person_by::id, id).at(0).data, data);
    EXPECT_EQ(found(person_by::external_id, "crm 1").at(0).data, data);
    for (const char* word : {"secret", "a note", "crm 1"}) {
        EXPECT_EQ(everything().find(word) == std::string::npos, GetParam()) << word;
    }
    // Another key, or the data of another person: unreadable, and not a wrong answer.
    const store_context other{0, sealing(std::string(secret_bytes, 'o'))};
    const auto read =
        redis.call(person_store(other).find("staff", person_by::id, id)).value().at(0);
    EXPECT_EQ(read.readable, !GetParam());
    EXPECT_EQ(store_reply::read_person(store.seals(), "staff", "x", ann.stored).has_value(),
              !GetParam());
}

TEST_P(people, are_searched_and_paged) {
    for (const char* name : {"Zoe O'Neill", "Anna Zo\xc3\xab", "Bob"}) teach(name);
    const auto named = [&](const std::string& words, std::size_t count) {
        std::vector<std::string> names;
        std::string page;
        do {
            const auto some =
                redis.call(person_store(store).list("staff", words, count, page)).value();
            for (const auto& one : some.rows) names.push_back(one.key);
            page = some.next;
        } while (!page.empty());
        return names;
    };
    EXPECT_THAT(named("zoe", 1), ElementsAre("Anna Zo\xc3\xab", "Zoe O'Neill"));
    EXPECT_THAT(named("neil", 1), ElementsAre("Zoe O'Neill"));
    EXPECT_THAT(named("", 2), ElementsAre("Anna Zo\xc3\xab", "Bob", "Zoe O'Neill"));
}

TEST_P(people, of_an_older_version_are_indexed) {
    teach("Zo\xc3\xab");
    for (const char* part : {"people", "person_ids", "names"}) {
        reply({"DEL", "vultus:{0}:gallery:staff:1:" + std::string(part)});
    }
    reply({"DEL", "vultus:{0}:people_index"});
    EXPECT_EQ(redis.call(person_store(store).list("staff", "zoe", 9, "")).error().code,
              errc::migrating);
    ASSERT_TRUE(prepare_store(redis, store));
    auto step = redis.call(person_store(store).unindexed()).value();
    EXPECT_EQ(step.collection, "staff");
    EXPECT_TRUE(redis.call(person_store(store).put_index(step)));
    EXPECT_EQ(redis.call(person_store(store).unindexed()).value().collection, "");
    EXPECT_EQ(redis.call(person_store(store).list("staff", "zoe", 9, "")).value().rows.size(), 1U);
}

TEST_P(people, come_back_with_their_data) {
    const std::string text = R"({"label":"Ann\u001fp","job_id":"x"})";
    const gallery_admin admin(store);
    ASSERT_TRUE(redis.call(
        admin.restore("staff", "m", {{"x-0", "Ann\x1fp", text, std::string(512, 'v')}})));
    const person_data data{"crm 1", R"({"a":1})", ""};
    const auto plain = store_reply::stored_person({}, "", "", data);
    EXPECT_EQ(redis.call(admin.restore_people("staff", {{"Ann\x1fp", "p", 77, plain}})).value(),
              0U);
    const auto ann = found(person_by::external_id, "crm 1").at(0);
    EXPECT_EQ(ann.data, data);
    EXPECT_EQ(ann.created.count(), 77);
}

INSTANTIATE_TEST_SUITE_P(stored, people, testing::Bool(), [](const auto& one) {
    return std::string(one.param ? "encrypted" : "plain");
});

}  // namespace
}  // namespace vultus
