#include "clients/lfw/service.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"

namespace vultus::lfw {
namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds pause_usual{1'000}, pause_least{100};  // whatever Retry-After says

struct reply {
    unsigned status = 0;
    milliseconds retry_after{0};
    std::string body;
};

/// One connection, opened when needed. A request has one deadline, up to the last byte of its
/// answer. threads: one
class caller {
 public:
    caller(const service_address& where, const look_settings& settings)
        : where_(where),
          path_("/api/recognize?durable=false&embeddings=true" +
                (settings.detector == "auto" ? "" : "&detector=" + settings.detector) +
                "&min_face_px=" + std::to_string(settings.detecting.min_face_px)) {}

    result<reply> post(const std::string& photo, steady::time_point deadline) {
        http::request<http::string_body> wanted{http::verb::post, path_, 11};
        wanted.set(http::field::host, where_.url.authority());
        if (!where_.key.empty()) wanted.set(http::field::authorization, "Bearer " + where_.key);
        wanted.set(http::field::content_type, "image/jpeg");
        wanted.body() = photo;
        wanted.prepare_payload();
        socket_.expires_at(deadline);
        boost::system::error_code why;
        std::string refused;
        if (!connected_) why = connect(refused);
        http::response_parser<http::string_body> parser;
        parser.body_limit(limits::result_bytes);
        if (!why) why = secure_ ? ask(*secure_, wanted, parser) : ask(socket_, wanted, parser);
        if (why) {
            hang_up();
            return fail(errc::store_unavailable,
                        "no reply: " + (refused.empty() ? why.message() : refused));
        }
        const auto& answer = parser.get();
        if (!answer.keep_alive()) hang_up();
        reply made{answer.result_int(), pause_usual, answer.body()};
        const auto after = answer[http::field::retry_after];
        unsigned seconds = 0;
        const auto read = std::from_chars(after.data(), after.data() + after.size(), seconds);
        if (read.ec == std::errc{}) made.retry_after = std::chrono::seconds(seconds);
        made.retry_after = std::max(made.retry_after, pause_least);
        return made;
    }

 private:
    /// Runs one operation until it ends or the deadline passes.
    template <class Start>
    boost::system::error_code finished(Start start) {
        boost::system::error_code outcome;
        start([&outcome](boost::system::error_code why, auto&&...) { outcome = why; });
        io_.restart();
        io_.run();
        return outcome;
    }
    template <class Stream, class Request, class Parser>
    boost::system::error_code ask(Stream& stream, Request& wanted, Parser& parser) {
        auto why = finished([&](auto done) { http::async_write(stream, wanted, done); });
        if (why) return why;
        return finished([&](auto done) { http::async_read(stream, buffer_, parser, done); });
    }
    boost::system::error_code connect(std::string& refused) {
        boost::system::error_code why;
        tcp::resolver resolver(io_);
        const auto found = resolver.resolve(where_.url.host, where_.url.port, why);
        if (why) return why;
        why = finished([&](auto done) { socket_.async_connect(found, done); });
        if (why || !where_.trusted) {
            connected_ = !why;
            return why;
        }
        secure_.emplace(socket_, *where_.trusted);
        net::expect_host(secure_->native_handle(), where_.url.host);
        why = finished([&](auto done) {
            secure_->async_handshake(boost::asio::ssl::stream_base::client, done);
        });
        connected_ = !why;
        if (why) refused = net::why_not(why, secure_->native_handle());
        return why;
    }
    void hang_up() {
        connected_ = false;
        secure_.reset();
        socket_.close();
        buffer_.clear();
    }

    const service_address& where_;
    const std::string path_;
    boost::asio::io_context io_;
    boost::beast::tcp_stream socket_{io_};
    std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> secure_;
    bool connected_ = false;
    boost::beast::flat_buffer buffer_;
};

result<service_answer> ask_patiently(caller& service, const std::string& photo,
                                     milliseconds patience) {
    const auto give_up = steady::now() + patience;
    while (true) {
        const auto answer = service.post(photo, give_up);
        if (answer && answer->status == 200) return read_answer(answer->body);
        const bool again = !answer || answer->status == 429 || answer->status == 503;
        const auto pause = answer ? answer->retry_after : pause_usual;
        if (!again || steady::now() + pause > give_up) {
            if (!answer) return fail(answer.error());
            return fail(again ? errc::store_unavailable : errc::malformed,
                        "the service answered " + std::to_string(answer->status));
        }
        std::this_thread::sleep_for(pause);
    }
}

/// Shared by the threads: each takes the next photo until there is none, or one of them failed.
struct asking {
    const std::vector<photo_id>& photos;
    const look_settings& settings;
    std::vector<std::optional<raw_face>>& faces;
    const milliseconds patience;
    std::atomic<std::size_t> next{0}, done{0};
    std::atomic<bool> failed{false};
};

struct worker {
    double waited = 0;               ///< seconds
    std::string detector, embedder;  ///< empty: no answer yet
    error why;                       ///< of the worker that failed; else its detail is empty
};

result<void> ask_one(asking& all, worker& own, caller& service, std::size_t i) {
    const std::string path = path_of(all.photos[i]);
    std::ifstream file(std::filesystem::path(all.settings.images) / path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) return fail(errc::not_found, path + " cannot be read");
    const auto answer = ask_patiently(service, bytes, all.patience);
    if (!answer) return fail(answer.error().code, path + ": " + answer.error().detail);
    if (!own.embedder.empty() && own.embedder != answer->embedder) {
        return fail(errc::malformed, "workers with different embeddings answer");
    }
    own.embedder = answer->embedder;
    own.detector = answer->detector;
    if (answer->face) all.faces[i] = raw_face{{}, {}, {{answer->embedder, *answer->face}}};
    return {};
}

void work(asking& all, worker& own, const service_address& where,
          const std::function<void(std::size_t)>* on_photo) {
    caller service(where, all.settings);
    for (std::size_t i = all.next++; i < all.photos.size() && !all.failed; i = all.next++) {
        const auto begin = steady::now();
        if (auto asked = ask_one(all, own, service, i); !asked) {
            own.why = asked.error();
            all.failed = true;
            return;
        }
        own.waited += std::chrono::duration<double>(steady::now() - begin).count();
        const std::size_t now = ++all.done;
        if (on_photo != nullptr) (*on_photo)(now);
    }
}

}  // namespace

result<service_faces> ask_service(const std::vector<photo_id>& photos,
                                  const look_settings& settings, const service_address& where,
                                  const std::function<void(std::size_t)>& on_photo) {
    VULTUS_REQUIRE(settings.threads >= 1, "somebody to do it");
    service_faces found;
    found.seen.faces.resize(photos.size());
    asking all{photos, settings, found.seen.faces, where.patience, {}, {}, {}};
    std::vector<worker> workers(static_cast<std::size_t>(settings.threads));
    const auto begin = steady::now();
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < workers.size(); ++i) {
            threads.emplace_back([&, i] { work(all, workers[i], where, nullptr); });
        }
        work(all, workers.front(), where, &on_photo);
    }
    found.seen.seconds = std::chrono::duration<double>(steady::now() - begin).count();
    double waited = 0;
    std::string embedder;
    for (const worker& own : workers) {
        if (!own.why.detail.empty()) return fail(own.why);
        if (!own.embedder.empty() && !embedder.empty() && own.embedder != embedder) {
            return fail(errc::malformed, "workers with different embeddings answer");
        }
        if (own.embedder.empty()) continue;
        embedder = own.embedder;
        found.seen.detector = own.detector;
    }
    for (const worker& own : workers) waited += own.waited;
    found.seen.embedders = {embedder};
    if (!photos.empty()) {
        found.seen.ms_per_photo = waited * 1000 / static_cast<double>(photos.size());
    }
    return found;
}

}  // namespace vultus::lfw
