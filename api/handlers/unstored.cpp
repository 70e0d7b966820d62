// Questions with durable=false: a worker answers at once, nothing is stored, and the gallery is
// read again before the answer leaves (submissions.hpp).
#include "api/handlers/handlers.hpp"
#include "api/handlers/submissions.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/last_seen.hpp"
#include "api/jobs/options.hpp"
#include "api/jobs/person_ids.hpp"
#include "api/jobs/url_photos.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds frame_patience = limits::wait;
constexpr int asked_most = 2;  ///< times for one answer that changes overtake

/// Whom the answer says it saw.
std::vector<std::string> named_in(const submission& asked, std::string_view answer) {
    if (asked.type != job_type::verify) return known_labels(answer);
    if (!answer.starts_with(R"({"same":true)")) return {};
    return {asked.label};
}

/// Whether the key that a worker compared with is no longer that of the person who was asked for:
/// renamed, removed, or merged into another.
bool is_another(const submission& asked, const std::vector<std::string>& keys,
                const std::vector<known_person>& people) {
    const auto& id = asked.person.person_id;
    if (asked.type != job_type::verify || id.empty()) return false;
    return keys.size() != 1 || people.size() != 1 || people.front().person_id != id;
}

/// Sends the photo to a worker and returns its answer, unless the gallery that it was computed with
/// changed by a removal meanwhile: then old_version.
asio::awaitable<result<std::string>> ask_once(const protocol::frame& what, const submission& asked,
                                              milliseconds patience, services& ctx) {
    auto answer = co_await ctx.brokers.ask(what, patience);
    if (!answer) co_return fail(answer.error());
    if (!answer->error.empty()) {
        co_return fail(errc_named(answer->error).value_or(errc::internal), answer->detail);
    }
    if (answer->type != what.type) {
        co_return fail(errc::no_worker, "Broker or worker is of an older version");
    }
    failpoint("api.before_reply");
    if (!reads_gallery(asked)) co_return std::move(answer->result);
    // Read last: an answer sent after a clear or a delete succeeded must not use the faces before
    // it.
    const auto keys = keys_in(answer->result);
    const auto gallery =
        co_await ctx.redis.call(ctx.retention.watch_gallery(what.collection, keys));
    if (!gallery) co_return fail(errc::store_unavailable, gallery.error().detail);
    if (!gallery->allows(answer->version) && !seeded_bug("api.no_last_look")) {
        co_return fail(errc::old_version, "Gallery changed while the answer was computed");
    }
    if (is_another(asked, keys, gallery->people)) {
        co_return fail(errc::old_version, "Person changed while the answer was computed");
    }
    if (gallery->forgets) note_seen(ctx, what.collection, named_in(asked, answer->result));
    co_return with_person_ids(answer->result, keys, gallery->people);
}

/// What the frame needs of a collection that was just read.
result<void> prepare(protocol::frame& what, const submitted& given,
                     const watched_gallery& gallery) {
    const job_options& options = given.what.options;
    what.min_version = reads_gallery(given.what) ? gallery.version : 0;
    what.embedder = options.embedder.empty() ? gallery.models.embedder : options.embedder;
    if (given.what.type == job_type::detect) what.embedder.clear();
    if (options.vectors > 0) {
        what.type = vectors_word;
        return check_model(given, what.embedder, gallery.dimension);
    }
    if (given.what.type != job_type::recognize) what.type = name_of(given.what.type);
    what.detector = options.detector.empty() ? gallery.models.detector : options.detector;
    return check_rotate(options, what.detector);
}

/// The photos as one payload; two are joined, and the options tell where the first one ends.
shared_bytes payload_of(std::vector<shared_bytes> images, job_options& options) {
    if (images.size() == 1) return std::move(images.front());
    options.first_bytes = static_cast<int>(images.front().size());
    std::string both;
    both.reserve(images[0].size() + images[1].size());
    both += images[0].view();
    both += images[1].view();
    return both;
}

/// The collection changed, or got another model, while the answer was on its way.
bool is_overtaken(const result<std::string>& outcome) {
    if (outcome) return false;
    const errc why = outcome.error().code;
    return why == errc::old_version || why == errc::model_mismatch;
}

}  // namespace

asio::awaitable<response> answer_unstored(request& req, services& ctx, submitted given) {
    const auto hosts = co_await fetch_photos(given, req, ctx);
    if (!hosts) co_return refuse(hosts.error(), req, ctx);
    if (!hosts->empty()) {  // of a job accept() writes it
        const auto call =
            ctx.submissions.note_fetch(given.what.collection, req.client, req.address, *hosts);
        const auto noted = co_await ctx.redis.call(call);
        if (!noted) co_return refuse(noted.error(), req, ctx);
    }
    std::size_t bytes = 0;
    for (const auto& image : given.images) bytes += image.size();
    const auto place = place_to_wait(req, ctx);
    const auto room = shares::take(ctx.frames, req.holder, bytes);
    if (!place || !room) co_return refuse(no_place_to_wait, req, ctx);
    if (bytes > limits::body_bytes) {
        co_return refuse({errc::too_large, "The two photos have more than 10 MiB"}, req, ctx);
    }
    protocol::frame what;
    what.collection = given.what.collection;
    job_options options = given.what.options;
    options.label = given.what.label;
    options.person_ids = reads_gallery(given.what);
    what.image = payload_of(given.images, options);
    what.options = to_json(options);
    const auto until = boot_now() + frame_patience;
    result<std::string> outcome = fail(errc::old_version);
    gallery_version first = 0;  // of the gallery when the photo was sent at first
    for (int asked = 0; asked < asked_most && is_overtaken(outcome); ++asked) {
        if (asked > 0) {
            const auto found = co_await find_again(given.what, ctx);
            if (!found) co_return refuse(found.error(), req, ctx);
            options.label = given.what.label;
            what.options = to_json(options);
        }
        const auto gallery = co_await gallery_of(what.collection, ctx);
        if (!gallery) co_return refuse(gallery.error(), req, ctx);
        if (auto good = prepare(what, given, *gallery); !good) {
            co_return refuse(good.error(), req, ctx);
        }
        if (asked == 0) first = what.min_version;
        const auto patience = std::max(until - boot_now(), milliseconds(1'000));
        outcome = co_await ask_once(what, given.what, patience, ctx);
    }
    if (is_overtaken(outcome) && what.min_version != first) {  // it changed again
        outcome = fail(errc::old_version, "Collection changed while the answer was computed");
    }
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    auto answer = json_response(200, std::move(*outcome));
    answer.with("Cache-Control", "no-store");
    co_return answer;
}

}  // namespace vultus::api::handlers
