// The api's certificate and how TLS is spoken: 1.2 and 1.3, with forward secrecy and authenticated
// encryption only, no compression, no renegotiation. OpenSSL does it.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "shared/base/result.hpp"

namespace vultus::api {

/// `certificate`  file: the certificate and then those between it and the authority's, PEM
/// `key`          file: its private key, PEM, without a password
/// errors         bad_option: a file cannot be read, the key is another certificate's, or it is not
///                its user's alone (private_file.hpp)
result<std::shared_ptr<boost::asio::ssl::context>> load_certificate(const std::string& certificate,
                                                                    const std::string& key);

/// Until when the certificate is good: "Jan  1 00:00:00 2027 GMT".
std::string good_until(boost::asio::ssl::context&);

/// Whether a handshake failed because the client spoke HTTP without TLS.
bool is_plain_http(const boost::system::error_code& of_handshake) noexcept;

}  // namespace vultus::api
