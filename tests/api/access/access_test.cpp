// Keys against a real api and a real Redis: every route with every kind of key and session, what a
// key may see, how soon a revoked one is refused, and quotas.
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "shared/base/ids.hpp"
#include "shared/model/page_token.hpp"
#include "tests/api/access/access_support.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

std::string target_of(const route_row& row, const std::string& method, const std::string& job) {
    std::string target(row.pattern);
    for (auto at = target.find("{}"); at != std::string::npos; at = target.find("{}")) {
        std::string value = "ada";
        if (row.collection == reach::by_job) value = job;
        if (row.collection == reach::by_path) value = "team";
        const bool face = row.to == route::face || row.to == route::face_picture;
        if (face && at > 12) value = job + "-1";
        target.replace(at, 2, value);
    }
    if (row.collection != reach::by_field) return target;
    target += "?collection=team";
    if (row.to == route::rename || row.to == route::merge) target += "&label=ada&label_to=bea";
    if (row.to == route::train) target += "&name=ada";
    if (row.to == route::verify) target += "&person=ada";
    if (row.to == route::faces && method == "DELETE") target += "&label=ada";
    return target;
}

/// What a key may look like to the service.
struct visitor {
    std::string name, key;
    scope_set scopes;
    bool good = true, here = true;  ///< here: for the collection that is asked for
    bool changes = true;            ///< false: a session without its X-CSRF-Token
};

/// The status that the rules ask for; 0: anything but 401 and 403.
int wanted(const route_row& row, const std::string& method, const visitor& who) {
    const auto& rule = rule_for(row, method);
    if (!rule.needs_key()) return 0;
    if (who.name == "mistyped") return 400;
    if (!who.good) return 401;
    const bool reads = method == "GET" || method == "HEAD";
    if ((!who.changes && !reads) || !who.scopes.meets(rule.one_of())) return 403;
    const bool sees = who.here && who.scopes.meets(scopes_to_see(job_type::recognize));
    switch (row.collection) {
        case reach::by_field:
        case reach::by_path:
            return who.here ? 0 : 403;
        case reach::by_job:
            return sees ? 0 : 404;
        case reach::listing:
        case reach::nothing:
            return 0;
    }
    return -1;
}

/// Sessions of every role, here and elsewhere, and what is none.
void add_sessions(keyed_api& at, std::vector<visitor>& visitors) {
    for (const role one : all_roles) {
        const std::string name(name_of(one));
        at.add_user(name, one);
        at.add_user(name + "2", one, "elsewhere");
        visitors.push_back({name, at.log_in(name), scopes_of(one)});
        visitors.push_back({name + "2", at.log_in(name + "2"), scopes_of(one), true, false});
    }
    const auto told = at.post_login("admin");
    const auto cookie = keyed_api::cookie_line(told), csrf = keyed_api::csrf_line(told);
    visitors.push_back({"no csrf", cookie, scopes_of(role::admin), true, true, false});
    const auto of_another = keyed_api::csrf_line(at.post_login("admin"));
    visitors.push_back(
        {"other csrf", cookie + of_another, scopes_of(role::admin), true, true, false});
    auto forged = cookie;
    forged[forged.size() - 3] = forged[forged.size() - 3] == '0' ? '1' : '0';
    visitors.push_back({"forged cookie", forged + csrf, {}, false});
    visitors.push_back({"cut cookie", cookie.substr(0, 40) + "\r\n" + csrf, {}, false});
    visitors.push_back({"cookie twice", cookie + cookie + csrf, {}, false});
    const auto left = at.log_in("admin");
    EXPECT_EQ(at.call("DELETE", "/api/session", left).status, 204);
    visitors.push_back({"logged out", left, {}, false});
}

