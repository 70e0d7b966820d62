// TLS from the client's side: the service's certificate has to be good for its name, and be signed
// by somebody who is trusted. OpenSSL does it.
#pragma once

#include <boost/system/error_code.hpp>
#include <memory>
#include <string>

#include "clients/net/service_url.hpp"

namespace boost::asio::ssl {
class context;
}

namespace vultus::net {

/// Null for a service without TLS.
/// `authorities`  PEM file of those to trust; empty: the system's (and $SSL_CERT_FILE)
/// errors         bad_option: the file holds no certificate
result<std::shared_ptr<boost::asio::ssl::context>> trust(const service_url& service,
                                                         const std::string& authorities);

/// Before the handshake: asks for the service of that name (SNI) and for a certificate for it.
/// `ssl`  the SSL* of the stream
void expect_host(void* ssl, const std::string& host);

/// Why a handshake failed, for a person: names the certificate if it is the reason.
std::string why_not(const boost::system::error_code& bad, void* ssl);

}  // namespace vultus::net
