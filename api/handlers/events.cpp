// GET /api/jobs/{id}/events: the states of one job as Server-Sent Events. The id of an event is its
// position in Redis' stream, so that a client can resume after a lost connection. GET /api/events:
// the changes of all jobs, for the page; a client that falls behind gets a `reread` event instead
// of a backlog.
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "api/links/event_story.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/stream_id.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;
using wake = event_hub::wake;
constexpr milliseconds comment_every{15'000};
// A search for missed events ends after so many reads; then the client gets the present state.
constexpr std::size_t events_per_read = 500;
constexpr int reads_most = 4;

asio::awaitable<std::string> event_text(std::string_view id, const job_record& job,
                                        const access_key* key, services& ctx) {
    const std::string data = co_await job_text(job, key, ctx);
    std::string text = "id: ";
    text.append(id).append("\nevent: job\ndata: ").append(data).append("\n\n");
    co_return text;
}

/// Whether the job may have changed after the event that the client received last.
asio::awaitable<bool> has_missed(std::string job_id, std::string seen, services& ctx) {
    const auto oldest = co_await ctx.redis.call(ctx.event_stream.oldest_event_id());
    if (!oldest || is_before(seen, *oldest)) co_return true;
    for (int read = 0; read < reads_most; ++read) {
        const auto came = co_await ctx.redis.call(
            ctx.event_stream.events_after(seen, events_per_read, milliseconds(0)));
        if (!came) co_return true;
        for (const auto& one : *came) {
            if (one.job_id == job_id) co_return true;
        }
        if (came->size() < events_per_read) co_return false;
        seen = came->back().id;
    }
    co_return true;
}

/// Sends events until the terminal one, the client disconnects or the process drains.
asio::awaitable<void> follow(response_sink& sink, std::shared_ptr<event_hub::waiter> waiter,
                             job_record shown, std::string position, bool send_now,
                             std::shared_ptr<const access_key> key, services& ctx) {
    std::string first = ":\n\n";
    if (send_now) first = co_await event_text(position, shown, key.get(), ctx);
    if (!co_await sink.write(std::move(first))) co_return;
    while (!is_terminal(shown.state)) {
        const auto woken = co_await waiter->next(comment_every);
        if (woken == wake::stopping) co_return;
        if (woken == wake::timeout) {
            if (!co_await sink.write(":\n\n")) co_return;
            continue;
        }
        if (woken == wake::happened && !is_before(position, waiter->last().id)) continue;
        if (woken == wake::reread) {
            const auto newest = co_await ctx.redis.call(ctx.event_stream.last_event_id());
            if (newest) position = *newest;
        }
        auto job = co_await ctx.redis.call(ctx.jobs.job(shown.id));
        if (!job) {
            if (job.error().code == errc::collected || job.error().code == errc::not_found)
                co_return;
            continue;  // Redis is unreachable; the hub reports when it is back
        }
        if (woken == wake::happened) {
            position = waiter->last().id;
            job = at_event(std::move(*job), waiter->last());
        } else if (job_tag(*job) == job_tag(shown)) {
            continue;
        }
        shown = std::move(*job);
        if (!co_await sink.write(co_await event_text(position, shown, key.get(), ctx))) co_return;
    }
}

constexpr std::string_view reread_event = "event: reread\ndata: {}\n\n";
constexpr milliseconds gather_time{100};

/// Events of older versions have no collection.
bool is_shown(const access_key* key, const event& what) {
    if (key == nullptr) return true;
    const auto type = job_type_named(what.type);
    return type && sees(key, *type, what.collection);
}

/// The events as text, with what they tell for a key that may read names. Read last, so that no
/// name is sent that a finished removal took away.
asio::awaitable<std::string> told(std::vector<event> events, const access_key* key, services& ctx) {
    std::vector<std::string> wanted;
    const bool reads = key == nullptr || key->scopes.has(scope::read);
    for (const event& one : events) {
        if (reads && has_story(one)) wanted.push_back(one.job_id);
    }
    if (!wanted.empty()) failpoint("api.before_event");
    const auto stories = co_await ctx.stories.of(std::move(wanted));
    std::string text;
    for (const event& one : events) {
        const auto story = stories->find(one.job_id);
        const bool tells = reads && has_story(one) && story != stories->end();
        text += "event: job\ndata: " + event_json(one, tells ? story->second : "") + "\n\n";
    }
    co_return text;
}

/// Until the next full gather_time of the clock: who follows all events then asks in one turn.
milliseconds next_gathering() {
    return gather_time - boot_now() % gather_time;
}

/// Sends events in small batches until the client disconnects or the process drains.
asio::awaitable<void> follow_all(response_sink& sink, std::shared_ptr<event_hub::waiter> waiter,
                                 std::shared_ptr<const access_key> key, services& ctx) {
    if (!co_await sink.write(std::string(reread_event))) co_return;
    asio::steady_timer pause(ctx.io);
    auto woken = co_await waiter->next(comment_every);
    while (woken != wake::stopping) {
        std::vector<event> events;
        while (woken == wake::happened) {
            if (is_shown(key.get(), waiter->last())) events.push_back(waiter->last());
            woken = co_await waiter->next(milliseconds(0));
        }
        std::string text(woken == wake::reread ? reread_event : "");
        if (text.empty()) text = co_await told(std::move(events), key.get(), ctx);
        if (woken == wake::stopping) co_return;
        if (text.empty()) text = ":\n\n";
        if (!co_await sink.write(std::move(text))) co_return;
        pause.expires_after(next_gathering());
        boost::system::error_code ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        woken = co_await waiter->next(comment_every);
    }
}

}  // namespace

