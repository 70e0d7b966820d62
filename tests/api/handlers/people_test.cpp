// /api/people against a real Redis: ids, search, look-up, PATCH, and calls by a name of two people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/model/person_key.hpp"
#include "tests/api/access/access_support.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class people : public ::testing::Test {
 protected:
    /// The finished job, or the refusal.
    answer train(const std::string& options) {
        const auto accepted =
            api.call("POST", "/api/train?" + options, png(), "Content-Type: image/png\r\n");
        if (accepted.status != 202) return accepted;
        worker.complete_train(worker.lease(), "");
        return api.get(accepted.field("location") + "?wait=30");
    }
    answer patch(const std::string& id, const std::string& body, const std::string& fields = {}) {
        return api.call("PATCH", "/api/people/" + id, body,
                        "Content-Type: application/json\r\n" + fields);
    }
    static void expect_problem(const answer& got, int status, const std::string& name) {
        EXPECT_EQ(got.status, status) << got.body;
        EXPECT_EQ(member(got.body, "type"), "/problems/" + name) << got.body;
    }

    running_api api;
    fake_worker worker{api.redis.address()};
};

TEST_F(people, are_verified_by_name_or_by_id_and_a_name_of_two_is_refused) {
    const auto verify = [&](const std::string& person) {
        return api.call("POST", "/api/verify?person=" + person, png(),
                        "Content-Type: image/png\r\n");
    };
    const auto one = member(train("name=Sam").body, "person_id");
    EXPECT_EQ(verify("Sam").status, 202);
    EXPECT_EQ(verify(one).status, 202);
    EXPECT_EQ(member(train("name=Sam&person_id=hr%2F2").body, "person_id"), "hr/2");
    for (const char* durable : {"&durable=true", "&durable=false"}) {
        const auto refused = verify(std::string("Sam") + durable);
        expect_problem(refused, 409, "several_people");
        EXPECT_THAT(refused.body, HasSubstr(one + ", hr/2"));
        expect_problem(verify(std::string("hr%2F3") + durable), 404, "not_found");
    }
    const auto accepted = verify("hr%2F2");
    EXPECT_EQ(member(accepted.body, "label"), "Sam") << accepted.body;
    const auto job = api.get(accepted.field("location")).body;
    EXPECT_EQ(member(job, "label"), "Sam") << job;
    EXPECT_EQ(member(job, "person_id"), "hr/2") << job;
}

TEST_F(people, of_one_name_are_told_apart_by_their_ids) {
    const auto one = member(train("name=Sam").body, "person_id");
    EXPECT_EQ(member(train("name=Sam&person_id=hr%2F2").body, "person_id"), "hr/2");
    const auto list = api.get("/api/faces").body;
    EXPECT_THAT(list, HasSubstr(R"({"label":"Sam","person_id":")" + one +
                                R"(","name_shared":true,"count":1})"));
    EXPECT_THAT(list,
                HasSubstr(R"({"label":"Sam","person_id":"hr/2","name_shared":true,"count":1})"));
    EXPECT_THAT(list, Not(HasSubstr("u001f")));
    for (const auto& refused :
         {api.get("/api/faces/Sam"), api.call("DELETE", "/api/faces/Sam"),
          api.call("POST", "/api/rename?label=Sam&label_to=Bo"), train("name=Sam"),
          api.call("POST", "/api/merge?person_id=hr%2F2&label_to=Sam")}) {
        expect_problem(refused, 409, "several_people");
        EXPECT_THAT(refused.body, HasSubstr(one + ", hr/2"));
    }
    EXPECT_EQ(train("person_id=hr%2F2").status, 200);
    EXPECT_EQ(member(api.get("/api/people/hr%2F2").body, "faces"), "2");
    EXPECT_THAT(api.get("/api/people/hr%2F2/faces").body, HasSubstr(R"("face_id")"));
    const auto forgot =
        api.call("DELETE", "/api/people/hr%2F2", "", "Prefer: wait=30\r\nIdempotency-Key: f\r\n");
    EXPECT_EQ(member(forgot.body, "removed_faces"), "2") << forgot.body;
    EXPECT_EQ(member(forgot.body, "label"), "Sam");
    const auto again = api.call("DELETE", "/api/people/hr%2F2", "", "Idempotency-Key: f\r\n");
    EXPECT_EQ(member(again.body, "id"), member(forgot.body, "id"))
        << "repeated, though they are gone";
    expect_problem(api.call("DELETE", "/api/people/hr%2F2"), 404, "not_found");
    EXPECT_EQ(api.get("/api/faces/Sam").status, 200) << "one is left";
}

