// See http_reader.hpp.
#include "clients/ctl/sources/http_reader.hpp"

#include <curl/curl.h>
#include <poll.h>

#include <utility>

namespace vultus::ctl {
namespace {

constexpr long slow_bytes = 1'000, slow_seconds = 5, connect_ms = 5'000, whole_ms = 60'000;
constexpr int attempts = 3, pause_ms = 500;

struct receiving {
    std::string body{};
    std::size_t bytes_max = 0;
    bool too_large = false;
};

std::size_t take_bytes(char* bytes, std::size_t, std::size_t count, void* with) {
    auto& now = *static_cast<receiving*>(with);
    now.too_large = count > now.bytes_max - now.body.size();
    if (now.too_large) return 0;  // another number than came: libcurl ends the transfer
    now.body.append(bytes, count);
    return count;
}

std::size_t no_header(char*, std::size_t, std::size_t count, void*) {
    return count;
}

int ends(void* with, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto& stopped = *static_cast<const std::function<bool()>*>(with);
    return stopped && stopped() ? 1 : 0;
}

}  // namespace

struct http_reader::state {
    http_server server;
    CURL* handle = nullptr;
    curl_slist* headers = nullptr;

    explicit state(http_server to) : server(std::move(to)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        ::curl_slist_free_all(headers);
        ::curl_easy_cleanup(handle);
    }
    void set_up() const;
};

void http_reader::state::set_up() const {
    ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    ::curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    ::curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, server.url.tls ? "https" : "http");
    ::curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(handle, CURLOPT_PROXY, "");
    ::curl_easy_setopt(handle, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    ::curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    ::curl_easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
    ::curl_easy_setopt(handle, CURLOPT_USERAGENT, "vultusctl");
    ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, whole_ms);
    ::curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    ::curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, slow_bytes);
    ::curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, slow_seconds);
    ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_bytes);
    ::curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, no_header);
    ::curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    ::curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, ends);
    ::curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &server.stopped);
    ::curl_easy_setopt(handle, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    if (!server.authorities.empty()) {
        ::curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
        ::curl_easy_setopt(handle, CURLOPT_CAINFO, server.authorities.c_str());
    }
}

http_reader::http_reader(std::unique_ptr<state> from) : state_(std::move(from)) {}
http_reader::http_reader(http_reader&&) noexcept = default;
http_reader& http_reader::operator=(http_reader&&) noexcept = default;
http_reader::~http_reader() = default;

result<http_reader> http_reader::open(http_server server) {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fail(errc::internal, "libcurl cannot be loaded");
    }
    auto made = std::make_unique<state>(std::move(server));
    made->handle = ::curl_easy_init();
    if (made->handle == nullptr) return fail(errc::internal, "libcurl cannot be used");
    if (!made->server.header.empty()) {
        made->headers = ::curl_slist_append(nullptr, made->server.header.c_str());
    }
    made->set_up();
    return http_reader(std::move(made));
}

result<http_answer> http_reader::once(const std::string& path, std::size_t bytes_max) {
    CURL* of = state_->handle;
    const photo_url& server = state_->server.url;
    receiving now{{}, bytes_max};
    ::curl_easy_setopt(of, CURLOPT_URL, (text_of(server) + path).c_str());
    ::curl_easy_setopt(of, CURLOPT_WRITEDATA, &now);
    ::curl_easy_setopt(of, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(bytes_max));
    const CURLcode code = ::curl_easy_perform(of);
    if (now.too_large || code == CURLE_FILESIZE_EXCEEDED) {
        return fail(errc::too_large,
                    "answer is larger than " + std::to_string(bytes_max) + " bytes");
    }
    if (code != CURLE_OK) {
        return fail(errc::fetch_failed,
                    "server " + server.host + ": " + ::curl_easy_strerror(code));
    }
    http_answer made;
    ::curl_easy_getinfo(of, CURLINFO_RESPONSE_CODE, &made.status);
    made.body = std::move(now.body);
    return made;
}

result<http_answer> http_reader::get(const std::string& path, std::size_t bytes_max) {
    const std::string host = "server " + state_->server.url.host;
    for (int attempt = 1;; ++attempt) {
        auto made = once(path, bytes_max);
        const auto& stopped = state_->server.stopped;
        const bool last = attempt == attempts || (stopped && stopped());
        const bool away = !made && made.error().code == errc::fetch_failed;
        const bool busy = made && (made->status == 429 || made->status >= 500);
        if (made && made->status >= 300 && made->status < 400) {
            return fail(errc::fetch_failed, host + " redirects; give the address that it leads to");
        }
        if (!away && !busy) return made;
        if (last && away) return made;
        if (last)
            return fail(errc::fetch_failed, host + " answers " + std::to_string(made->status));
        ::poll(nullptr, 0, pause_ms * attempt);
    }
}

}  // namespace vultus::ctl