TEST(access, every_route_with_every_kind_of_key) {
    keyed_api at;
    std::vector<visitor> visitors{{"none", "", {}, false}, {"wrong", make_key().text, {}, false}};
    const scope_set all{scope::read, scope::recognize, scope::train, scope::admin};
    for (const scope one : all_scopes) {
        const std::string name(name_of(one));
        visitors.push_back({name, at.add({one}), {one}});
        visitors.push_back({name + " elsewhere", at.add({one}, "elsewhere"), {one}, true, false});
    }
    const auto everything = at.add(all, "*");
    visitors.push_back({"forged", keyed_api::forged(everything), all, false});
    visitors.push_back({"mistyped", everything.substr(0, 75) + "x", all, false});
    visitors.push_back({"expired", at.add(all, "*", {}, unix_now()), all, false});
    const auto revoked = at.add(all, "*");
    at.settle(revoked);
    at.revoke(revoked);
    at.settle(at.add(all));
    visitors.push_back({"revoked", revoked, all, false});
    add_sessions(at, visitors);
    int calls = 0;
    for (const auto& row : route_table()) {
        for (const std::string method : {"GET", "HEAD", "POST", "DELETE"}) {
            if (!rule_for(row, method).is_there()) continue;
            if (row.to == route::session && method == "DELETE") continue;  // worker_link_test.cpp
            for (const auto& who : visitors) {
                const auto job = at.job("/api/recognize?collection=team", everything);
                const auto target = target_of(row, method, job);
                const auto body = row.body == body_kind::photo ? png() : "";
                const auto told = at.call(method, target, who.key, body);
                const int want = wanted(row, method, who);
                const auto what = who.name + ": " + method + " " + target + "\n" + told.body;
                ASSERT_NE(told.status, 0) << what;
                if (want == 0) {
                    EXPECT_TRUE(told.status != 401 && told.status != 403) << told.status << what;
                } else {
                    EXPECT_EQ(told.status, want) << what;
                }
                EXPECT_EQ(told.status == 401, told.field("www-authenticate") != "") << what;
                ++calls;
            }
        }
    }
    EXPECT_GT(calls, 800);
}

// It has no collection that a key could have, so it is not everybody's whose key has some.
TEST(access, a_job_without_a_collection_is_seen_by_the_key_that_made_it) {
    keyed_api at;
    const auto maker = at.add({scope::recognize}, "team");
    const auto neighbour = at.add({scope::recognize, scope::read}, "team");
    const auto everywhere = at.add({scope::read}, "*");
    at.settle(everywhere);
    const auto id = at.job("/api/detect", maker);
    const auto status = [&](const std::string& key, const std::string& more = "") {
        return at.call("GET", "/api/jobs/" + id + more, key, "").status;
    };
    EXPECT_EQ(status(maker), 200);
    EXPECT_EQ(status(neighbour), 404);
    EXPECT_EQ(status(neighbour, "/events"), 404);
    EXPECT_EQ(status(everywhere), 200);
    EXPECT_EQ(at.call("DELETE", "/api/jobs/" + id, neighbour, "").status, 404);
    const auto lists = [&](const std::string& key) {
        return at.call("GET", "/api/jobs", key, "").body.find(id) != std::string::npos;
    };
    EXPECT_TRUE(lists(maker));
    EXPECT_FALSE(lists(neighbour));
    EXPECT_TRUE(lists(everywhere));
}

TEST(access, methods_that_are_not_there_and_options_ask_for_no_key) {
    keyed_api at;
    EXPECT_EQ(at.call("POST", "/api/jobs", "").status, 405);
    EXPECT_EQ(at.call("OPTIONS", "/api/train", "").status, 204);
    EXPECT_EQ(at.get("/api/nothing", "").status, 404);
}

TEST(access, a_key_in_the_address_is_none) {
    keyed_api at;
    const auto key = at.add({scope::read});
    at.settle(key);
    EXPECT_EQ(at.get("/api/jobs?key=" + key, "").status, 401);
    EXPECT_EQ(at.get("/api/jobs?x-api-key=" + key, key).status, 400);
    EXPECT_EQ(at.api.get("/api/jobs", "X-Api-Key: " + key + "\r\n").status, 200);
    EXPECT_EQ(at.api.get("/api/jobs", "X-Api-Key: " + key + "\r\n" + keyed_api::field(key)).status,
              400);
}

TEST(access, open_asks_for_nothing) {
    running_api api;
    EXPECT_EQ(api.get("/api/jobs").status, 200);
    EXPECT_EQ(api.get("/api/jobs", "Authorization: Basic eDp5\r\n").status, 200);
}

