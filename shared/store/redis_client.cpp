// One connection to Redis. hiredis connects and parses replies; writing, timers, the order of
// waiting commands and reconnecting are implemented here, because hiredis 0.14 has no timers and
// does not report whether a lost command was sent. The only file with hiredis.
#include "shared/store/redis_client.hpp"

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <exception>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/store/redis_command.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds back_off_first{50};
constexpr milliseconds back_off_last{1'000};
constexpr boot_time never = boot_time::max();
constexpr std::size_t read_bytes = 64 * limits::kib;
constexpr int reads_per_turn = 16;  ///< one large reply must not block the loop
constexpr std::size_t parts_per_write = 64;

/// Called by hiredis for each value that it has parsed, which becomes a redis_reply at once. A
/// child lies in the array of its parent, whose length is known first. Null: memory is exhausted.
template <class Fill>
void* made(const redisReadTask* task, const Fill& fill) noexcept try {
    auto* of = task->parent == nullptr ? nullptr : static_cast<redis_reply*>(task->parent->obj);
    redis_reply* const reply = of == nullptr ? new redis_reply : &of->items.emplace_back();
    fill(*reply);
    return reply;
} catch (const std::exception&) {
    return nullptr;
}

redisReplyObjectFunctions reply_functions() {
    using kind = redis_reply::kind;
    redisReplyObjectFunctions all{};
    all.createString = [](const redisReadTask* task, char* bytes, std::size_t size) {
        return made(task, [&](redis_reply& reply) {
            reply.type = task->type == REDIS_REPLY_ERROR ? kind::error : kind::text;
            reply.text.assign(bytes, size);
        });
    };
    all.createArray = [](const redisReadTask* task, auto elements) {  // an int or a size_t
        return made(task, [&](redis_reply& reply) {
            reply.type = kind::array;
            reply.items.reserve(static_cast<std::size_t>(elements));
        });
    };
    all.createInteger = [](const redisReadTask* task, long long value) {
        return made(task, [&](auto& reply) { reply.type = kind::integer, reply.integer = value; });
    };
    all.createNil = [](const redisReadTask* task) { return made(task, [](redis_reply&) {}); };
    all.freeObject = [](void* whole) { delete static_cast<redis_reply*>(whole); };
    return all;
}

struct command {
    std::vector<shared_bytes> chunks;  ///< the bytes, released as they are written
    std::size_t bytes = 0;
    redis_client::on_reply done;
    boot_time deadline{0};
};

}  // namespace

struct redis_client::state {
    enum class phase { away, connecting, greeting, ready };

    redis_address address;
    redis_timeouts timeouts;
    on_change changed;
    phase now_in = phase::away;
    std::unique_ptr<redisContext, void (*)(redisContext*)> context{nullptr, redisFree};
    std::uint64_t connections = 0;
    boot_time phase_ends{0};  ///< away: next try; connecting and greeting: time-out
    milliseconds back_off = back_off_first;
    boot_time last_traffic{0};
    int greetings = 0;            ///< replies to AUTH and PING still to come
    std::string greeting;         ///< bytes of them still to write
    std::deque<command> waiting;  ///< in order; the first `written` are sent whole
    std::size_t written = 0, chunk = 0, offset = 0;
    std::size_t waiting_bytes = 0;
    int calling = 0;  ///< depth of callbacks: the client must not go away inside one

    void connect(boot_time now);
    void greet(boot_time now);
    void lost(boot_time now);
    bool write_greeting();
    bool write_commands();
    bool take_replies(boot_time now);
    bool take_greeting(const redis_reply& reply, boot_time now);
    void answer_first(redis_reply reply);
    void advance(std::size_t bytes);
    void add(std::vector<std::string> words, on_reply done, boot_time now,
             std::vector<shared_bytes> photos = {});
    void notify(bool connected) {
        if (!changed) return;
        ++calling;
        changed(connected);
        --calling;
    }
};

void redis_client::state::connect(boot_time now) {
    const bool local = !address.unix_socket.empty();
    ++connections;
    if (local && address.unix_socket.size() >= sizeof(sockaddr_un::sun_path)) return lost(now);
    context.reset(local ? redisConnectUnixNonBlock(address.unix_socket.c_str())
                        : redisConnectNonBlock(address.host.c_str(), address.port));
    now_in = phase::connecting;
    phase_ends = now + timeouts.connect;
    if (!context || context->err != 0) return lost(now);
    static redisReplyObjectFunctions functions = reply_functions();
    context->reader->fn = &functions;
    if (!local) redisEnableKeepAlive(context.get());
}

