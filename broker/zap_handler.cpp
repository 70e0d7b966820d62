// See zap_handler.hpp.
#include "broker/zap_handler.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "shared/security/secret.hpp"

namespace vultus::broker {
namespace {

using std::chrono::milliseconds;

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
constexpr int answers_per_turn = 256;
constexpr milliseconds check_every{1'000};
constexpr milliseconds log_every{10'000};
constexpr milliseconds proof_patience{5'000};
constexpr milliseconds proof_step{5};

peer_role role_at(side which) noexcept {
    return which == side::worker ? peer_role::worker : peer_role::api;
}

std::string domain_of(side which) {
    return std::string(name_of(role_at(which)));
}

/// Identifies a version of a file; empty: there is no file.
std::string version_of(const std::string& path) {
    struct stat what {};
    if (::stat(path.c_str(), &what) != 0) return {};
    const auto text = [](auto number) { return std::to_string(number) + " "; };
    return text(what.st_ino) + text(what.st_size) + text(what.st_mode) + text(what.st_mtim.tv_sec) +
           text(what.st_mtim.tv_nsec);
}

/// Whether `after` lacks a right that `before` grants.
bool takes_away(const allow_list& before, const allow_list& after) {
    return std::any_of(before.begin(), before.end(), [&](const allowed_peer& one) {
        return find(after, one.role, one.key) == nullptr;
    });
}

}  // namespace

// The request: "", version, id, domain, address, routing id, mechanism, credentials.
zap_reply reply_to(const allow_list& allowed, const std::vector<std::string>& request) {
    zap_reply reply;
    const auto answer = [&](const char* status, const std::string& text, const std::string& user) {
        const std::string id = request.size() > 2 ? request[2] : "";
        reply.answer = {"", "1.0", id, status, text, user, ""};
        return reply;
    };
    if (request.size() < 7 || request[0] != "" || request[1] != "1.0") {
        reply.why = "malformed ZAP request";
        return answer("500", reply.why, "");
    }
    reply.address = request[4];
    reply.why = "peer has no key";
    if (request[6] != "CURVE" || request.size() != 8) return answer("400", reply.why, "");
    const std::string& key = request[7];
    reply.key = hex_of(key);
    reply.why = "key is not on the list";
    const auto role = parse_peer_role(request[3]);
    if (!role) return answer("400", reply.why, "");
    if (const allowed_peer* peer = find(allowed, *role, key)) {
        reply.admitted = true;
        return answer("200", "OK", peer->name);
    }
    const auto other = *role == peer_role::api ? peer_role::worker : peer_role::api;
    if (find(allowed, other, key) != nullptr) reply.why = "key is for the other socket";
    return answer("400", reply.why, "");
}

result<std::unique_ptr<zap_handler>> zap_handler::open(zmq_context& context,
                                                       const curve_settings& settings) {
    if (!curve_is_there(context)) return fail(errc::malformed, "this ZeroMQ has no CURVE support");
    auto allowed = read_allow_list(settings.allow_list);
    if (!allowed) return fail(errc::malformed, "curve.allow_list: " + allowed.error().detail);
    auto requests = zmq_socket::router(context, zap_endpoint, {});
    if (!requests) return fail(requests.error());
    return std::unique_ptr<zap_handler>(
        new zap_handler(context, settings, std::move(*requests), std::move(*allowed)));
}

zap_handler::zap_handler(zmq_context& context, const curve_settings& settings, zmq_socket requests,
                         allow_list allowed)
    : context_(context),
      settings_(settings),
      requests_(std::move(requests)),
      allowed_(std::move(allowed)) {}

zmq_options zap_handler::options(side which) const {
    zmq_options options;
    options.curve = {settings_.own, {}, domain_of(which)};
    options.count_handshakes = true;
    return options;
}

void zap_handler::answer() {
    for (int count = 0; count < answers_per_turn; ++count) {
        auto frames = requests_.receive();
        if (!frames) return;
        if (frames->empty()) continue;
        std::vector<std::string> request;
        for (const shared_bytes& frame : std::span(*frames).subspan(1)) {
            request.push_back(frame.copied());
        }
        const zap_reply reply = reply_to(allowed_, request);
        if (!reply.admitted && !proving_) log_refusal(reply);
        std::vector<shared_bytes> answer{frames->front()};
        answer.insert(answer.end(), reply.answer.begin(), reply.answer.end());
        requests_.send(answer);
    }
}

// At most every 10 s, so that refused peers cannot fill the log.
void zap_handler::log_refusal(const zap_reply& refusal) {
    ++unlogged_;
    const boot_time now = boot_now();
    if (now < log_at_) return;
    log_at_ = now + log_every;
    log::warning("peer_refused", {{"address", refusal.address},
                                  {"why", refusal.why},
                                  {"key", refusal.key},
                                  {"refused", unlogged_}});
    unlogged_ = 0;
}

bool zap_handler::reread(boot_time now) {
    if (now < check_at_) return false;
    check_at_ = now + check_every;
    std::string version = version_of(settings_.allow_list);
    if (version == read_version_) return false;
    read_version_ = std::move(version);
    auto fresh = read_allow_list(settings_.allow_list);
    if (!fresh) {
        log::error("allow_list_kept", {{"why", fresh.error().detail}});
        return false;
    }
    if (*fresh == allowed_) return false;
    const bool less = takes_away(allowed_, *fresh);
    allowed_ = std::move(*fresh);
    log::info("allow_list_read", {{"keys", allowed_.size()}, {"taken_away", less}});
    return less;
}

result<void> zap_handler::prove(const zmq_socket& workers, const zmq_socket& apis) {
    struct attempt {
        zmq_socket socket;
        bool good;
        std::string as;
    };
    std::vector<attempt> attempts;
    const allow_list kept = allowed_;
    const std::string known[] = {random_secret(), random_secret()};
    allowed_.push_back({"proof-worker", peer_role::worker, public_key_of(known[0])});
    allowed_.push_back({"proof-api", peer_role::api, public_key_of(known[1])});
    for (const side which : {side::worker, side::api}) {
        const std::string& right = known[which == side::worker ? 0 : 1];
        const std::string& wrong = known[which == side::worker ? 1 : 0];
        const auto go = [&](const std::string& own, bool good, const char* as) -> result<void> {
            zmq_options options;
            options.linger = milliseconds(0);
            if (!own.empty()) options.curve = {own, public_key_of(settings_.own), {}};
            auto made = zmq_socket::dealer(
                context_, (which == side::worker ? workers : apis).endpoint(), "", options);
            if (!made) return fail(made.error());
            attempts.push_back({std::move(*made), good,
                                std::string(as) + " at the socket for " + domain_of(which) + "s"});
            return {};
        };
        for (const auto& gone :
             {go("", false, "a peer without a key"), go(random_secret(), false, "an unknown key"),
              go(wrong, false, "a key of the other socket"), go(right, true, "a valid key")}) {
            if (!gone) return gone;
        }
    }
    proving_ = true;
    const boot_time until = boot_now() + proof_patience;
    result<void> outcome;
    while (!attempts.empty() && outcome) {
        std::array<poll_item, 1> items{};
        items[0].socket = &requests_;
        poll(items, proof_step);
        answer();
        std::erase_if(attempts, [&](attempt& one) {
            const handshake_counts seen = one.socket.handshakes();
            const bool late = seen.good + seen.refused == 0 && boot_now() >= until;
            const bool wrong = (one.good ? seen.refused : seen.good) > 0;
            if (wrong || late) {
                outcome = fail(errc::internal, "self-test of the links failed: " + one.as +
                                                   (late       ? " got no reply"
                                                    : one.good ? " was refused"
                                                               : " was admitted"));
            }
            return seen.good + seen.refused > 0;
        });
    }
    proving_ = false;
    allowed_ = kept;
    return outcome;
}

}  // namespace vultus::broker