TEST(access, jobs_are_those_of_its_collections_and_scopes) {
    keyed_api at;
    const auto feeder = at.add({scope::recognize}, "a"), teacher = at.add({scope::train}, "a"),
               reader = at.add({scope::read}, "a"), other = at.add({scope::recognize}, "b");
    at.settle(other);
    const auto mine = at.job("/api/recognize?collection=a", feeder);
    const auto taught = at.job("/api/train?collection=a&name=Ada", teacher);
    const auto others = at.job("/api/recognize?collection=b", other);
    const auto has = [](const answer& listing, const std::string& id) {
        return listing.body.find(id) != std::string::npos;
    };
    struct row {
        std::string key;
        bool mine, taught, others;
    };
    for (const auto& [key, sees_mine, sees_taught, sees_others] :
         {row{feeder, true, false, false}, row{teacher, false, true, false},
          row{reader, true, true, false}, row{other, false, false, true}}) {
        const auto listing = at.get("/api/jobs", key);
        EXPECT_EQ(listing.status, 200);
        for (const auto& [id, sees] :
             {std::pair{mine, sees_mine}, {taught, sees_taught}, {others, sees_others}}) {
            EXPECT_EQ(has(listing, id), sees);
            EXPECT_EQ(at.get("/api/jobs/" + id, key).status, sees ? 200 : 404);
            EXPECT_EQ(at.get("/api/jobs/" + id + "/events", key).status, sees ? 200 : 404);
            EXPECT_EQ(at.get("/api/jobs/" + id + "/image", key).status, 404);
        }
    }
    EXPECT_EQ(at.call("DELETE", "/api/jobs/" + mine, other).status, 404);
    EXPECT_EQ(at.call("DELETE", "/api/jobs/" + mine, reader).status, 403);
    EXPECT_EQ(at.call("DELETE", "/api/jobs/" + mine, feeder).status, 200);
}

TEST(access, events_are_those_of_its_jobs) {
    keyed_api at;
    const auto mine = at.add({scope::recognize}, "a"), other = at.add({scope::recognize}, "b");
    at.settle(other);
    connection stream(at.api.port());
    stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n" + keyed_api::field(mine) +
                "\r\n");
    stream.receive_until("data: {}\n\n");
    at.job("/api/recognize?collection=a", mine);  // the api may follow Redis only from now on
    stream.receive_until("\n\n");
    const auto hidden = at.job("/api/recognize?collection=b", other);
    const auto shown = at.job("/api/recognize?collection=a", mine);
    const auto told = stream.receive_until(shown);
    EXPECT_NE(told.find(shown), std::string::npos);
    EXPECT_EQ(told.find(hidden), std::string::npos);
}

TEST(access, collections_are_those_it_names) {
    keyed_api at;
    fake_worker worker(at.api.redis.address());
    const auto all = at.add({scope::read, scope::train}, "*");
    const auto some = at.add({scope::read}, "a,c,x");
    at.settle(some);
    for (const std::string name : {"a", "b", "c"}) {
        at.job("/api/train?collection=" + name + "&name=Ada", all);
        worker.complete_train(worker.lease(), "Ada");
    }
    const auto names = [](const std::string& body) {
        std::string found;
        for (auto rest = body; !member(rest, "name").empty();) {
            found += member(rest, "name");
            rest = rest.substr(rest.find("\"name\":") + 7);
        }
        return found;
    };
    EXPECT_EQ(names(at.get("/api/collections", all).body), "abc");
    EXPECT_EQ(names(at.get("/api/collections", some).body), "ac");
    const auto first = at.get("/api/collections?page_size=1", some);
    EXPECT_EQ(names(first.body), "a");
    const auto token = member(first.body, "next_page_token");
    EXPECT_EQ(token, page_token("a")) << "not the name of another's";
    EXPECT_EQ(names(at.get("/api/collections?page_size=1&page_token=" + token, some).body), "c");
    EXPECT_EQ(at.get("/api/faces?collection=a", some).status, 200);
    EXPECT_EQ(at.get("/api/faces?collection=b", some).status, 403);
    EXPECT_EQ(at.get("/api/faces", some).status, 403) << "default is a collection too";
}

TEST(access, a_revoked_key_is_refused_within_a_second_and_waits_for_nothing_more) {
    keyed_api at;
    const auto key = at.add({scope::recognize, scope::read});
    at.settle(key);
    at.expect_waiting_ends(key, [&] { at.revoke(key); });
}

