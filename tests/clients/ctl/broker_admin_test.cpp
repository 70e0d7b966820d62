// The requests to the broker, on a real socket.
#include "clients/ctl/brokers/broker_admin.hpp"

#include <gtest/gtest.h>

#include "tests/clients/ctl/broker_support.hpp"
#include "tests/clients/ctl/data_folder.hpp"

using namespace vultus;
using namespace vultus::ctl;

namespace {

constexpr std::chrono::milliseconds patient{10'000};

std::string endpoint(const data_folder& folder) {
    return "ipc://" + folder.path() + "/run/broker-api.sock";
}

}  // namespace

TEST(broker_admin, status_and_drain) {
    const data_folder folder;
    fake_broker broker(folder.path());
    zmq_context context;
    auto link = broker_admin::open(context, endpoint(folder));
    ASSERT_TRUE(link);
    auto reply = link->status(patient);
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->workers.size(), 1U);
    EXPECT_EQ(reply->workers[0].state, "ready");
    EXPECT_TRUE(link->drain(reply->workers[0].worker_id, patient));
    reply = link->status(patient);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->workers[0].state, "draining");
}

TEST(broker_admin, rubbish_and_late_answers_are_dropped) {
    const data_folder folder;
    fake_broker broker(folder.path());
    broker.answers_rubbish_first = true;
    zmq_context context;
    auto link = broker_admin::open(context, endpoint(folder));
    ASSERT_TRUE(link);
    const auto reply = link->status(patient);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->workers.size(), 1U);
}

TEST(broker_admin, nobody_there) {
    const data_folder folder;
    zmq_context context;
    auto link = broker_admin::open(context, endpoint(folder));
    ASSERT_TRUE(link);
    EXPECT_FALSE(link->status(std::chrono::milliseconds{30}));
    EXPECT_FALSE(link->drain("w", std::chrono::milliseconds{30}));
}

TEST(broker_admin, a_bad_endpoint_is_said) {
    zmq_context context;
    const auto link = broker_admin::open(context, "nowhere");
    ASSERT_FALSE(link);
    EXPECT_EQ(link.error().code, errc::malformed);
}
