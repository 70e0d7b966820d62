// Closed-loop load on POST /api/recognize: each client has one connection and one job in flight,
// waits for its end (Prefer: wait) and sends the next. Prints one JSON object: jobs_per_s, p50_ms,
// p99_ms, failed.
//   queue_load PORT CLIENTS SECONDS PHOTO
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

class client {
   public:
    explicit client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client() { ::close(socket_); }

    // True if the answer is 200 and its job succeeded.
    bool ask(const std::string& request) {
        if (!connected_ || !send_all(request)) return connected_ = false;
        std::string answer;
        std::size_t whole = std::string::npos;
        while (answer.size() < whole) {
            char buffer[16'384];
            const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
            if (got <= 0) return connected_ = false;
            answer.append(buffer, static_cast<std::size_t>(got));
            if (whole == std::string::npos) whole = length_of(answer);
        }
        return answer.rfind("HTTP/1.1 200", 0) == 0 &&
               answer.find("\"state\":\"succeeded\"") != std::string::npos;
    }

   private:
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
        const auto field = answer.find("Content-Length: ");
        if (end == std::string::npos || field == std::string::npos) return std::string::npos;
        return end + 4 +
               static_cast<std::size_t>(std::strtoul(answer.c_str() + field + 16, nullptr, 10));
    }

    int socket_;
    bool connected_ = false;
};

struct tally {
    std::vector<double> milliseconds;
    std::size_t failed = 0;
};

tally drive(int port, const std::string& request, clock_type::time_point from,
            clock_type::time_point to) {
    tally mine;
    client one(port);
    while (clock_type::now() < to) {
        const auto begin = clock_type::now();
        const bool good = one.ask(request);
        const auto end = clock_type::now();
        if (!good) {
            if (++mine.failed > 100) break;
            continue;
        }
        if (begin >= from && end <= to) {
            mine.milliseconds.push_back(
                std::chrono::duration<double, std::milli>(end - begin).count());
        }
    }
    return mine;
}

}  // namespace

int main(int count, char** words) {
    if (count != 5) return 2;
    const int port = std::atoi(words[1]);
    const int clients = std::atoi(words[2]);
    const std::chrono::duration<double> length(std::atof(words[3]));
    std::ifstream file(words[4], std::ios::binary);
    const std::string photo{std::istreambuf_iterator<char>(file), {}};
    const std::string request =
        "POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        "Prefer: wait=30\r\nContent-Length: " + std::to_string(photo.size()) + "\r\n\r\n" + photo;
    const auto from = clock_type::now() + std::chrono::seconds(1);
    const auto to = from + std::chrono::duration_cast<clock_type::duration>(length);
    std::vector<tally> tallies(static_cast<std::size_t>(clients));
    std::vector<std::thread> threads;
    for (auto& mine : tallies) {
        threads.emplace_back(
            [&mine, &request, port, from, to] { mine = drive(port, request, from, to); });
    }
    for (auto& thread : threads) thread.join();
    std::vector<double> all;
    std::size_t failed = 0;
    for (const auto& mine : tallies) {
        all.insert(all.end(), mine.milliseconds.begin(), mine.milliseconds.end());
        failed += mine.failed;
    }
    if (all.empty()) return 1;
    std::sort(all.begin(), all.end());
    const auto at = [&](double share) {
        return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
    };
    std::printf("{\"jobs_per_s\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"failed\": %zu}\n",
                static_cast<double>(all.size()) / length.count(), at(0.5), at(0.99), failed);
    return 0;
}
