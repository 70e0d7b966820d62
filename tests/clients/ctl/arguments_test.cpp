// Arguments that vultusctl refuses before any connection (exit code 2), and where it looks for
// Redis.
#include "clients/ctl/cli/arguments.hpp"

#include <gtest/gtest.h>

using namespace vultus;
using namespace vultus::ctl;

namespace {

const std::string job_id = "01890a5d-ac96-7000-8000-0123456789ab";

arguments with(command what, std::string subject) {
    arguments asked;
    asked.what = what;
    asked.subject = std::move(subject);
    return asked;
}

}  // namespace

TEST(arguments, job_ids) {
    for (const command what :
         {command::job, command::cancel, command::kick, command::bury, command::remove}) {
        EXPECT_TRUE(check(with(what, job_id)));
        EXPECT_EQ(check(with(what, "17")).error().code, errc::malformed);
        EXPECT_EQ(check(with(what, job_id + "*")).error().code, errc::malformed);
    }
}

TEST(arguments, worker_ids_and_collections) {
    EXPECT_TRUE(check(with(command::drain, "host-12-cpu-0a1b2c3d")));
    EXPECT_FALSE(check(with(command::drain, "")));
    EXPECT_FALSE(check(with(command::drain, "a b")));
    EXPECT_TRUE(check(with(command::drain, std::string(96, 'a'))));
    EXPECT_FALSE(check(with(command::drain, std::string(97, 'a'))));
    EXPECT_TRUE(check(with(command::faces, "team-1")));
    EXPECT_EQ(check(with(command::faces, "a:b")).error().code, errc::bad_collection);
}

TEST(arguments, filters) {
    arguments asked = with(command::jobs, "");
    asked.state = "dead";
    asked.type = "train";
    asked.count = 1'000;
    EXPECT_TRUE(check(asked));
    asked.count = 1'001;
    EXPECT_FALSE(check(asked));
    asked.count = 1;
    asked.state = "asleep";
    EXPECT_FALSE(check(asked));
    asked.state = "";
    asked.type = "teach";
    EXPECT_FALSE(check(asked));
}

TEST(arguments, stream_ids) {
    arguments asked = with(command::tail, "");
    asked.count = 5'000;
    asked.from = "$";
    EXPECT_FALSE(check(asked));
    asked.from = "0-0";
    EXPECT_TRUE(check(asked));
}

TEST(target, sockets_of_the_data_folder_by_default) {
    arguments asked;
    asked.data = "/srv/v";
    const auto where = target_of(asked, "");
    ASSERT_TRUE(where);
    EXPECT_EQ(where->redis.unix_socket, "/srv/v/run/redis.sock");
    EXPECT_EQ(where->broker, "ipc:///srv/v/run/broker-api.sock");
}

TEST(target, addresses) {
    arguments asked;
    asked.redis = "unix:/tmp/r.sock";
    asked.broker = "tcp://10.0.0.1:5561";
    auto where = target_of(asked, "secret");
    ASSERT_TRUE(where);
    EXPECT_EQ(where->redis.unix_socket, "/tmp/r.sock");
    EXPECT_EQ(where->redis.password, "secret");
    EXPECT_EQ(where->broker, "tcp://10.0.0.1:5561");

    asked.redis = "db.example:6380";
    where = target_of(asked, "");
    ASSERT_TRUE(where);
    EXPECT_EQ(where->redis.unix_socket, "");
    EXPECT_EQ(where->redis.host, "db.example");
    EXPECT_EQ(where->redis.port, 6'380);

    asked.redis = "[::1]:65535";
    where = target_of(asked, "");
    ASSERT_TRUE(where);
    EXPECT_EQ(where->redis.host, "::1");
    EXPECT_EQ(where->redis.port, 65'535);
}

TEST(target, not_an_address) {
    arguments asked;
    for (const char* bad :
         {"unix:", "host", ":1", "host:", "host:0", "host:65536", "host:1x", "h:999999"}) {
        asked.redis = bad;
        EXPECT_EQ(target_of(asked, "").error().code, errc::malformed) << bad;
    }
}