TEST_F(people, are_searched_looked_up_and_paged) {
    train("name=Zo%C3%AB%20O'Neill&external_id=crm%201");
    train("name=Anna%20Zoe");
    train("name=Bob");
    const auto rows = [&](const std::string& query) {
        const auto body = api.get("/api/people?" + query).body;
        std::string names;
        constexpr std::string_view name = R"("name":")";
        for (auto at = body.find(name); at != body.npos; at = body.find(name, at)) {
            at += name.size();
            names += body.substr(at, body.find('"', at) - at) + ";";
        }
        return names;
    };
    EXPECT_EQ(rows(""), "Anna Zoe;Bob;Zo\xc3\xab O'Neill;");
    EXPECT_EQ(rows("q=ZOE"), "Anna Zoe;Zo\xc3\xab O'Neill;");
    EXPECT_EQ(rows("q=neil"), "Zo\xc3\xab O'Neill;");
    EXPECT_EQ(rows("q=eill"), "");
    EXPECT_EQ(rows("external_id=crm%201"), "Zo\xc3\xab O'Neill;");
    EXPECT_EQ(rows("external_id=crm"), "");
    EXPECT_EQ(rows("name=Bob"), "Bob;");
    const auto first = api.get("/api/people?q=zoe&page_size=1").body;
    const auto token = member(first, "next_page_token");
    EXPECT_THAT(first, HasSubstr("Anna Zoe"));
    EXPECT_THAT(api.get("/api/people?q=zoe&page_size=1&page_token=" + token).body,
                HasSubstr("O'Neill"));
    expect_problem(api.get("/api/people?q=%20"), 400, "bad_option");
    expect_problem(api.get("/api/people?q=a&external_id=b"), 400, "bad_option");
    expect_problem(api.get("/api/people/nobody"), 404, "not_found");
    EXPECT_EQ(api.call("POST", "/api/people").status, 405);
}

TEST_F(people, are_changed_by_patch) {
    const auto id = member(train("name=Sam").body, "person_id");
    train("name=Bo&external_id=crm%202");
    const auto set = patch(id, R"({"external_id":"crm 1","metadata":{"a":[1]},"notes":"n"})");
    EXPECT_EQ(set.status, 200) << set.body;
    EXPECT_THAT(set.body, HasSubstr(R"("external_id":"crm 1","metadata":{"a":[1]},"notes":"n")"));
    EXPECT_EQ(api.get("/api/people/" + id).body, set.body);
    expect_problem(patch(id, R"({"external_id":"crm 2"})"), 409, "person_exists");
    EXPECT_THAT(patch(id, R"({"notes":null})").body,
                HasSubstr(R"("metadata":{"a":[1]},"notes":null)"));
    const auto named = patch(id, R"({"name":"Bo"})", "Prefer: wait=30\r\n");
    EXPECT_EQ(member(named.body, "state"), "succeeded") << named.body;
    EXPECT_EQ(member(named.body, "person_id"), id);
    EXPECT_EQ(member(api.get("/api/people/" + id).body, "name"), "Bo");
    expect_problem(patch(id, "[]"), 400, "malformed");
    expect_problem(patch("nobody", R"({"notes":"x"})"), 404, "not_found");
    expect_problem(patch(id, R"({"notes":"x"})", "Origin: http://evil.example\r\n"), 403,
                   "forbidden_origin");
}

TEST_F(people, are_refused_while_they_are_indexed) {
    train("name=Sam");
    const auto command = [&](std::vector<std::string> words) {
        redis_blocking redis(api.redis.address());
        EXPECT_TRUE(redis.call(
            redis_call<int>{std::move(words), [](redis_reply&&) -> result<int> { return 1; }}));
    };
    command({"ZADD", "vultus:{0}:unindexed", "0", "default"});
    const auto refused = api.get("/api/people?q=sam");
    expect_problem(refused, 503, "migrating");
    EXPECT_NE(refused.field("retry-after"), "");
    expect_problem(api.get("/api/people/nobody"), 503, "migrating");
    EXPECT_EQ(api.get("/api/people").status, 200);
    EXPECT_EQ(api.get("/api/faces/Sam").status, 200);
    command({"ZREM", "vultus:{0}:unindexed", "default"});
    EXPECT_EQ(api.get("/api/people?q=sam").status, 200);
}

TEST(people_of_keys, a_key_that_only_teaches_learns_no_name) {
    keyed_api at;
    const auto teacher = at.add(scope_set{scope::train}), reader = at.add(scope_set{scope::read});
    at.settle(teacher);
    at.settle(reader);
    EXPECT_EQ(at.post_photo("/api/train?collection=team&person_id=p", teacher).status, 403);
    EXPECT_EQ(at.post_photo("/api/train?collection=team&person_id=p&name=A", teacher).status, 202);
    EXPECT_EQ(at.get("/api/people?collection=team", teacher).status, 403);
    EXPECT_EQ(at.get("/api/people?collection=team", reader).status, 200);
    EXPECT_EQ(at.get("/api/people?collection=other", reader).status, 403);
    EXPECT_EQ(at.call("PATCH", "/api/people/p?collection=team", reader, "{}").status, 403);
}

}  // namespace
}  // namespace vultus::api::testing
