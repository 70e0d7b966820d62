// See tls.hpp.
#include "api/http/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/error.hpp>

#include "shared/security/private_file.hpp"

namespace vultus::api {
namespace {

namespace ssl = boost::asio::ssl;

// For TLS 1.2; all cipher suites of 1.3 are of this kind.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

tl::unexpected<error> unusable(const std::string& file, const boost::system::error_code& why) {
    return fail(errc::bad_option, file + " is unusable: " + why.message());
}

}  // namespace

result<std::shared_ptr<ssl::context>> load_certificate(const std::string& certificate,
                                                       const std::string& key) {
    auto made = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* native = made->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(native, ciphers);
    SSL_CTX_set_options(
        native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // no buffers for an idle connection
    boost::system::error_code bad;
    made->use_certificate_chain_file(certificate, bad);
    if (bad) return unusable(certificate, bad);
    // Otherwise OpenSSL asks on the terminal for the password of an encrypted key.
    made->set_password_callback(
        [](std::size_t, ssl::context::password_purpose) { return std::string(); }, bad);
    if (auto good = check_private_file(key); !good) {
        return fail(errc::bad_option, good.error().detail);
    }
    made->use_private_key_file(key, ssl::context::pem,
                               bad);  // also checks that it matches the certificate
    if (bad) return unusable(key, bad);
    return made;
}

std::string good_until(ssl::context& from) {
    const X509* certificate = SSL_CTX_get0_certificate(from.native_handle());
    const std::unique_ptr<BIO, int (*)(BIO*)> text(BIO_new(BIO_s_mem()), BIO_free);
    if (certificate == nullptr || text == nullptr) return {};
    ASN1_TIME_print(text.get(), X509_get0_notAfter(certificate));
    char* begin = nullptr;
    const long size = BIO_get_mem_data(text.get(), &begin);
    return {begin, static_cast<std::size_t>(size)};
}

bool is_plain_http(const boost::system::error_code& of_handshake) noexcept {
    return of_handshake.category() == boost::asio::error::get_ssl_category() &&
           ERR_GET_REASON(static_cast<unsigned long>(of_handshake.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace vultus::api
