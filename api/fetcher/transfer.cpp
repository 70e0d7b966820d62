// See transfer.hpp.
#include "api/fetcher/transfer.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace vultus::fetcher {
namespace {

constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr long slow_bytes = 1'000, slow_seconds = 4, connect_ms = 5'000;

struct exchange {
    const std::vector<ip_address>& addresses;
    const std::size_t bytes_max;
    std::string body{};
    bool too_large = false, refused = false;
};

ip_address address_in(const sockaddr& from) {
    ip_address found = *parse_ip_address("0.0.0.0");
    if (from.sa_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(from);
        std::memcpy(found.bytes.data() + 12, &in.sin_addr, 4);
    } else if (from.sa_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(from);
        std::memcpy(found.bytes.data(), &in.sin6_addr, 16);
    }
    return found;
}

/// Called by libcurl for each connection, with the address that it is about to connect to.
curl_socket_t open_socket(void* with, curlsocktype, curl_sockaddr* where) {
    auto& now = *static_cast<exchange*>(with);
    const auto& all = now.addresses;
    if (std::find(all.begin(), all.end(), address_in(where->addr)) == all.end()) {
        now.refused = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

std::size_t take_bytes(char* bytes, std::size_t, std::size_t count, void* with) {
    auto& now = *static_cast<exchange*>(with);
    now.too_large = count > now.bytes_max - now.body.size();
    if (now.too_large) return 0;  // another number than came: libcurl ends the transfer
    now.body.append(bytes, count);
    return count;
}

std::size_t no_header(char*, std::size_t, std::size_t count, void*) {
    return count;
}

std::string pinned(const fetch_order& order, const std::vector<ip_address>& addresses) {
    std::string line = order.url.host + ":" + std::to_string(order.url.port) + ":";
    for (const ip_address& one : addresses) {
        if (line.back() != ':') line += ',';
        line += one.is_v4() ? text_of(one) : "[" + text_of(one) + "]";
    }
    return line;
}

void set_up(CURL* of, const fetch_order& order, exchange& now, const trust& trusted) {
    ::curl_easy_setopt(of, CURLOPT_URL, text_of(order.url).c_str());
    ::curl_easy_setopt(of, CURLOPT_PATH_AS_IS, 1L);
    ::curl_easy_setopt(of, CURLOPT_PROTOCOLS_STR, order.url.tls ? "https" : "http");
    ::curl_easy_setopt(of, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(of, CURLOPT_PROXY, "");
    ::curl_easy_setopt(of, CURLOPT_NOPROXY, "*");
    ::curl_easy_setopt(of, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    ::curl_easy_setopt(of, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    ::curl_easy_setopt(of, CURLOPT_HTTP09_ALLOWED, 0L);
    ::curl_easy_setopt(of, CURLOPT_USERAGENT, "vultus");
    ::curl_easy_setopt(of, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(of, CURLOPT_TCP_KEEPALIVE, 0L);
    ::curl_easy_setopt(of, CURLOPT_TIMEOUT_MS, static_cast<long>(order.time.count()));
    ::curl_easy_setopt(of, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    ::curl_easy_setopt(of, CURLOPT_LOW_SPEED_LIMIT, slow_bytes);
    ::curl_easy_setopt(of, CURLOPT_LOW_SPEED_TIME, slow_seconds);
    ::curl_easy_setopt(of, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(order.bytes_max));
    ::curl_easy_setopt(of, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    ::curl_easy_setopt(of, CURLOPT_OPENSOCKETDATA, &now);
    ::curl_easy_setopt(of, CURLOPT_WRITEFUNCTION, take_bytes);
    ::curl_easy_setopt(of, CURLOPT_WRITEDATA, &now);
    ::curl_easy_setopt(of, CURLOPT_HEADERFUNCTION, no_header);
    if (!order.url.tls) return;
    curl_blob authorities{};
    authorities.data = const_cast<char*>(trusted.authorities.data());  // NOLINT: copied
    authorities.len = trusted.authorities.size();
    authorities.flags = CURL_BLOB_COPY;
    ::curl_easy_setopt(of, CURLOPT_CAPATH, nullptr);
    ::curl_easy_setopt(of, CURLOPT_CAINFO, nullptr);
    ::curl_easy_setopt(of, CURLOPT_CAINFO_BLOB, &authorities);
    ::curl_easy_setopt(of, CURLOPT_SSL_VERIFYPEER, 1L);
    ::curl_easy_setopt(of, CURLOPT_SSL_VERIFYHOST, 2L);
    ::curl_easy_setopt(of, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
}

result<fetched> outcome_of(CURL* of, CURLcode code, const fetch_order& order, exchange& now) {
    if (now.too_large || code == CURLE_FILESIZE_EXCEEDED) {
        return fail(errc::too_large, "Photo at " + order.url.host + " is larger than " +
                                         std::to_string(order.bytes_max) + " bytes");
    }
    if (now.refused) {
        return fail(errc::url_refused, "Host " + order.url.host + " led to another address");
    }
    if (code != CURLE_OK) {
        return fail(errc::fetch_failed,
                    "Server " + order.url.host + ": " + ::curl_easy_strerror(code));
    }
    long status = 0;
    ::curl_easy_getinfo(of, CURLINFO_RESPONSE_CODE, &status);
    fetched made;
    if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
        const char* where = nullptr;
        ::curl_easy_getinfo(of, CURLINFO_REDIRECT_URL, &where);
        if (where != nullptr) made.redirect = where;
        if (!made.redirect.empty()) return made;
        return fail(errc::fetch_failed,
                    "Server " + order.url.host + " redirects without a Location");
    }
    if (status != 200) {
        return fail(errc::fetch_failed,
                    "Server " + order.url.host + " answered " + std::to_string(status));
    }
    made.photo = std::move(now.body);
    return made;
}

}  // namespace

result<trust> prepare_transfer(const fetch_order& order) {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fail(errc::internal, "libcurl cannot be loaded");
    }
    trust read;
    if (!order.url.tls) return read;
    const std::string path = order.authorities.empty() ? system_authorities : order.authorities;
    std::ifstream file(path, std::ios::binary);
    read.authorities.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || read.authorities.empty()) {
        return fail(errc::internal, "Certificate authorities cannot be read: " + path);
    }
    return read;
}

result<fetched> transfer(const fetch_order& order, const std::vector<ip_address>& addresses,
                         const trust& trusted) {
    const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> handle(::curl_easy_init(),
                                                                       ::curl_easy_cleanup);
    if (!handle) return fail(errc::internal, "libcurl cannot be loaded");
    exchange now{addresses, order.bytes_max};
    set_up(handle.get(), order, now, trusted);
    std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)> pins(nullptr,
                                                                       ::curl_slist_free_all);
    if (!parse_ip_address(order.url.host)) {
        pins.reset(::curl_slist_append(nullptr, pinned(order, addresses).c_str()));
        ::curl_easy_setopt(handle.get(), CURLOPT_RESOLVE, pins.get());
    }
    const CURLcode code = ::curl_easy_perform(handle.get());
    return outcome_of(handle.get(), code, order, now);
}

}  // namespace vultus::fetcher
