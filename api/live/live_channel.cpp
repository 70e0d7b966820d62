// See live_channel.hpp.
#include "api/live/live_channel.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "api/http/json.hpp"
#include "api/http/json_submission.hpp"
#include "api/jobs/last_seen.hpp"
#include "api/jobs/options.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/model/image_header.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds frame_patience{3'000};  ///< a lost worker is detected in this time
constexpr milliseconds say_again{1'000};
constexpr int going_away = 1012;  ///< RFC 6455, registry of codes: "service restart"
constexpr int try_again_later = 1013;
constexpr std::size_t problems_max = 8;      ///< unwritten ones; then the oldest is dropped
constexpr milliseconds answer_fresh{1'000};  ///< how long an answer may wait to be written

result<void> check_frame(const message_channel::message& what) {
    if (!what.whole) return fail(errc::too_large, "Frame is larger than 1 MiB");
    const auto header = inspect_image(what.bytes);
    if (!header) return fail(header.error());
    if (header->format != image_format::jpeg) {
        return fail(errc::unsupported_media, "The frame is not a JPEG");
    }
    return {};
}

/// Whether the error is about the service and not about this frame.
bool is_trouble(errc code) {
    switch (code) {
        case errc::unsupported_media:
        case errc::undecodable_image:
        case errc::truncated_image:
        case errc::too_large:
            return false;
        default:
            return true;
    }
}

asio::awaitable<void> sleep(asio::steady_timer& timer) {
    timer.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

std::shared_ptr<const void> live_channels::take(const std::string& holder) {
    if (places_->taken() < places_->most()) return shares::keep(places_, holder);
    const auto greedy = places_->greediest();
    if (places_->held_by(greedy) <= places_->held_by(holder) + 1) return nullptr;
    const auto newest = std::find_if(all_.rbegin(), all_.rend(),
                                     [&](const auto& one) { return one.second == greedy; });
    if (newest == all_.rend()) return nullptr;
    newest->first->stop({errc::quota, "Live channel closed to make room for another client"},
                        try_again_later);
    newest->second.clear();  // not to be chosen again
    return shares::keep(places_, holder);
}

void live_channels::stop() {
    const auto now = all_;
    for (const auto& [session, holder] : now) {
        session->stop({errc::draining, "Service is stopping"}, going_away);
    }
}

live_channel::live_channel(message_channel& channel, services& ctx, live_options options,
                           std::shared_ptr<const access_key> key, std::string holder)
    : channel_(channel),
      ctx_(ctx),
      id_(random_hex32()),
      key_(std::move(key)),
      options_(std::move(options)),
      look_(ctx.io),
      write_(ctx.io),
      ended_(ctx.io) {
    ctx_.live.add(*this, std::move(holder));
}

live_channel::~live_channel() {
    ctx_.live.remove(*this);
}

asio::awaitable<void> live_channel::run() {
    const auto self = shared_from_this();
    settings_ = settings_json(options_);
    running_ = 2;
    const auto ended = [self](std::exception_ptr why) {
        if (why) log::error("live_session_threw");
        --self->running_;
        // On stop() the close frame is written first; only then is nothing left to write.
        if (why || !self->stopping_) self->over();
        self->ended_.cancel();
    };
    asio::co_spawn(
        ctx_.io, [self] { return self->look(); }, ended);
    asio::co_spawn(
        ctx_.io, [self] { return self->write(); }, ended);
    co_await read();
    over();
    while (running_ > 0) co_await sleep(ended_);
}

void live_channel::stop(const error& why, int code) {
    if (stopping_) return;
    stopping_ = true;
    stop_why_ = why;
    stop_code_ = code;
    wake();
}

void live_channel::over() {
    over_ = true;
    waiting_.reset();
    wake();
}

void live_channel::wake() {
    look_.cancel();
    write_.cancel();
}

// ---- reading -----------------------------------------------------------------------------------

asio::awaitable<void> live_channel::read() {
    while (!over_) {
        auto what = co_await channel_.read(limits::live_frame_bytes);
        if (!what) co_return;
        if (what->binary) {
            read_frame(std::move(*what));
        } else {
            read_settings(*what);
        }
        wake();
    }
}

void live_channel::read_frame(message_channel::message what) {
    ++seq_;
    if (auto good = check_frame(what); !good) {
        ctx_.measured.count("vultus_live_frames_total", {{"outcome", "refused"}});
        return refuse(seq_, good.error());
    }
    if (waiting_) {
        ++dropped_;
        ctx_.measured.count("vultus_live_frames_total", {{"outcome", "overtaken"}});
    }
    waiting_ = frame{seq_, boot_now(), std::move(what.bytes)};
}

void live_channel::read_settings(const message_channel::message& what) {
    if (!what.whole || what.bytes.size() > limits::live_text_bytes) {
        return tell(problem_json(0, {errc::too_large, "Settings are larger than 4 KiB"}));
    }
    const auto given = parse_json_submission(what.bytes, live_names, false);
    if (!given) return tell(problem_json(0, given.error()));
    auto wanted = changed(options_, given->fields);
    if (!wanted) return tell(problem_json(0, wanted.error()));
    if (auto good = may_use(key_.get(), wanted->collection); !good) {
        return tell(problem_json(0, good.error()));
    }
    if (wanted->collection != options_.collection || !wanted->tracks) tracks_.clear();
    options_ = std::move(*wanted);
    ++options_number_;
    settings_ = settings_json(options_);
}

// ---- looking -----------------------------------------------------------------------------------

asio::awaitable<void> live_channel::look() {
    while (!over_ && !stopping_) {
        if (!waiting_ || answer_) {
            co_await sleep(look_);
            continue;
        }
        const frame one = *std::exchange(waiting_, std::nullopt);
        co_await answer(one);
        write_.cancel();
    }
}

asio::awaitable<void> live_channel::answer(const frame& one) {
    const auto charged = co_await ctx_.access.charge_frame(key_, one.jpeg.size());
    if (!charged) co_return refuse(one.seq, charged.error());
    // It is rare that a change overtakes an answer, and rarer that a second one does.
    for (int tries = 0; tries < 3; ++tries) {
        const auto outcome = co_await ask(one, tries == 0);
        if (!outcome) {
            ctx_.measured.count("vultus_live_frames_total", {{"outcome", "failed"}});
            co_return refuse(one.seq, outcome.error());
        }
        if (!*outcome) continue;
        ctx_.measured.count("vultus_live_frames_total", {{"outcome", "answered"}});
        ctx_.measured.observe_ms("vultus_live_frame_ms",
                                 static_cast<double>((boot_now() - one.arrived).count()));
        co_return;
    }
    refuse(one.seq, {errc::old_version, "Gallery changed while the answer was computed"});
}

asio::awaitable<result<watched_gallery>> live_channel::read_gallery(
    const std::string& collection, std::vector<std::string> people) {
    const auto asked = boot_now();
    const auto found = co_await ctx_.redis.call(ctx_.retention.watch_gallery(collection, people));
    if (!found) co_return fail(errc::store_unavailable, found.error().detail);
    newest_ = {collection, found->version, asked, found->models};
    co_return *found;
}

namespace {

/// `keys` in order; who[i] is the person of keys[i].
void give_ids(std::vector<named_face>& faces, const std::vector<std::string>& keys,
              const std::vector<known_person>& who) {
    for (auto& face : faces) {
        const auto at = std::lower_bound(keys.begin(), keys.end(), face.label);
        const auto i = static_cast<std::size_t>(at - keys.begin());
        if (at == keys.end() || *at != face.label || i >= who.size()) continue;
        face.person_id = who[i].person_id;
        face.name_shared = who[i].name_shared;
    }
}

}  // namespace

std::vector<std::string> live_channel::people_in(const live_answer& told) const {
    auto people = tracks_.names();
    for (const auto& face : told.faces) {
        if (!face.label.empty()) people.push_back(face.label);
    }
    std::sort(people.begin(), people.end());
    people.erase(std::unique(people.begin(), people.end()), people.end());
    if (people.size() > limits::page_size) people.resize(limits::page_size);
    return people;
}

asio::awaitable<result<bool>> live_channel::ask(const frame& one, bool first_time) {
    const std::string collection = options_.collection;
    if (newest_.collection != collection) {
        const auto first = co_await read_gallery(collection);
        if (!first) co_return fail(first.error());
        if (collection != options_.collection) co_return false;
    }
    const read_version least = newest_;
    const std::uint64_t number = options_number_;
    protocol::frame what;
    what.live_id = id_;
    what.collection = collection;
    job_options wanted = options_.faces;
    wanted.embeddings = options_.tracks;
    wanted.person_ids = true;
    what.options = to_json(wanted);
    what.detector = wanted.detector.empty() ? least.models.detector : wanted.detector;
    what.embedder = least.models.embedder;
    what.min_version = least.version;
    what.image = one.jpeg;
    std::vector<known_track> known;
    if (options_.tracks) known = tracks_.known(boot_now(), least.version);
    for (const auto& entry : known) {
        const auto& at = entry.where;
        what.known.insert(what.known.end(), {at.left, at.top, at.right, at.bottom});
    }
    const auto reply = co_await ctx_.brokers.ask(std::move(what), frame_patience);
    if (!reply || !reply->error.empty()) newest_ = {};  // Redis may be older than it was
    if (!reply) co_return fail(reply.error());
    if (first_time && reply->error == name_of(errc::model_mismatch)) co_return false;
    if (!reply->error.empty()) {
        co_return fail(errc_named(reply->error).value_or(errc::internal), reply->detail);
    }
    const auto told = parse_live_answer(reply->result);
    if (!told) co_return fail(told.error());
    // Read last: an answer sent after a clear or a delete succeeded must not name people from
    // before.
    const auto people = people_in(*told);
    const auto after = co_await read_gallery(collection, people);
    if (!after) co_return fail(after.error());
    // A train that succeeded before the frame arrived counts. `least` contains it only if it was
    // read after that.
    const bool may_miss_a_train = reply->version < after->version && least.asked <= one.arrived;
    if (may_miss_a_train) co_return false;
    if (number != options_number_) co_return false;  // sent with settings that were replaced
    const bool forgot = tracks_.forget_outdated(*after);
    if (!after->allows(reply->version) || (forgot && !known.empty())) co_return false;
    const auto now = boot_now();
    looked_ = now;
    answered_ = one.seq;
    auto faces = named(*told, known, now);
    give_ids(faces, people, after->people);
    if (after->forgets) note_names(faces);
    answer_ = frame_json(one.seq, dropped_, *told, faces, options_.blur,
                         static_cast<double>((now - one.arrived).count()));
    said_.clear();
    co_return true;
}

void live_channel::note_names(const std::vector<named_face>& faces) {
    std::vector<std::string> names;
    for (const auto& face : faces) {
        if (face.status == face_status::known) names.push_back(face.label);
    }
    note_seen(ctx_, options_.collection, std::move(names));
}

std::vector<named_face> live_channel::named(const live_answer& told,
                                            const std::vector<known_track>& known, boot_time now) {
    const auto version = static_cast<gallery_version>(told.version);
    if (options_.tracks) {
        return tracks_.take(told.faces, known, version, now, told.threshold());
    }
    std::vector<named_face> faces;
    for (const auto& face : told.faces) {
        faces.push_back({0, face.where, face.score, face.status, face.label, face.distance,
                         face.similarity, true});
    }
    return faces;
}

// ---- writing -----------------------------------------------------------------------------------

void live_channel::refuse(std::uint64_t seq, const error& why) {
    ++dropped_;
    if (why.code == errc::internal) log::error("live_frame_failed", {{"what", why.detail}});
    if (is_trouble(why.code)) {
        const auto now = boot_now();
        const auto last = said_.find(why.code);
        if (last != said_.end() && now < last->second + say_again) return;
        said_[why.code] = now;
    }
    tell(problem_json(seq, why));
}

void live_channel::tell(std::string problem) {
    if (problems_.size() == problems_max) problems_.pop_front();
    problems_.push_back(std::move(problem));
}

asio::awaitable<void> live_channel::write() {
    while (!over_) {
        std::string text;
        const bool tells = !settings_ && problems_.empty();
        if (settings_) {
            text = *std::exchange(settings_, std::nullopt);
        } else if (!problems_.empty()) {
            text = std::move(problems_.front());
            problems_.pop_front();
        } else if (answer_ && boot_now() > looked_ + answer_fresh) {
            // The client reads slowly, and people in the answer may have been removed since.
            answer_.reset();
            refuse(answered_, {errc::old_version, "Answer dropped: client reads too slowly"});
            look_.cancel();
            continue;
        } else if (answer_) {
            text = *answer_;
        } else if (stopping_) {
            text = problem_json(0, stop_why_);
            if (!co_await channel_.write(text)) co_return;
            co_await channel_.close(stop_code_, stop_why_.detail);
            co_return;
        } else {
            co_await sleep(write_);
            continue;
        }
        if (!co_await channel_.write(text)) co_return;
        if (!tells) continue;
        answer_.reset();  // only now: the next frame is processed after this was written
        look_.cancel();
    }
}

}  // namespace vultus::api
