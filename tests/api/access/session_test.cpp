// Logins on a real api and a real Redis: log in and out, what a cookie alone cannot do, delays
// after wrong passwords, floods, and how soon an ended session is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <future>
#include <limits>

#include "tests/api/access/access_support.hpp"

#include "shared/store/job_reader.hpp"
#include "shared/store/operator_store.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

const std::string wrong = "wrong horse battery";

TEST(session, the_way_in_and_out) {
    keyed_api at;
    at.add_user("ada", role::operator_);
    const auto nobody = at.get("/api/session", "");
    EXPECT_EQ(nobody.status, 200);
    EXPECT_NE(nobody.body.find(R"("access":"keys","user":null,"role":null,"csrf":null)"),
              std::string::npos)
        << nobody.body;
    const auto told = at.post_login("ada");
    ASSERT_EQ(told.status, 200) << told.body;
    EXPECT_EQ(told.field("cache-control"), "no-store");
    EXPECT_NE(told.field("set-cookie").find("; Path=/; HttpOnly; SameSite=Strict"),
              std::string::npos);
    EXPECT_EQ(told.field("set-cookie").find("Secure"), std::string::npos);
    EXPECT_EQ(member(told.body, "user"), "ada");
    EXPECT_EQ(member(told.body, "role"), "operator");
    EXPECT_NE(told.body.find(R"("scopes":["read","recognise","train"],"collections":["team"])"),
              std::string::npos)
        << told.body;
    const auto mine = keyed_api::cookie_line(told) + keyed_api::csrf_line(told);
    EXPECT_EQ(member(at.get("/api/session", mine).body, "csrf"), member(told.body, "csrf"));
    const auto job = at.job("/api/recognize?collection=team", mine);
    EXPECT_EQ(member(at.get("/api/jobs/" + job, mine).body, "id"), job);
    EXPECT_EQ(at.redis.call(job_reader(at.store).job(job))->client, "user:ada");
    const auto left = at.call("DELETE", "/api/session", mine);
    EXPECT_EQ(left.status, 204);
    EXPECT_NE(left.field("set-cookie").find("vultus_session=; "), std::string::npos);
    EXPECT_EQ(at.get("/api/jobs", mine).status, 401) << "at once where it was ended";
    EXPECT_EQ(member(at.get("/api/session", mine).body, "user"), member(nobody.body, "user"));
    EXPECT_EQ(at.call("DELETE", "/api/session", mine).status, 204) << "a second time is as good";
}

TEST(session, a_cookie_alone_changes_nothing) {
    keyed_api at;
    at.add_user("ada", role::admin);
    const auto told = at.post_login("ada"), other = at.post_login("ada");
    const auto cookie = keyed_api::cookie_line(told), csrf = keyed_api::csrf_line(told);
    const std::string clear = "/api/clear?collection=team";
    for (const std::string& more :
         {std::string(), std::string("X-CSRF-Token: \r\n"), keyed_api::csrf_line(other),
          csrf.substr(0, csrf.size() - 3) + "\r\n", csrf.substr(0, csrf.size() - 2) + "0\r\n"}) {
        const auto refused = at.call("POST", clear, cookie + more);
        EXPECT_EQ(refused.status, 403) << more;
        EXPECT_NE(refused.body.find("X-CSRF-Token"), std::string::npos);
    }
    EXPECT_EQ(at.call("DELETE", "/api/session", cookie).status, 403);
    EXPECT_EQ(at.get("/api/jobs", cookie).status, 200);
    EXPECT_EQ(at.call("POST", clear, cookie + csrf).status, 202);
    EXPECT_EQ(at.call("POST", clear, cookie + csrf + "Origin: http://evil.example\r\n").status,
              403);
}

TEST(session, a_key_goes_before_a_cookie_and_needs_no_token) {
    keyed_api at;
    at.add_user("ada", role::admin);
    const auto cookie = keyed_api::cookie_line(at.post_login("ada"));
    const auto key = at.add({scope::recognize});
    at.settle(key);
    const auto both = keyed_api::field(key) + cookie;
    EXPECT_EQ(at.post_photo("/api/recognize?collection=team", both).status, 202);
    EXPECT_EQ(at.get("/api/faces?collection=team", both).status, 403) << "the key has no read";
    EXPECT_EQ(at.get("/api/jobs", keyed_api::field(keyed_api::forged(key)) + cookie).status, 401);
}

