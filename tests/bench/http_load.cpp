// Load on POST /api/recognize, over connections that are kept. Closed loop (RATE 0): each client
// has one job in flight, waits for its end and sends the next photo. Open loop: photos are due at
// random times (Poisson, RATE a second) whatever the service does, and a client that is free sends
// the next; time counts from when the photo was due. Prints one JSON object.
//   http_load PORT CLIENTS SECONDS RATE QUERY PHOTO...
// QUERY goes behind /api/recognize; SECONDS count after a second of warming up.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

enum class outcome { succeeded, refused, failed };

class client {
 public:
    explicit client(int port) : port_(port) { connect(); }
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client() { ::close(socket_); }

    // Counts the faces of a succeeded job in `faces`.
    outcome ask(const std::string& request, std::size_t& faces) {
        if (broken_) connect();
        if (broken_ || !send_all(request)) return fault("cannot send");
        std::string answer;
        std::size_t whole = std::string::npos;
        while (answer.size() < whole) {
            char buffer[16'384];
            const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
            if (got <= 0) return fault("the connection ended: " + answer);
            answer.append(buffer, static_cast<std::size_t>(got));
            if (whole == std::string::npos) whole = length_of(answer);
        }
        const bool busy = answer.starts_with("HTTP/1.1 503") || answer.starts_with("HTTP/1.1 429");
        if (busy && answer.find("\r\nRetry-After: ") != std::string::npos) {
            broken_ = answer.find("\r\nConnection: close\r\n") != std::string::npos;
            return outcome::refused;
        }
        const bool stored = answer.find("\"state\":\"succeeded\"") != std::string::npos;
        const bool direct = answer.find("\"state\":") == std::string::npos &&
                            answer.find("\"faces\":[") != std::string::npos;
        if (!answer.starts_with("HTTP/1.1 200") || !(stored || direct)) {
            return fault(answer);
        }
        for (auto at = answer.find("\"box\":"); at != std::string::npos;) {
            ++faces;
            at = answer.find("\"box\":", at + 1);
        }
        return outcome::succeeded;
    }

 private:
    void connect() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port_));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        broken_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0;
    }
    outcome fault(const std::string& what) {
        broken_ = true;
        std::fprintf(stderr, "failed: %.600s\n", what.c_str());
        return outcome::failed;
    }
    bool send_all(const std::string& bytes) {
        for (std::size_t sent = 0; sent < bytes.size();) {
            const auto now =
                ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (now <= 0) return false;
            sent += static_cast<std::size_t>(now);
        }
        return true;
    }
    // Bytes of the whole answer, once its header is there.
    static std::size_t length_of(const std::string& answer) {
        const auto end = answer.find("\r\n\r\n");
        auto field = answer.find("Content-Length: ");
        if (field == std::string::npos) field = answer.find("content-length: ");  // of a peer
        if (end == std::string::npos || field == std::string::npos) return std::string::npos;
        return end + 4 +
               static_cast<std::size_t>(std::strtoul(answer.c_str() + field + 16, nullptr, 10));
    }

    int port_;
    int socket_ = -1;
    bool broken_ = true;
};

// What is sent next, and when it is due.
class plan {
 public:
    plan(std::vector<std::string> requests, double rate, clock_type::time_point end)
        : requests_(std::move(requests)), rate_(rate), end_(end) {}

    // Null after the end. Waits until the photo is due.
    const std::string* next(clock_type::time_point& due) {
        const std::string* request;
        {
            const std::lock_guard lock(mutex_);
            if (rate_ > 0) {
                due_ += std::chrono::duration_cast<clock_type::duration>(
                    std::chrono::duration<double>(-std::log(1 - even_(random_)) / rate_));
            } else {
                due_ = clock_type::now();
            }
            due = due_;
            request = &requests_[sent_++ % requests_.size()];
        }
        if (due >= end_) return nullptr;
        std::this_thread::sleep_until(due);
        return request;
    }

 private:
    const std::vector<std::string> requests_;
    const double rate_;
    const clock_type::time_point end_;
    std::mutex mutex_;
    clock_type::time_point due_ = clock_type::now();
    std::size_t sent_ = 0;
    std::mt19937_64 random_{1};
    std::uniform_real_distribution<double> even_{0, 1};
};

struct tally {
    std::vector<double> milliseconds;
    std::size_t faces = 0, refused = 0, failed = 0;
};

void drive(int port, plan& what, clock_type::time_point from, clock_type::time_point to,
           tally& mine) {
    client one(port);
    clock_type::time_point due;
    while (const std::string* request = what.next(due)) {
        std::size_t faces = 0;
        const outcome came = one.ask(*request, faces);
        const auto end = clock_type::now();
        if (end < from || end > to) continue;
        if (came == outcome::refused) ++mine.refused;
        if (came == outcome::failed && ++mine.failed > 100) return;
        if (came != outcome::succeeded) continue;
        mine.faces += faces;
        mine.milliseconds.push_back(std::chrono::duration<double, std::milli>(end - due).count());
    }
}

std::string request_for(const std::string& query, const char* file) {
    std::ifstream stream(file, std::ios::binary);
    const std::string photo{std::istreambuf_iterator<char>(stream), {}};
    return "POST /api/recognize" + query +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nPrefer: wait=30\r\n"
           "Content-Length: " +
           std::to_string(photo.size()) + "\r\n\r\n" + photo;
}

}  // namespace

int main(int count, char** words) {
    if (count < 7) return 2;
    const int port = std::atoi(words[1]);
    const std::chrono::duration<double> length(std::atof(words[3]));
    std::vector<std::string> requests;
    for (int i = 6; i < count; ++i) requests.push_back(request_for(words[5], words[i]));
    const auto from = clock_type::now() + std::chrono::seconds(1);
    const auto to = from + std::chrono::duration_cast<clock_type::duration>(length);
    plan what(std::move(requests), std::atof(words[4]), to);
    std::vector<tally> tallies(static_cast<std::size_t>(std::atoi(words[2])));
    std::vector<std::thread> threads;
    for (tally& mine : tallies) {
        threads.emplace_back([&, port] { drive(port, what, from, to, mine); });
    }
    for (auto& thread : threads) thread.join();
    tally all;
    for (const tally& mine : tallies) {
        all.milliseconds.insert(all.milliseconds.end(), mine.milliseconds.begin(),
                                mine.milliseconds.end());
        all.faces += mine.faces;
        all.refused += mine.refused;
        all.failed += mine.failed;
    }
    if (all.milliseconds.empty()) return 1;
    std::sort(all.milliseconds.begin(), all.milliseconds.end());
    const auto at = [&](double share) {
        const double last = static_cast<double>(all.milliseconds.size() - 1);
        return all.milliseconds[static_cast<std::size_t>(share * last)];
    };
    std::printf(
        "{\"jobs\": %zu, \"jobs_per_s\": %.2f, \"faces_per_s\": %.2f, \"p50_ms\": %.2f, "
        "\"p95_ms\": %.2f, \"p99_ms\": %.2f, \"refused\": %zu, \"failed\": %zu}\n",
        all.milliseconds.size(), static_cast<double>(all.milliseconds.size()) / length.count(),
        static_cast<double>(all.faces) / length.count(), at(0.5), at(0.95), at(0.99), all.refused,
        all.failed);
    return 0;
}
