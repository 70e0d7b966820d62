#include "workers/pipeline/committer.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "shared/base/failpoint.hpp"
#include "shared/base/log.hpp"
#include "shared/net/zmq_socket.hpp"

namespace vultus {
namespace {

constexpr std::chrono::milliseconds hold_least{50}, hold_most{1'000};

std::chrono::milliseconds jitter(std::chrono::milliseconds most) {
    thread_local std::mt19937_64 source{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> pick(1, std::max<std::int64_t>(most.count(), 1));
    return std::chrono::milliseconds(pick(source));
}

// Why a train was refused permanently.
std::optional<error> refusal(commit_state state) {
    switch (state) {
        case commit_state::model_mismatch:
            return error{errc::model_mismatch,
                         "Collection was trained with another embedding: clear it first"};
        case commit_state::malformed:
            return error{errc::malformed, "Vectors are not those of one model"};
        case commit_state::label_full:
            return error{errc::label_full, "Face limit of the person reached"};
        case commit_state::gallery_full:
            return error{errc::gallery_full, "Face or collection limit reached"};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string_view name_of(commit_state state) noexcept {
    constexpr std::array<std::string_view, 15> names{
        "succeeded",      "publishing", "superseded", "failed",       "delayed",
        "dead",           "cancelled",  "duplicate",  "stale",        "old_version",
        "model_mismatch", "malformed",  "label_full", "gallery_full", "oom"};
    static_assert(names.size() == static_cast<std::size_t>(commit_state::oom) + 1);
    return names[static_cast<std::size_t>(state)];
}

std::chrono::milliseconds retry_delay(errc why, std::uint64_t failures) {
    if (!retryable(why)) return std::chrono::milliseconds(0);
    constexpr std::chrono::milliseconds first{1'000}, most{60'000};
    return jitter(std::min(most, first * (1 << std::min<std::uint64_t>(failures, 6))));
}

committer::committer(redis_address address, worker_store store, mailbox<session_mail>& session,
                     std::size_t capacity)
    : store_(std::move(store)),
      session_(session),
      inbox_(capacity),
      redis_(std::move(address), redis_timeouts{}),
      thread_([this] { run(); }) {}

committer::~committer() {
    inbox_.close();
    thread_.join();
}

commit_request committer::failure(job_ticket ticket, const error& why, std::uint64_t failures,
                                  const std::string& files) const {
    commit_request request;
    request.failures = failures;
    request.is_failure = true;
    const std::chrono::milliseconds later = retry_delay(why.code, failures);
    request.call = [store = store_, id = ticket.id(), worker = ticket.worker_id, why, later,
                    files] { return store.fail_job(id, worker, why, later, files); };
    request.ticket = std::move(ticket);
    return request;
}

commit_request committer::hand_back(job_ticket ticket) const {
    log::info("job_handed_back",
              {{"job", ticket.job.job_id}, {"why", "collection has another model"}});
    commit_request request;
    request.call = [store = store_, id = ticket.id(), worker = ticket.worker_id] {
        return store.hand_back(id, worker);
    };
    request.ticket = std::move(ticket);
    return request;
}

commit_request committer::loss(job_ticket ticket) const {
    commit_request request;
    request.call = [store = store_, id = ticket.id(), worker = ticket.worker_id] {
        return store.lose_job(id, worker);
    };
    request.ticket = std::move(ticket);
    return request;
}

void committer::run() {
    boot_time give_up{0};
    while (true) {
        boot_time now = boot_now();
        if (inbox_.closed() && give_up == boot_time{0}) give_up = now + std::chrono::seconds(1);
        const bool idle = on_their_way_ == 0 && held_.empty() && inbox_.size() == 0;
        if (give_up != boot_time{0} && (idle || now >= give_up)) return;

        std::array<poll_item, 2> items;
        items[0].fd = inbox_.fd();
        items[1].fd = redis_.fd();
        items[1].want_read = redis_.wants_read();
        items[1].want_write = redis_.wants_write();
        std::chrono::milliseconds wait = held_.empty() ? hold_most : hold_least;
        wait = std::clamp(redis_.next_timer() - now, std::chrono::milliseconds(0), wait);
        poll(std::span(items).first(items[1].fd < 0 ? 1 : 2), wait);

        now = boot_now();
        redis_.on_polled(items[1].readable, items[1].writable, now);
        inbox_.quiet();
        // Leave room in the client for what is held: half of what it may have outstanding.
        while (on_their_way_ < limits::redis_outstanding / 2) {
            auto request = inbox_.take();
            if (!request) break;
            write(std::move(*request));
        }
        std::vector<held> waiting;
        waiting.swap(held_);
        for (held& one : waiting) {
            if (one.request.ticket.dropped->is_set()) continue;
            if (now < one.due)
                held_.push_back(std::move(one));
            else if (one.request.needed)
                one.request.match_again(*one.request.needed, one.request.person);
            else
                write(std::move(one.request));
        }
    }
}

void committer::write(commit_request request) {
    if (request.ticket.dropped->is_set()) return;
    failpoint("worker.before_commit");
    ++on_their_way_;
    if (++request.tries == 1) request.begun = boot_now();
    redis_call<committed> call = request.call();
    auto kept = std::make_shared<commit_request>(std::move(request));
    redis_.send<committed>(std::move(call), [this, kept](result<committed> said) {
        --on_their_way_;
        answered(std::move(*kept), std::move(said));
    });
}

void committer::answered(commit_request request, result<committed> said) {
    if (request.ticket.dropped->is_set()) return;
    if (!said) return try_again(std::move(request), said.error());
    if (said->state == commit_state::old_version) {
        return overtaken(std::move(request), *said);
    }
    if (said->state == commit_state::oom) {
        return try_again(std::move(request), {errc::out_of_memory, "Redis memory limit reached"});
    }
    if (said->state == commit_state::model_mismatch && request.back_for_model) {
        return write(hand_back(std::move(request.ticket)));
    }
    if (const auto why = refusal(said->state)) return give_up(std::move(request), *why);
    failpoint("worker.after_commit");
    if (request.changed && said->version > 0) request.changed(said->version);
    finish(request, said->state);
}

void committer::try_again(commit_request request, const error& why) {
    log::warning(
        "commit_failed",
        {{"job", request.ticket.job.job_id}, {"error", name_of(why.code)}, {"detail", why.detail}});
    const bool away = why.code == errc::store_unavailable || why.code == errc::unknown_outcome;
    const bool patient =
        away ? boot_now() < request.begun + commit_patience : ++request.refused < commit_tries;
    if (seeded_bug("worker.no_bound")) return write(std::move(request));
    if (patient) return hold(std::move(request));
    // Redis' text about a bug is in the log only.
    const bool defect = why.code == errc::internal;
    give_up(std::move(request), defect ? error{why.code, "Redis refused the result"} : why);
}

void committer::overtaken(commit_request request, const committed& said) {
    const bool bug = seeded_bug("worker.no_bound");
    if (!request.match_again || (++request.overtaken > overtaken_max && !bug)) {
        return give_up(std::move(request),
                       {errc::old_version, "Gallery changed too fast to store the result"});
    }
    if (request.overtaken == 1 || bug) return request.match_again(said.needed, said.person);
    request.needed = said.needed;
    request.person = said.person;
    hold(std::move(request));
}

// The attempt fails with the reason. If Redis refuses that too, nothing more is sent: the lease
// lapses, and Redis counts that.
void committer::give_up(commit_request request, const error& why) {
    if (!request.is_failure) return write(failure(request.ticket, why, request.failures));
    log::error("attempt_abandoned",
               {{"job", request.ticket.job.job_id}, {"error", name_of(why.code)}});
    finish(request, commit_state::stale);
}

void committer::hold(commit_request request) {
    const int doublings = std::min(request.tries + request.overtaken, 5);
    const boot_time due = boot_now() + jitter(std::min(hold_most, hold_least * (1 << doublings)));
    held_.push_back({due, std::move(request)});
}

void committer::finish(commit_request& request, commit_state state) {
    session_.push(job_finished{request.ticket.id(), state, std::move(request.stage_ms)});
}

}  // namespace vultus
