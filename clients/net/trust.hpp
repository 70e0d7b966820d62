// TLS for clients: the service's certificate must be valid for its name and signed by a trusted
// authority. By OpenSSL.
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
/// `authorities`  PEM file of the trusted ones; empty: the system's (and $SSL_CERT_FILE)
/// errors         bad_option: the file contains no certificate
result<std::shared_ptr<boost::asio::ssl::context>> trust(const service_url& service,
                                                         const std::string& authorities);

/// Before the handshake: sets the server name (SNI) and requires a certificate for it.
/// `ssl`  the SSL* of the stream
void expect_host(void* ssl, const std::string& host);

/// The error text of a failed handshake; names the certificate if it is the reason.
std::string why_not(const boost::system::error_code& bad, void* ssl);

}  // namespace vultus::net