TEST(session, a_websocket_with_a_cookie_needs_our_origin) {
    keyed_api at;
    at.add_user("ada", role::viewer);
    const auto cookie = keyed_api::cookie_line(at.post_login("ada"));
    const auto handshake = [&](const std::string& fields) {
        connection to(at.api.port());
        to.send("GET /api/live?collection=team HTTP/1.1\r\nHost: localhost\r\n" + cookie + fields +
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        return to.receive(true).status;
    };
    EXPECT_EQ(handshake("Origin: http://localhost\r\n"), 101);
    EXPECT_EQ(handshake(""), 403);
    EXPECT_EQ(handshake("Origin: http://localhost:81\r\n"), 403) << "the same site to a browser";
}

TEST(session, what_is_no_login) {
    keyed_api at;
    at.add_user("ada", role::viewer);
    const auto post = [&](const std::string& body, const std::string& type) {
        return at.api.call("POST", "/api/session", body, "Content-Type: " + type + "\r\n").status;
    };
    const std::string good =
        R"({"name":"ada","password":")" + std::string(keyed_api::password) + R"("})";
    EXPECT_EQ(post(good, "text/plain"), 400) << "which a form of another site can send";
    EXPECT_EQ(post(good, "application/x-www-form-urlencoded"), 400);
    for (const char* bad :
         {"", "{", "[]", R"({"name":"ada"})", R"({"password":"x"})",
          R"({"name":"ada","password":"x","more":1})", R"({"name":["ada"],"password":"x"})"}) {
        EXPECT_EQ(post(bad, "application/json"), 400) << bad;
    }
    EXPECT_EQ(at.api
                  .call("POST", "/api/session", good,
                        "Content-Type: application/json\r\nOrigin: http://evil.example\r\n")
                  .status,
              403);
    EXPECT_EQ(post(good, "application/json; charset=utf-8"), 200);
    running_api open;
    EXPECT_EQ(open.call("POST", "/api/session", good, "Content-Type: application/json\r\n").status,
              409);
    EXPECT_NE(open.get("/api/session").body.find(R"("access":"open")"), std::string::npos);
}

TEST(session, wrong_passwords_make_wait_whether_the_user_is_there_or_not) {
    keyed_api at([](api_settings& settings) { settings.trusted_proxies = {"127.0.0.1"}; });
    at.add_user("ada", role::viewer);
    // Six wrong ones before, so that the wait, 4 s, is longer than a comparison on a busy machine.
    const auto six_before = [&](const std::string& tries) {
        redis_call<void> set{{"HSET", at.store.prefix() + "tries:" + tries, "wrong", "6"},
                             [](redis_reply&&) { return result<void>(); }};
        ASSERT_TRUE(at.redis.call(std::move(set)));
    };
    int hosts = 0;
    const auto from = [&](int host) {
        return "X-Forwarded-For: 10.0.0." + std::to_string(host) + "\r\n";
    };
    for (const std::string name : {"ada", "nobody", "No Name"}) {
        six_before("name:" + (name == "No Name" ? "" : name));
        const auto seventh = at.post_login(name, wrong, from(++hosts));
        EXPECT_EQ(seventh.status, 401) << name;
        EXPECT_EQ(member(seventh.body, "detail"), "Wrong name or password");
        const auto refused = at.post_login(name, keyed_api::password, from(++hosts));
        EXPECT_EQ(refused.status, 429) << name;
        EXPECT_GE(std::stoi(refused.field("retry-after")), 1) << name;
        EXPECT_LE(std::stoi(refused.field("retry-after")), 4) << name;
    }
    six_before("address:10.0.0.99");
    EXPECT_EQ(at.post_login("u1", wrong, from(99)).status, 401);
    EXPECT_EQ(at.post_login("u2", wrong, from(99)).status, 429) << "the address waits";
    EXPECT_EQ(at.post_login("u2", wrong, from(98)).status, 401);
    std::this_thread::sleep_for(milliseconds(4'050));
    EXPECT_EQ(at.post_login("ada", keyed_api::password, from(97)).status, 200);
    EXPECT_EQ(at.post_login("ada", wrong, from(97)).status, 401);
    EXPECT_EQ(at.post_login("ada", wrong, from(97)).status, 401) << "the count has begun anew";
}

TEST(session, an_unknown_name_takes_as_long_as_a_wrong_password) {
    keyed_api at([](api_settings& settings) { settings.trusted_proxies = {"127.0.0.1"}; });
    at.add_user("ada", role::viewer);
    at.post_login("warm", wrong);
    int host = 0;
    const auto fastest = [&](const std::string& name) {  // CPU time: the api is a thread here
        auto least = std::numeric_limits<std::clock_t>::max();
        for (int n = 0; n < 4; ++n) {
            const auto begun = std::clock();
            const auto address = std::to_string(++host);
            at.post_login(name, wrong, "X-Forwarded-For: 10.0.0." + address + "\r\n");
            least = std::min(least, std::clock() - begun);
        }
        return least;
    };
    const auto known = fastest("ada"), unknown = fastest("nobody"), none = fastest("No Name");
    RecordProperty("known_us", static_cast<int>(known));
    EXPECT_GT(unknown * 2, known);
    EXPECT_GT(none * 2, known);
}

TEST(session, a_flood_of_logins_holds_up_nobody_else) {
    keyed_api at([](api_settings& settings) { settings.trusted_proxies = {"127.0.0.1"}; });
    std::vector<std::future<int>> flood;
    for (int n = 0; n < 60; ++n) {
        flood.push_back(std::async(std::launch::async, [&at, n] {
            const auto address = "X-Forwarded-For: 10.0.1." + std::to_string(n) + "\r\n";
            return at.post_login("u" + std::to_string(n), wrong, address).status;
        }));
    }
    for (int n = 0; n < 20; ++n) EXPECT_EQ(at.get("/healthz/live", "").status, 200);
    // No bound in time, which a busy machine would exceed: were passwords compared in the loop, all
    // logins would have ended before the twentieth of these answers.
    const auto waits = std::count_if(flood.begin(), flood.end(), [](auto& one) {
        return one.wait_for(milliseconds(0)) != std::future_status::ready;
    });
    EXPECT_GT(waits, 0) << "logins that still wait";
    std::map<int, int> statuses;
    for (auto& one : flood) ++statuses[one.get()];
    EXPECT_EQ(statuses[401] + statuses[503], 60);
    EXPECT_GE(statuses[401], static_cast<int>(login_service::places));
    EXPECT_GT(statuses[503], 0);
}

TEST(session, of_a_removed_user_is_refused_within_a_second_and_waits_for_nothing_more) {
    keyed_api at;
    at.add_user("ada", role::viewer);
    const auto mine = at.log_in("ada");
    at.expect_waiting_ends(
        mine, [&] { ASSERT_TRUE(at.redis.call(user_store(at.store).remove_user("ada"))); });
}

TEST(session, ends_with_another_password) {
    keyed_api at;
    at.add_user("ada", role::viewer);
    const auto mine = at.log_in("ada");
    const auto fresh = hash_of_password("ada", "another password", at.secret);
    ASSERT_TRUE(at.redis.call(user_store(at.store).change_password("ada", fresh)));
    const auto [status, served] = at.until_refused(mine);
    EXPECT_EQ(status, 401);
    EXPECT_LT(served, milliseconds(1'000));
    EXPECT_EQ(at.post_login("ada").status, 401);
    EXPECT_EQ(at.post_login("ada", "another password").status, 200);
}

TEST(session, that_cannot_be_confirmed_is_not_taken_and_comes_back) {
    keyed_api at;
    at.add_user("ada", role::viewer);
    const auto mine = at.log_in("ada");
    at.api.redis.freeze();
    const auto [status, served] = at.until_refused(mine);
    EXPECT_EQ(status, 503);
    EXPECT_EQ(at.get("/api/session", mine).status, 503) << "and not: nobody is logged in";
    at.api.redis.resume();
    const auto begun = boot_now();
    while (at.get("/api/jobs", mine).status != 200 && boot_now() - begun < milliseconds(30'000)) {
    }
    EXPECT_EQ(at.get("/api/jobs", mine).status, 200);
}

TEST(session, is_secure_when_a_trusted_proxy_was_reached_over_tls) {
    const std::string tls = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.9\r\n";
    keyed_api plain;
    plain.add_user("ada", role::viewer);
    EXPECT_EQ(plain.post_login("ada", keyed_api::password, tls).field("set-cookie").find("Secure"),
              std::string::npos);
    EXPECT_EQ(plain.redis.call(operator_store(plain.store).audit(1, ""))->at(0).from, "127.0.0.1");
    keyed_api at([](api_settings& settings) { settings.trusted_proxies = {"127.0.0.1"}; });
    at.add_user("ada", role::viewer);
    const auto told = at.post_login("ada", keyed_api::password, tls);
    EXPECT_EQ(told.field("set-cookie").find("__Host-vultus_session="), 0u);
    EXPECT_NE(told.field("set-cookie").find("; Secure"), std::string::npos);
    const auto entry = at.redis.call(operator_store(at.store).audit(1, ""))->at(0);
    EXPECT_EQ(entry.who + " " + entry.what + " " + entry.from, "user:ada login 10.0.0.9");
    const auto mine = keyed_api::cookie_line(told);
    EXPECT_EQ(at.get("/api/jobs", mine + tls).status, 200);
    EXPECT_EQ(at.get("/api/jobs", mine).status, 401) << "the cookie of TLS is none without it";
}

TEST(session, no_answer_and_no_key_of_redis_holds_a_password_or_a_token) {
    keyed_api at;
    at.add_user("ada", role::admin);
    const auto told = at.post_login("ada");
    const auto mine = keyed_api::cookie_line(told) + keyed_api::csrf_line(told);
    const auto token = mine.substr(mine.find('=') + 1, 64);
    std::string all = at.post_login("ada", wrong).body + told.body;
    for (const std::string target : {"/api/session", "/api/status", "/metrics", "/api/jobs"}) {
        all += at.get(target, mine).body;
    }
    EXPECT_NE(all.find("vultus_logins_total{outcome=\"right\"} 1"), std::string::npos);
    EXPECT_EQ(all.find(token), std::string::npos);
    EXPECT_EQ(all.find(wrong), std::string::npos);
    EXPECT_EQ(all.find(keyed_api::password), std::string::npos);
}

}  // namespace
}  // namespace vultus::api::testing