response all_events(request& req, services& ctx) {
    auto slot = place_to_wait(req, ctx);
    if (!slot) return refuse(no_place_to_wait, req, ctx);
    response answer;
    answer.with("Cache-Control", "no-store").with("Content-Type", "text/event-stream");
    answer.with("X-Accel-Buffering", "no");
    const auto waiter =
        std::make_shared<event_hub::waiter>(ctx.events, std::string(event_hub::every_job));
    answer.stream = [waiter, slot, key = req.key, &ctx](response_sink& sink) {
        return follow_all(sink, waiter, key, ctx);
    };
    return answer;
}

asio::awaitable<response> job_events(request& req, services& ctx) {
    const auto id = req.segments[0];
    if (!is_job_id(id)) co_return refuse(no_such_job, req, ctx);
    auto slot = place_to_wait(req, ctx);
    if (!slot) co_return refuse(no_place_to_wait, req, ctx);
    const auto waiter = std::make_shared<event_hub::waiter>(ctx.events, id);
    auto position = co_await ctx.redis.call(ctx.event_stream.last_event_id());
    if (!position) co_return refuse(position.error(), req, ctx);
    auto found = co_await ctx.redis.call(ctx.jobs.job(id));
    if (!found) co_return refuse(found.error(), req, ctx);
    if (!sees(req.key.get(), *found)) {
        co_return refuse(no_such_job, req, ctx);
    }
    const std::string seen(req.header("last-event-id"));
    const bool resumes = is_stream_id(seen) && !is_before(*position, seen);
    const bool send_now = !resumes || co_await has_missed(id, seen, ctx);
    response answer;
    answer.with("Cache-Control", "no-store");
    if (!send_now && is_terminal(found->state)) {
        answer.status = 204;
        co_return answer;
    }
    answer.with("Content-Type", "text/event-stream").with("X-Accel-Buffering", "no");
    answer.stream = [waiter, slot, job = std::move(*found), at = std::move(*position), send_now,
                     key = req.key, &ctx](response_sink& sink) {
        return follow(sink, waiter, job, at, send_now, key, ctx);
    };
    co_return answer;
}

}  // namespace vultus::api::handlers
