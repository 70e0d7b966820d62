// An api that cannot listen reports the address, the reason and the remedy; one that listens
// reports its address and its instance name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/http/forwarded.hpp"
#include "api/services/announce.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& bind, int port) {
    zmq_context zmq;  // waits for the sockets that io's coroutines hold
    asio::io_context io(1);
    api_settings settings;
    settings.bind = bind;
    settings.port = port;
    settings.insecure = true;
    settings.common.redis.unix_socket = "/nowhere/redis.sock";
    settings.common.broker_api_endpoints = {"ipc:///tmp/nobody.sock"};
    const auto made = application::start(io, zmq, settings);
    if (made) return "listens";
    EXPECT_EQ(made.error().code, errc::bad_option);
    EXPECT_EQ(made.error().detail.find('\n'), std::string::npos);
    return made.error().detail;
}

TEST(listening, a_busy_port_is_named_with_its_error_and_what_to_do) {
    running_api other;
    const std::string said = refusal("127.0.0.1", other.port());
    EXPECT_THAT(said,
                HasSubstr("api.bind = \"127.0.0.1\", api.port = " + std::to_string(other.port())));
    EXPECT_THAT(said, HasSubstr("Address already in use (errno 98)"));
    EXPECT_THAT(said, HasSubstr("choose another api.port"));
}

TEST(listening, an_address_that_is_not_this_machines_is_named) {
    EXPECT_THAT(refusal("192.0.2.1", 0), HasSubstr("errno 99"));
    EXPECT_THAT(refusal("192.0.2.1", 0), HasSubstr("not an address of this machine"));
    EXPECT_THAT(refusal("photos.example", 0), HasSubstr("\"photos.example\" is not an address"));
}

TEST(listening, an_ipv4_client_of_both_families_is_known_by_its_address) {
    running_api both([](api_settings& settings, server_settings&) {
        settings.bind = "::";
        settings.insecure = true;
    });
    connection to(both.port());  // by 127.0.0.1
    to.send("GET /healthz/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    EXPECT_EQ(to.receive().status, 200);
    const auto mapped = asio::ip::make_address("::ffff:192.0.2.7");
    EXPECT_EQ(plain_address(mapped), "192.0.2.7");
    EXPECT_EQ(plain_address(asio::ip::make_address("192.0.2.7")), "192.0.2.7");
    EXPECT_EQ(plain_address(asio::ip::make_address("2001:db8::7")), "2001:db8::7");
}

TEST(announce, the_url_is_one_that_this_machine_reaches) {
    api_settings settings;
    const auto url = [&](const char* bind) {
        settings.bind = bind;
        return own_url(settings, 5000);
    };
    EXPECT_EQ(url("127.0.0.1"), "http://127.0.0.1:5000");
    EXPECT_EQ(url("localhost"), "http://127.0.0.1:5000");
    EXPECT_EQ(url("127.0.0.2"), "http://127.0.0.2:5000");
    EXPECT_EQ(url("0.0.0.0"), "http://127.0.0.1:5000");
    EXPECT_EQ(url("::"), "http://[::1]:5000");
    EXPECT_EQ(url("0:0::0"), "http://[::1]:5000");
    EXPECT_EQ(url("::1"), "http://[::1]:5000");
    EXPECT_EQ(url("2001:db8::1"), "http://[2001:db8::1]:5000");
    settings.tls_certificate = "a.pem";
    EXPECT_EQ(url("10.0.0.1"), "https://10.0.0.1:5000");
}

TEST(announce, the_file_is_written_whole_and_for_its_owner) {
    const temporary_folder folder;
    const std::string file = folder.path() + "/api.address";
    ASSERT_TRUE(announce_address(file, "http://127.0.0.1:1"));
    ASSERT_TRUE(announce_address(file, "http://127.0.0.1:2"));
    std::string line;
    std::getline(std::ifstream(file), line);
    EXPECT_EQ(line, "http://127.0.0.1:2");
    struct stat what {};
    ASSERT_EQ(::stat(file.c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777U, 0600U);
    EXPECT_TRUE(announce_address("", "http://127.0.0.1:1"));
    EXPECT_THAT(announce_address("/nowhere/file", "x").error().detail, HasSubstr("/nowhere/file"));
}

TEST(announce, an_instance_is_a_name) {
    const auto instance = [](const char* text) {
        ::setenv("VULTUS_INSTANCE", text, 1);
        return instance_of_environment();
    };
    EXPECT_EQ(instance("0123-aB_"), "0123-aB_");
    EXPECT_EQ(instance(std::string(64, 'a').c_str()), std::string(64, 'a'));
    for (const char* bad : {"", "a b", "a\r\nX: y", "\xC3\xA4"}) EXPECT_EQ(instance(bad), "");
    EXPECT_EQ(instance(std::string(65, 'a').c_str()), "");
    ::unsetenv("VULTUS_INSTANCE");
    EXPECT_EQ(instance_of_environment(), "");
}

}  // namespace
}  // namespace vultus::api::testing
