// See trust.hpp. The only file of the clients with OpenSSL's own functions.
#include "clients/net/trust.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>

namespace vultus::net {

namespace ssl = boost::asio::ssl;

result<std::shared_ptr<ssl::context>> trust(const service_url& service,
                                            const std::string& authorities) {
    if (!service.tls) return std::shared_ptr<ssl::context>();
    auto made = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
    boost::system::error_code bad;
    if (authorities.empty()) {
        made->set_default_verify_paths(bad);
    } else {
        made->load_verify_file(authorities, bad);
    }
    if (bad) return fail(errc::bad_option, authorities + " contains no CA certificate");
    made->set_verify_mode(ssl::verify_peer);
    return made;
}

void expect_host(void* stream, const std::string& host) {
    auto* const native = static_cast<SSL*>(stream);
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(native);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return;
    SSL_set_tlsext_host_name(native, host.c_str());
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
}

std::string why_not(const boost::system::error_code& bad, void* stream) {
    const long verdict = SSL_get_verify_result(static_cast<SSL*>(stream));
    if (verdict != X509_V_OK) {
        return std::string("certificate not trusted: ") + X509_verify_cert_error_string(verdict);
    }
    return "TLS handshake failed: " + bad.message();
}

}  // namespace vultus::net
