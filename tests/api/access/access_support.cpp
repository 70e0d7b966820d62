// See access_support.hpp.
#include "tests/api/access/access_support.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <future>

#include "shared/security/secret.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api::testing {

keyed_api::keyed_api(std::function<void(api_settings&)> adjust)
    : secret(make_secret_file(secrets.path() + "/access.secret").value()),
      api([this, &adjust](api_settings& settings, server_settings&) {
          settings.access = "keys";
          settings.secret_file = secrets.path() + "/access.secret";
          if (adjust) adjust(settings);
      }),
      redis(api.redis.address()) {}

std::string keyed_api::add(scope_set scopes, const std::string& collections, access_quota quota,
                           unix_time expires) {
    const auto made = make_key();
    access_key key;
    key.id = made.id;
    key.hash = hash_of_key(made.text, secret);
    key.scopes = scopes;
    key.collections = parse_collections(collections).value();
    key.quota = quota;
    key.expires = expires;
    const auto good = redis.call(key_store(store).create_key(key));
    EXPECT_TRUE(good) << (good ? "" : good.error().detail);
    return made.text;
}

std::string keyed_api::forged(const std::string& key) {
    const std::string text = key.substr(0, 20) + random_hex(24);
    return text + plain_hash_hex(text, 8);
}

std::string keyed_api::field(const std::string& key) {
    if (key.find('\n') != std::string::npos) return key;
    return key.empty() ? "" : "Authorization: Bearer " + key + "\r\n";
}

void keyed_api::add_user(const std::string& name, role as, const std::string& collections) {
    user_record user;
    user.name = name;
    user.as = as;
    user.collections = parse_collections(collections).value();
    ASSERT_TRUE(
        redis.call(user_store(store).add_user(user, hash_of_password(name, password, secret))));
}

answer keyed_api::post_login(const std::string& name, const std::string& with,
                             const std::string& fields) {
    return api.call("POST", "/api/session",
                    "{\"name\":\"" + name + "\",\"password\":\"" + with + "\"}",
                    "Content-Type: application/json\r\n" + fields);
}

std::string keyed_api::cookie_line(const answer& of_login) {
    const auto cookie = of_login.field("set-cookie");
    return "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n";
}

std::string keyed_api::csrf_line(const answer& of_login) {
    return "X-CSRF-Token: " + member(of_login.body, "csrf") + "\r\n";
}

std::string keyed_api::log_in(const std::string& name) {
    const auto told = post_login(name);
    EXPECT_EQ(told.status, 200) << told.body;
    return cookie_line(told) + csrf_line(told);
}

std::pair<int, std::chrono::milliseconds> keyed_api::until_refused(const std::string& key) {
    const auto begun = boot_now();
    auto served = begun;
    int status = 200;
    while (status == 200 && served - begun < std::chrono::milliseconds(30'000)) {
        const auto sent = boot_now();
        status = get("/api/jobs", key).status;
        if (status == 200) served = sent;
    }
    return {status, served - begun};
}

void keyed_api::expect_waiting_ends(const std::string& key, const std::function<void()>& end) {
    const auto id = job("/api/recognize?collection=team", key);
    auto poll =
        std::async(std::launch::async, [&] { return get("/api/jobs/" + id + "?wait=30", key); });
    connection stream(api.port());
    stream.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n" + field(key) + "\r\n");
    stream.receive_until("data: {}\n\n");
    end();
    const auto [status, served] = until_refused(key);
    EXPECT_EQ(status, 401);
    EXPECT_LT(served, std::chrono::milliseconds(1'000));
    fake_worker worker(api.redis.address());
    worker.complete(worker.lease(), R"({"faces":["a name"]})");
    EXPECT_EQ(poll.get().status, 401);
    const auto rest = stream.receive_until("\r\n0\r\n\r\n");
    EXPECT_EQ(rest.find("succeeded"), std::string::npos);
    EXPECT_NE(rest.find("\r\n0\r\n\r\n"), std::string::npos) << "the stream ends";
}

void keyed_api::revoke(const std::string& key) {
    ASSERT_TRUE(redis.call(key_store(store).revoke_key(id_in_key(key).value())));
}

void keyed_api::settle(const std::string& key) {
    for (int i = 0; i < 1'000; ++i) {
        if (get("/api/jobs", key).status != 401) return;
        ::poll(nullptr, 0, 5);
    }
    ADD_FAILURE() << "the api does not hear of the key";
}

answer keyed_api::get(const std::string& target, const std::string& key) {
    return call("GET", target, key);
}

answer keyed_api::call(const std::string& method, const std::string& target, const std::string& key,
                       const std::string& body) {
    connection to(api.port());
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + field(key);
    if (!body.empty()) {
        text +=
            "Content-Type: image/png\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    }
    to.send(text + "\r\n" + body);
    // Of a stream the head is enough.
    return to.receive(method == "HEAD" || target.find("events") != std::string::npos);
}

answer keyed_api::post_photo(const std::string& target, const std::string& key) {
    return call("POST", target, key, png());
}

std::string keyed_api::job(const std::string& target, const std::string& key) {
    const auto accepted = post_photo(target, key);
    EXPECT_EQ(accepted.status, 202) << accepted.body;
    return member(accepted.body, "id");
}

}  // namespace vultus::api::testing
