// The steps before Redis is used, against real servers: what is loaded, and what is refused.
#include "shared/store/store_setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_schema.hpp"
#include "shared/store/vultus_lua.hpp"
#include "tests/support/redis_server_support.hpp"

namespace vultus {
namespace {

using testing::HasSubstr;

TEST(store_setup, loads_the_library_once_and_replaces_an_older_one) {
    redis_server server;
    redis_blocking redis(server.address());
    const store_context store;
    EXPECT_EQ(redis.call(store_schema(store).about())->major, 0U);
    ASSERT_TRUE(prepare_store(redis, store));
    EXPECT_EQ(redis.call(store_schema(store).about())->major, vultus_lua_major);
    EXPECT_EQ(redis.call(store_schema(store).about())->minor, vultus_lua_minor);
    EXPECT_TRUE(redis.call(store_schema(store).load_library())) << "it is there: fine";
    ASSERT_TRUE(prepare_store(redis, store));
    ASSERT_TRUE(redis.call(store_schema(store).replace_library()));
    ASSERT_TRUE(prepare_store(redis, store));

    redis_client client(server.address(), {});
    std::string told;
    prepare_store(client, store,
                  [&](result<void> outcome) { told = outcome ? "ready" : outcome.error().detail; });
    const boot_time patience = boot_now() + std::chrono::seconds(20);
    while (told.empty() && boot_now() < patience) {
        client.on_polled(true, true, boot_now());
    }
    EXPECT_EQ(told, "ready");
}

TEST(store_setup, an_older_minor_is_replaced_and_a_newer_one_stays) {
    redis_server server;
    redis_blocking redis(server.address());
    const store_context store;
    const std::string now = "minor = " + std::to_string(vultus_lua_minor) + "}";
    for (const unsigned there : {0U, vultus_lua_minor + 7}) {
        std::string text = vultus_lua;
        ASSERT_NE(text.find(now), std::string::npos);
        text.replace(text.find(now), now.size(), "minor = " + std::to_string(there) + "}");
        ASSERT_FALSE(redis.call({"FUNCTION", "LOAD", "REPLACE", text})->is_error());
        ASSERT_TRUE(prepare_store(redis, store));
        EXPECT_EQ(redis.call(store_schema(store).about())->minor,
                  std::max(there, vultus_lua_minor));
    }
}

TEST(store_setup, data_of_another_layout_is_refused) {
    redis_server server;
    redis_blocking redis(server.address());
    const store_context store;
    ASSERT_TRUE(redis.call({"SET", store.prefix() + "schema", "9 1"}));
    const auto outcome = prepare_store(redis, store);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::wrong_version);
    EXPECT_THAT(outcome.error().detail, HasSubstr("9 1"));
}

TEST(store_setup, settings_that_would_lose_jobs_are_named) {
    redis_server server({.more = {"--appendfsync", "everysec", "--maxmemory", "0"}});
    redis_blocking redis(server.address());
    const auto outcome = prepare_store(redis, store_context());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::bad_option);
    EXPECT_THAT(outcome.error().detail,
                HasSubstr("appendfsync is \"everysec\", must be \"always\""));
    EXPECT_THAT(outcome.error().detail, HasSubstr("maxmemory is \"0\""));
    EXPECT_THAT(outcome.error().detail, Not(HasSubstr("appendonly")));
    for (const auto& [name, value] :
         {std::pair{"appendfsync", "always"}, std::pair{"maxmemory", "100mb"}}) {
        ASSERT_EQ(redis.call({"CONFIG", "SET", name, value})->text, "OK");
    }
    EXPECT_TRUE(prepare_store(redis, store_context()));
    for (const auto& [name, value] :
         {std::pair{"appendonly", "no"}, std::pair{"no-appendfsync-on-rewrite", "yes"},
          std::pair{"save", "60 1"}, std::pair{"maxmemory-policy", "allkeys-lru"}}) {
        const std::string before = redis.call({"CONFIG", "GET", name})->items.at(1).text;
        ASSERT_EQ(redis.call({"CONFIG", "SET", name, value})->text, "OK");
        const auto checked = redis.call(store_schema(store_context()).check_settings());
        ASSERT_FALSE(checked) << name;
        EXPECT_THAT(checked.error().detail, HasSubstr(std::string(name) + " is"));
        ASSERT_EQ(redis.call({"CONFIG", "SET", name, before})->text, "OK");
    }
}

TEST(store_setup, an_old_server_is_refused) {
    const auto call = store_schema(store_context()).check_server();
    const auto of = [&](const char* text) {
        redis_reply reply;
        reply.type = redis_reply::kind::text;
        reply.text = text;
        const auto outcome = call.parse(std::move(reply));
        return outcome ? "ok" : std::string(name_of(outcome.error().code));
    };
    EXPECT_EQ(of("# Server\r\nredis_version:6.2.14\r\n"), "wrong_version");
    EXPECT_EQ(of("# Server\r\nredis_version:7.0.0\r\n"), "ok");
    EXPECT_EQ(of("# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.0.1\r\n"), "ok");
    EXPECT_EQ(of(""), "wrong_version");
}

}  // namespace
}  // namespace vultus