/// The connection is open: sends AUTH and PING and waits for the replies. A server that is frozen
/// or still loading its data accepts connections too, so no command is sent before PONG.
void redis_client::state::greet(boot_time now) {
    int failed = 0;
    socklen_t size = sizeof failed;
    if (getsockopt(context->fd, SOL_SOCKET, SO_ERROR, &failed, &size) != 0 || failed != 0) {
        return lost(now);
    }
    std::vector<std::vector<std::string>> words;
    if (!address.password.empty()) {
        words.push_back({"AUTH"});
        if (!address.user.empty()) words.back().push_back(address.user);
        words.back().push_back(address.password);
    }
    words.push_back({"PING"});
    greetings = static_cast<int>(words.size());
    for (auto& one : words) {
        for (const shared_bytes& text : command_chunks(std::move(one))) greeting += text.view();
    }
    now_in = phase::greeting;
    if (!write_greeting()) lost(now);
}

/// Ends the connection, schedules the next try after the back-off, and fails each waiting command:
/// unknown_outcome if it was sent at least in part, else store_unavailable.
void redis_client::state::lost(boot_time now) {
    const bool was_ready = now_in == phase::ready;
    context.reset();
    now_in = phase::away;
    phase_ends = now + back_off;
    back_off = std::min(back_off * 2, back_off_last);
    greeting.clear();
    const std::deque<command> gone = std::exchange(waiting, {});
    const auto sent = [begun_whole = written, part = chunk > 0 || offset > 0](std::size_t i) {
        return i < begun_whole || (i == begun_whole && part);
    };
    written = chunk = offset = waiting_bytes = 0;
    if (was_ready) notify(false);
    ++calling;
    for (std::size_t i = 0; i < gone.size(); ++i) {
        gone[i].done(sent(i) ? fail(errc::unknown_outcome, "Connection to Redis lost")
                             : fail(errc::store_unavailable, "Redis unavailable"));
    }
    --calling;
}