TEST(access, keys_that_cannot_be_confirmed_are_not_taken) {
    keyed_api at;
    const auto key = at.add({scope::read});
    at.settle(key);
    at.api.redis.freeze();
    const auto begun = boot_now();
    answer told;
    while (told.body.find("not confirmed") == std::string::npos &&
           boot_now() - begun < milliseconds(30'000)) {
        told = at.get("/api/jobs", key);
    }
    EXPECT_EQ(told.status, 503) << told.body;
    EXPECT_EQ(at.get("/healthz/live", "").status, 200);
    at.api.redis.resume();
    while (at.get("/api/jobs", key).status != 200 && boot_now() - begun < milliseconds(60'000)) {
    }
    EXPECT_EQ(at.get("/api/jobs", key).status, 200);
}

TEST(access, a_quota_is_told_and_kept) {
    keyed_api at;
    const auto key = at.add({scope::read}, "team", {3, 0, 0}), free = at.add({scope::read});
    at.settle(free);
    const auto first = at.get("/api/jobs", key);
    EXPECT_EQ(first.field("ratelimit-policy"), "\"requests\";q=3;w=60");
    EXPECT_EQ(first.field("ratelimit"), "\"requests\";r=2;t=20");
    at.get("/api/jobs", key);
    at.get("/api/jobs", key);
    const auto over = at.get("/api/jobs", key);
    EXPECT_EQ(over.status, 429);
    EXPECT_EQ(member(over.body, "type"), "/problems/quota");
    EXPECT_GE(std::stoi(over.field("retry-after")), 15);
    EXPECT_LE(std::stoi(over.field("retry-after")), 20);
    EXPECT_EQ(over.field("ratelimit").substr(0, 16), "\"requests\";r=0;t");
    EXPECT_EQ(at.get("/api/jobs", free).status, 200);
    EXPECT_EQ(at.get("/api/jobs", free).field("ratelimit"), "");
}

TEST(access, bytes_of_photos_and_jobs_in_hand_have_quotas) {
    keyed_api at;
    const auto half = png().size() / 2;  // so that what fills in the meantime is not enough
    const auto bytes = at.add({scope::recognize}, "team", {0, half, 0}),
               jobs = at.add({scope::recognize}, "team", {0, 0, 1});
    at.settle(jobs);
    EXPECT_EQ(at.post_photo("/api/recognize?collection=team", bytes).status, 202);
    EXPECT_EQ(at.post_photo("/api/recognize?collection=team", bytes).status, 429);
    EXPECT_EQ(at.get("/api/jobs", bytes).status, 200) << "what sends no photo goes on";
    EXPECT_EQ(at.api
                  .call("POST", "/api/recognize?collection=team", "",
                        keyed_api::field(bytes) +
                            "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n")
                  .status,
              411);
    EXPECT_EQ(at.post_photo("/api/recognize?collection=team", jobs).status, 202);
    const auto full = at.post_photo("/api/recognize?collection=team", jobs);
    EXPECT_EQ(full.status, 429) << full.body;
    EXPECT_NE(full.field("retry-after"), "");
}

TEST(access, no_answer_holds_a_key) {
    keyed_api at;
    const auto key = at.add({scope::read, scope::recognize, scope::admin}), wrong = make_key().text;
    at.settle(key);
    std::string all;
    for (const auto& one : {key, wrong, keyed_api::forged(key), key.substr(0, 70)}) {
        for (const std::string target : {"/api/jobs", "/api/faces", "/metrics", "/api/status",
                                         "/api/clear", "/api/jobs?key=1"}) {
            all += at.get(target, one).body;
        }
    }
    all += at.post_photo("/api/recognize?collection=team", key).body;
    all += at.get("/api/jobs", key).body + at.get("/metrics", key).body;
    EXPECT_NE(all.find("vultus_access_refused_total{why=\"unauthorized\"}"), std::string::npos);
    for (const auto& one : {key, wrong}) {
        EXPECT_EQ(all.find(one.substr(20, 24)), std::string::npos);
    }
}

}  // namespace
}  // namespace vultus::api::testing
