// The api's certificate and TLS settings: 1.2 and 1.3, only forward secrecy and authenticated
// encryption, no compression, no renegotiation. By OpenSSL.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "shared/base/result.hpp"

namespace vultus::api {

/// `certificate`  PEM file: the certificate, then the intermediate ones
/// `key`          PEM file: its private key, without a password
/// errors         bad_option: a file cannot be read, the key does not match the certificate, or
///                others can read it (private_file.hpp)
result<std::shared_ptr<boost::asio::ssl::context>> load_certificate(const std::string& certificate,
                                                                    const std::string& key);

/// The end of the certificate's validity: "Jan  1 00:00:00 2027 GMT".
std::string good_until(boost::asio::ssl::context&);

/// Whether a handshake failed because the client spoke HTTP without TLS.
bool is_plain_http(const boost::system::error_code& of_handshake) noexcept;

}  // namespace vultus::api