bool redis_client::state::write_greeting() {
    while (!greeting.empty()) {
        const ssize_t n = ::send(context->fd, greeting.data(), greeting.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        greeting.erase(0, static_cast<std::size_t>(n));
    }
    return true;
}

void redis_client::state::advance(std::size_t bytes) {
    while (bytes > 0) {
        command& one = waiting[written];
        const std::size_t left = one.chunks[chunk].size() - offset;
        if (bytes < left) {
            offset += bytes;
            return;
        }
        bytes -= left;
        offset = 0;
        one.chunks[chunk] = shared_bytes();
        if (++chunk == one.chunks.size()) {
            one.chunks = {};
            chunk = 0;
            ++written;
        }
    }
}

bool redis_client::state::write_commands() {
    while (written < waiting.size()) {
        std::array<iovec, parts_per_write> parts{};
        std::size_t count = 0;
        std::size_t skip_chunk = chunk, skip_bytes = offset;
        for (std::size_t i = written; i < waiting.size() && count < parts.size(); ++i) {
            auto& chunks = waiting[i].chunks;
            for (std::size_t c = skip_chunk; c < chunks.size() && count < parts.size(); ++c) {
                // sendmsg() only reads.
                parts[count++] = {const_cast<char*>(chunks[c].data()) + skip_bytes,
                                  chunks[c].size() - skip_bytes};
                skip_bytes = 0;
            }
            skip_chunk = 0;
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t n = ::sendmsg(context->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        advance(static_cast<std::size_t>(n));
    }
    return true;
}

bool redis_client::state::take_greeting(const redis_reply& reply, boot_time now) {
    if (reply.is_error()) return false;  // wrong password, or loading
    if (--greetings > 0) return true;
    now_in = phase::ready;
    back_off = back_off_first;
    // The time-out of a command that was sent while connecting starts now.
    for (command& one : waiting) one.deadline = now + timeouts.command;
    notify(true);
    return true;
}

void redis_client::state::answer_first(redis_reply reply) {
    command one = std::move(waiting.front());
    waiting.pop_front();
    --written;
    waiting_bytes -= one.bytes;
    ++calling;
    one.done(std::move(reply));
    --calling;
}

/// Reads what is there. False if the connection must end.
bool redis_client::state::take_replies(boot_time now) {
    std::array<char, read_bytes> bytes;  // not cleared: recv returns how much is valid
    for (int turn = 0; turn < reads_per_turn; ++turn) {
        const ssize_t n = ::recv(context->fd, bytes.data(), bytes.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN;
        if (n == 0) return false;
        last_traffic = now;
        redisReader* reader = context->reader;
        if (redisReaderFeed(reader, bytes.data(), static_cast<std::size_t>(n)) != REDIS_OK) {
            return false;
        }
        for (;;) {
            void* found = nullptr;
            if (redisReaderGetReply(reader, &found) != REDIS_OK) return false;
            if (found == nullptr) break;
            const std::unique_ptr<redis_reply> owned(static_cast<redis_reply*>(found));
            if (now_in == phase::greeting) {
                if (!take_greeting(*owned, now)) return false;
            } else if (written == 0) {
                return false;  // a reply without a command
            } else {
                answer_first(std::move(*owned));
            }
        }
        if (static_cast<std::size_t>(n) < bytes.size()) return true;
    }
    return true;
}

void redis_client::state::add(std::vector<std::string> words, on_reply done, boot_time now,
                              std::vector<shared_bytes> photos) {
    command one;
    for (const std::string& word : words) one.bytes += word.size();
    for (const shared_bytes& photo : photos) one.bytes += photo.size();
    if (now_in == phase::away || waiting.size() >= limits::redis_outstanding ||
        waiting_bytes + one.bytes > limits::redis_outstanding_bytes) {
        const bool away = now_in == phase::away;
        const char* why = away ? "Redis unavailable" : "Too many commands waiting for Redis";
        ++calling;
        done(fail(errc::store_unavailable, why));
        --calling;
        return;
    }
    one.chunks = command_chunks(std::move(words), std::move(photos));
    one.done = std::move(done);
    one.deadline = now + timeouts.command;
    waiting_bytes += one.bytes;
    waiting.push_back(std::move(one));
}

redis_client::redis_client(redis_address address, redis_timeouts timeouts)
    : state_(std::make_unique<state>()) {
    state_->address = std::move(address);
    state_->timeouts = timeouts;
    state_->connect(boot_now());
}

redis_client::~redis_client() {
    VULTUS_REQUIRE(state_->calling == 0, "redis_client destroyed inside its own callback");
}

void redis_client::send(std::vector<std::string> words, on_reply done,
                        std::vector<shared_bytes> photos) {
    VULTUS_REQUIRE(!words.empty() && done, "redis_client::send without a command or a callback");
    state_->add(std::move(words), std::move(done), boot_now(), std::move(photos));
}

void redis_client::set_on_change(on_change changed) {
    state_->changed = std::move(changed);
}
bool redis_client::connected() const noexcept {
    return state_->now_in == state::phase::ready;
}
int redis_client::fd() const noexcept {
    return state_->context ? state_->context->fd : -1;
}
std::uint64_t redis_client::connection() const noexcept {
    return state_->connections;
}

bool redis_client::wants_read() const noexcept {
    return state_->now_in == state::phase::greeting || state_->now_in == state::phase::ready;
}

bool redis_client::wants_write() const noexcept {
    const state& s = *state_;
    return s.now_in == state::phase::connecting || !s.greeting.empty() ||
           (s.now_in == state::phase::ready && s.written < s.waiting.size());
}

boot_time redis_client::next_timer() const noexcept {
    const state& s = *state_;
    if (s.now_in != state::phase::ready) return s.phase_ends;
    if (!s.waiting.empty()) return s.waiting.front().deadline;
    return s.timeouts.idle.count() > 0 ? s.last_traffic + s.timeouts.idle : never;
}

void redis_client::on_readable(boot_time now) {
    if (wants_read() && !state_->take_replies(now)) state_->lost(now);
}

void redis_client::on_writable(boot_time now) {
    state& s = *state_;
    switch (s.now_in) {
        case state::phase::away:
            return;
        case state::phase::connecting:
            return s.greet(now);
        case state::phase::greeting:
            if (!s.write_greeting()) s.lost(now);
            return;
        case state::phase::ready:
            if (!s.write_commands()) s.lost(now);
            return;
    }
}

void redis_client::on_timer(boot_time now) {
    state& s = *state_;
    if (now < next_timer()) return;
    if (s.now_in == state::phase::away) return s.connect(now);
    if (s.now_in != state::phase::ready || !s.waiting.empty()) return s.lost(now);
    s.add(
        {"PING"}, [](const result<redis_reply>&) {}, now);  // its own timer detects a dead peer
}

void redis_client::on_polled(bool readable, bool writable, boot_time now) {
    if (readable) on_readable(now);
    if (writable) on_writable(now);
    on_timer(now);
}

}  // namespace vultus
