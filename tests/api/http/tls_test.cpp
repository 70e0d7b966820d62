// TLS on real sockets, mostly for the sanitizers: connections that end in the middle of an
// operation. tests/e2e/http/test_tls.py tests what clients see.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <optional>
#include <vector>

#include "api/http/tls.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;

const std::string host = "Host: localhost\r\n";

struct certificate {
    explicit certificate(const std::string& folder)
        : file(folder + "/api.crt"), key(folder + "/api.key") {
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc"
            " -subj /CN=localhost -out " +
            file + " -keyout " + key + " 2>/dev/null";
        EXPECT_EQ(std::system(command.c_str()), 0) << "openssl makes a certificate";
    }
    std::string file, key;
};

struct secure_api : ::testing::Test {
    temporary_folder folder;
    certificate files{folder.path()};
    running_api api{[this](api_settings& settings, server_settings& times) {
        settings.tls_certificate = files.file;
        settings.tls_key = files.key;
        times.header_time = std::chrono::milliseconds(300);
        times.first_byte_time = std::chrono::seconds(0);
        times.linger_time = std::chrono::milliseconds(50);
    }};
};

class secure_client {
 public:
    explicit secure_client(int port) : stream_(io_, context_) {
        const tcp::endpoint there(boost::asio::ip::make_address("127.0.0.1"),
                                  static_cast<unsigned short>(port));
        stream_.next_layer().connect(there);
        stream_.handshake(ssl::stream_base::client);
    }
    void send(const std::string& bytes) { boost::asio::write(stream_, boost::asio::buffer(bytes)); }
    /// All until the other side says that nothing more comes; nothing if it only stops.
    std::optional<std::string> receive_all() {
        std::string all;
        std::vector<char> part(4'096);
        boost::system::error_code bad;
        while (!bad) {
            all.append(part.data(), stream_.read_some(boost::asio::buffer(part), bad));
        }
        if (bad != boost::asio::error::eof) return std::nullopt;
        return all;
    }
    void reset() {
        stream_.next_layer().set_option(boost::asio::socket_base::linger(true, 0));
        stream_.next_layer().close();
    }

 private:
    boost::asio::io_context io_;
    ssl::context context_{ssl::context::tls_client};
    ssl::stream<tcp::socket> stream_;
};

TEST_F(secure_api, a_request_and_its_end) {
    secure_client one(api.port());
    one.send("GET /healthz/live HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n");
    const auto said = one.receive_all();
    ASSERT_TRUE(said.has_value()) << "the end was not told";
    EXPECT_TRUE(said->starts_with("HTTP/1.1 200")) << *said;
}

TEST_F(secure_api, plain_http_is_told) {
    connection plain(api.port());
    plain.send("GET /healthz/live HTTP/1.1\r\n" + host + "\r\n");
    const auto told = plain.receive();
    EXPECT_EQ(told.status, 400);
    EXPECT_EQ(member(told.body, "type"), "/problems/malformed");
    EXPECT_TRUE(plain.is_closed());
}

TEST_F(secure_api, clients_that_stop_are_let_go) {
    connection silent(api.port());
    connection halfway(api.port());
    halfway.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
    secure_client in_a_body(api.port());
    in_a_body.send("POST /api/recognize HTTP/1.1\r\n" + host +
                   "Content-Type: image/png\r\nContent-Length: 100\r\n\r\nabc");
    in_a_body.reset();
    EXPECT_TRUE(silent.is_closed());
    EXPECT_TRUE(halfway.is_closed());
    secure_client another(api.port());
    another.send("GET /healthz/live HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n");
    EXPECT_TRUE(another.receive_all().has_value());
}

TEST_F(secure_api, the_way_down_waits_for_no_handshake) {
    connection halfway(api.port());
    halfway.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));
    secure_client idle(api.port());
    idle.send("GET /healthz/live HTTP/1.1\r\n" + host + "\r\n");
    api.drain();
    EXPECT_TRUE(halfway.is_closed());
}

TEST_F(secure_api, a_renewed_certificate_that_is_none_changes_nothing) {
    const certificate other(folder.path());  // in place of the first
    ASSERT_EQ(std::system(("echo >" + files.key).c_str()), 0);
    api.inside([](application& app) { app.reload_certificate(); });
    secure_client one(api.port());
    one.send("GET /healthz/live HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n");
    EXPECT_TRUE(one.receive_all().has_value());
}

TEST(certificates, errors_name_the_file) {
    const temporary_folder folder;
    const certificate good(folder.path());
    EXPECT_TRUE(load_certificate(good.file, good.key).has_value());
    EXPECT_NE(good_until(**load_certificate(good.file, good.key)).find("GMT"), std::string::npos);
    for (const auto& [file, key, named] :
         {std::tuple{"/none.crt", good.key.c_str(), "/none.crt"},
          {good.file.c_str(), "/none.key", "/none.key"},
          {good.file.c_str(), good.file.c_str(), good.file.c_str()}}) {
        const auto loaded = load_certificate(file, key);
        ASSERT_FALSE(loaded.has_value()) << named;
        EXPECT_EQ(loaded.error().code, errc::bad_option);
        EXPECT_TRUE(loaded.error().detail.starts_with(named)) << loaded.error().detail;
    }
}

}  // namespace
}  // namespace vultus::api::testing
