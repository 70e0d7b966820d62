// Quoting for a shell. live_test.cpp runs the lines on a real Redis.
#include "clients/ctl/explain.hpp"

#include "shared/store/store_context.hpp"

#include <gtest/gtest.h>

using namespace vultus;
using namespace vultus::ctl;

TEST(explain, shell_words) {
    EXPECT_EQ(shell_word("data/run/redis.sock"), "data/run/redis.sock");
    EXPECT_EQ(shell_word(""), "''");
    EXPECT_EQ(shell_word("a b"), "'a b'");
    EXPECT_EQ(shell_word("vultus:{0}:x"), "'vultus:{0}:x'");
    EXPECT_EQ(shell_word("$"), "'$'");
    EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(explain, where_redis_is) {
    redis_address where;
    where.unix_socket = "/srv/my data/r.sock";
    EXPECT_EQ(redis_cli(where), "redis-cli -s '/srv/my data/r.sock'");
    where.unix_socket = "";
    where.host = "::1";
    where.port = 6'380;
    where.password = "secret";
    EXPECT_EQ(redis_cli(where), "redis-cli -h ::1 -p 6380");
}

TEST(explain, a_job_is_its_hash) {
    arguments asked;
    asked.what = command::job;
    asked.subject = "J";
    const std::vector<std::string> lines = explain(asked, *target_of(asked, ""), store_context());
    EXPECT_EQ(lines, std::vector<std::string>{
                         "redis-cli -s data/run/redis.sock HGETALL 'vultus:{0}:job:J'"});
}
