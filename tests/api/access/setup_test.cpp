// The link that makes the first user (api/access/first_user.hpp): once, for its token, and limited.
#include <gtest/gtest.h>

#include "shared/model/user.hpp"
#include "shared/store/user_store.hpp"
#include "tests/api/access/access_support.hpp"

namespace vultus::api::testing {
namespace {

struct linked_api : keyed_api {
    std::string token = new_setup_token();

    linked_api() {
        EXPECT_TRUE(redis.call(user_store(store).begin_setup(hash_of_setup(token, secret))));
    }
    answer set_up(const std::string& with, const std::string& name = "ada",
                  const std::string& secretly = keyed_api::password,
                  const std::string& type = "application/json") {
        return api.call("POST", "/api/setup",
                        "{\"token\":\"" + with + "\",\"name\":\"" + name + "\",\"password\":\"" +
                            secretly + "\"}",
                        "Content-Type: " + type + "\r\n");
    }
};

TEST(setup, the_token_makes_an_admin_who_can_log_in_once) {
    linked_api at;
    EXPECT_EQ(at.get("/api/faces", "").status, 401) << "no page is open meanwhile";
    const auto made = at.set_up(at.token);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(member(made.body, "user"), "ada");
    const auto mine = at.log_in("ada");
    EXPECT_EQ(member(at.get("/api/session", mine).body, "role"), "admin");
    EXPECT_EQ(at.set_up(at.token, "eve").status, 401) << "it was used";
    EXPECT_EQ(at.post_login("eve").status, 401);
}

TEST(setup, what_is_refused_makes_nobody) {
    linked_api at;
    const std::string wrong(64, 'a');
    EXPECT_EQ(at.set_up(wrong).status, 401);
    EXPECT_EQ(at.set_up("").status, 401);
    EXPECT_EQ(at.set_up(at.token, "Ada").status, 400);
    EXPECT_EQ(at.set_up(at.token, "ada", "short").status, 400);
    EXPECT_EQ(at.set_up(at.token, "ada", std::string(keyed_api::password), "text/plain").status,
              400)
        << "which a form of another site can send";
    EXPECT_TRUE(at.redis.call(user_store(at.store).users()).value().empty());
    EXPECT_EQ(at.get("/api/setup", "").status, 405);
    EXPECT_EQ(at.set_up(at.token).status, 201) << "the token is still good";
}

TEST(setup, wrong_tokens_make_the_address_wait) {
    linked_api at;
    for (int n = 0; n < 5; ++n) EXPECT_EQ(at.set_up(std::string(64, 'b')).status, 401) << n;
    const auto refused = at.set_up(at.token);
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_EQ(refused.field("retry-after"), "1");
}

TEST(setup, an_open_service_needs_no_user) {
    running_api open;
    EXPECT_EQ(
        open.call("POST", "/api/setup", R"({"token":"x","name":"ada","password":"ten letters"})",
                  "Content-Type: application/json\r\n")
            .status,
        409);
}

}  // namespace
}  // namespace vultus::api::testing
