#include "workers/pipeline/gallery_store.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/log.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/store/gallery_reading.hpp"
#include "workers/pipeline/results.hpp"

namespace vultus {
namespace {

constexpr std::size_t letters_max = 4'096;
constexpr std::chrono::milliseconds pause_after_error{200}, tick{50}, idle_tick{1'000};
constexpr std::chrono::milliseconds slice{50};  ///< of a load, then others are updated
constexpr int rounds_max = 8;                   ///< of changes faster than hello; the rest later
constexpr int failures_told = 3;                ///< then waiting work is given up

// After this many consecutive failures of one collection.
std::chrono::milliseconds pause_after(int failures) {
    return pause_after_error * (1 << std::min(failures - 1, 5));
}

bool redis_is_away(errc why) {
    return why == errc::store_unavailable || why == errc::unknown_outcome;
}

}  // namespace

gallery_store::gallery_store(gallery_store_settings settings, const store_context& context,
                             mailbox<session_mail>& session, on_update publish)
    : settings_(std::move(settings)),
      reader_(context),
      holdings_(context),
      session_(session),
      publish_(std::move(publish)),
      letters_(letters_max),
      redis_(settings_.redis),
      thread_([this] { run(); }) {}

gallery_store::~gallery_store() {
    letters_.close();
    thread_.join();
}

void gallery_store::registered(std::string worker_id, std::uint64_t registration) {
    letters_.push(registered_letter{std::move(worker_id), registration});
}

void gallery_store::fenced() {
    letters_.push(fenced_letter{});
}

bool gallery_store::want(std::string collection, gallery_version at_least, std::uint64_t question) {
    letter what = want_letter{std::move(collection), at_least, question};
    return letters_.try_push(what);
}

void gallery_store::news(std::string collection, gallery_version version) {
    letter what = news_letter{std::move(collection), version};
    letters_.try_push(what);  // a hint: the next renewal repeats it
}

void gallery_store::run() {
    while (true) {
        const bool busy =
            !leaving_.empty() || compacting_ ||
            std::any_of(held_.begin(), held_.end(), [](auto& one) { return one.second.behind; });
        const bool reading = std::any_of(held_.begin(), held_.end(),
                                         [](auto& one) { return one.second.reading.has_value(); });
        const auto pause = reading ? std::chrono::milliseconds{0} : busy ? tick : idle_tick;
        auto first = letters_.pop_for(pause);
        if (!first && letters_.closed()) return;
        for (; first; first = letters_.try_pop()) {
            std::visit([this](auto&& what) { read(std::move(what)); }, std::move(*first));
        }
        if (worker_id_.empty() || boot_now() < try_again_) continue;
        bring_up_to_date();
        say_goodbyes();
        compact();
    }
}

void gallery_store::read(registered_letter&& what) {
    worker_id_ = std::move(what.worker_id);
    registration_ = what.registration;
    try_again_ = boot_time{0};
    start_over();
    leaving_.clear();  // registering dropped all holdings
    for (auto& [name, held] : held_) {
        held.behind = true;
        held.not_before = boot_time{0};
    }
}

void gallery_store::read(fenced_letter&&) {
    worker_id_.clear();
    start_over();
    for (auto& [name, held] : held_) {
        held.published.reset();
        publish_({name, nullptr, held.used, registration_});
    }
}

void gallery_store::read(want_letter&& what) {
    held_gallery& held = held_[what.collection];
    held.asked = std::max(held.asked, what.question);
    held.used->store(boot_now().count(), std::memory_order_relaxed);
    const bool enough = held.published && satisfies(held.published->version, what.at_least);
    if (enough && !worker_id_.empty())
        publish(what.collection, held);
    else
        held.behind = true;
}

void gallery_store::read(news_letter&& what) {
    const auto found = held_.find(what.collection);
    if (found == held_.end() || !found->second.loaded) return;
    if (is_other(found->second.faces.version(), what.version)) found->second.behind = true;
}

void gallery_store::bring_up_to_date() {
    std::vector<std::string> behind;
    for (const auto& [name, held] : held_) {
        if (held.behind && boot_now() >= held.not_before) behind.push_back(name);
    }
    for (const std::string& name : behind) {
        const auto found = held_.find(name);  // an eviction may have taken it
        if (found == held_.end()) continue;
        if (auto brought = bring(name, found->second); !brought) {
            if (!bring_failed(name, found->second, brought.error())) return;
            continue;
        }
        evict(name);
    }
}

// False: the failure is not of this collection, and nothing can be read now.
bool gallery_store::bring_failed(const std::string& collection, held_gallery& held,
                                 const error& why) {
    if (why.code == errc::not_registered) {
        start_over();
        session_.push(registration_gone{std::exchange(worker_id_, {})});
        return false;
    }
    log::warning(
        "gallery_load_failed",
        {{"collection", collection}, {"error", name_of(why.code)}, {"detail", why.detail}});
    if (redis_is_away(why.code)) {
        start_over();
        try_again_ = boot_now() + pause_after_error;
        return false;
    }
    held.reading.reset();
    held.not_before = boot_now() + pause_after(++held.failures);
    if (held.failures >= failures_told) {
        publish_({collection, nullptr, held.used, registration_, held.asked, true});
    }
    return true;
}

// Catches up, announces, and publishes if the current version was announced. Loading is not
// holding: users get no gallery that Redis does not know this worker serves.
result<void> gallery_store::bring(const std::string& collection, held_gallery& held) {
    leaving_.erase(collection);  // its `none` would revoke the hello below
    for (int round = 0; round < rounds_max; ++round) {
        if (!held.loaded) {
            if (auto read = read_snapshot(collection, held); !read) return read;
            if (!held.loaded) return {};  // others are updated first
        }
        if (auto caught = catch_up(collection, held); !caught) return caught;
        if (!held.loaded) continue;
        if (auto learnt = learn_model(collection, held); !learnt) return learnt;
        failpoint("worker.before_hello");
        auto said = redis_.call(holdings_.hello(worker_id_, collection, held.faces.version()));
        failpoint("worker.after_hello");
        if (!said) return fail(said.error());
        if (!said->registered) return fail(errc::not_registered, "");
        if (!said->serve) continue;
        // This is the current version: an answer to all questions before the hello.
        held.behind = false;
        held.answered = held.asked;
        held.failures = 0;
        publish(collection, held);
        session_.push(gallery_held{collection, held.faces.version()});
        return {};
    }
    held.not_before = boot_now() + pause_after(1);  // still behind: continue in a later turn
    return {};
}

// A cursor of HSCAN is worthless after a restart of Redis.
void gallery_store::start_over() {
    for (auto& [name, held] : held_) held.reading.reset();
}

result<void> gallery_store::read_snapshot(const std::string& collection, held_gallery& held) {
    if (!held.reading) {
        auto info = redis_.call(reader_.gallery(collection));
        if (!info) return fail(info.error());
        held.faces = gallery_builder(info->version);
        held.faces.set_embedding_model(info->embedding_model);
        held.reading.emplace(snapshot_reading{std::move(*info), "0"});
        failpoint("worker.in_gallery_load");
    }
    const gallery_version version = held.reading->info.version;
    const boot_time end = boot_now() + slice;
    while (version > 0) {
        if (auto read = read_chunk(collection, held); !read) return read;
        if (held.reading->cursor == "0") break;
        if (boot_now() >= end) return {};
    }
    held.reading.reset();
    held.faces.set_version(version);
    held.loaded = true;
    log::info("gallery_loaded",
              {{"collection", collection}, {"version", version}, {"faces", held.faces.faces()}});
    return {};
}

result<void> gallery_store::read_chunk(const std::string& collection, held_gallery& held) {
    const std::uint64_t epoch = held.reading->info.version / epoch_factor;
    auto chunk =
        redis_.call(reader_.scan(collection, epoch, gallery_value::vector, held.reading->cursor));
    if (!chunk) return fail(chunk.error());
    for (const std::string& id :
         chunk->foreign) {  // sealed for another place: written by somebody else
        log::error("stored_face_refused",
                   {{"face", id}, {"why", "sealed for another face or collection"}});
    }
    std::vector<std::string> ids;
    for (const auto& [face_id, bytes] : chunk->fields) ids.push_back(face_id);
    if (!ids.empty()) {
        auto texts = redis_.call(reader_.face_json(collection, epoch, ids));
        if (!texts) return fail(texts.error());
        for (std::size_t i = 0; i < ids.size() && i < texts->size(); ++i) {
            if ((*texts)[i].empty()) continue;  // removed meanwhile: the log has it too
            auto label = read_label((*texts)[i]);
            const std::string& bytes = chunk->fields[i].second;
            auto vector = embedding_from(bytes, held.reading->info.dimension > 0
                                                    ? held.reading->info.dimension
                                                    : bytes.size() / sizeof(float));
            if (!label || !vector || !held.faces.add(ids[i], *label, *vector)) {
                log::error("stored_face_refused", {{"face", ids[i]}});
            }
        }
    }
    held.reading->cursor = std::move(chunk->cursor);
    return {};
}

result<void> gallery_store::catch_up(const std::string& collection, held_gallery& held) {
    while (true) {
        const gallery_version from = held.faces.version();
        auto delta = read_delta(redis_, reader_, collection, from);
        if (!delta) return fail(delta.error());
        const bool gap = delta->more && delta->reached == from;  // the log does not continue here
        if (delta->snapshot || gap) {  // or another epoch, or the log no longer reaches back
            held.loaded = false;
            return {};
        }
        held.faces.apply(delta->entries);
        held.faces.set_version(delta->reached);
        if (!delta->more) return {};
    }
}

// The first train after a clear decides the model, which the log does not contain.
result<void> gallery_store::learn_model(const std::string& collection, held_gallery& held) {
    if (held.faces.faces() == 0 || !held.faces.embedding_model().empty()) return {};
    auto info = redis_.call(reader_.gallery(collection));
    if (!info) return fail(info.error());
    const bool same_epoch = info->version / epoch_factor == held.faces.version() / epoch_factor;
    if (same_epoch) held.faces.set_embedding_model(info->embedding_model);
    return {};  // another epoch: hello will not reply `serve`
}

void gallery_store::publish(const std::string& collection, held_gallery& held) {
    if (!held.published || held.published->version != held.faces.version()) {
        held.published = held.faces.publish();
    }
    publish_({collection, held.published, held.used, registration_, held.answered});
}

void gallery_store::evict(const std::string& but) {
    const auto too_much = [this] {
        std::size_t bytes = 0;
        for (const auto& [name, held] : held_) bytes += held.faces.bytes();
        return held_.size() > settings_.collections_max || bytes > settings_.bytes_max;
    };
    while (held_.size() > 1 && too_much()) {
        auto oldest = held_.end();
        for (auto one = held_.begin(); one != held_.end(); ++one) {
            if (one->first == but) continue;
            const auto used = [](const auto& it) { return it->second.used->load(); };
            if (oldest == held_.end() || used(one) < used(oldest)) oldest = one;
        }
        log::info("gallery_evicted", {{"collection", oldest->first}});
        publish_({oldest->first, nullptr, oldest->second.used, registration_});
        leaving_[oldest->first].users = oldest->second.published;
        held_.erase(oldest);
    }
}

// One segment of each gallery in a turn, so that changes do not wait.
void gallery_store::compact() {
    compacting_ = false;
    for (auto& [name, held] : held_) {
        if (!held.published || held.behind || !held.faces.compact()) continue;
        compacting_ = true;
        held.published = held.faces.publish();
        publish_({name, held.published, held.used, registration_, held.answered});
    }
}

// A gallery is given up in Redis only when its last user released it.
void gallery_store::say_goodbyes() {
    for (auto one = leaving_.begin(); one != leaving_.end();) {
        if (!one->second.users.expired() || boot_now() < one->second.not_before) {
            ++one;
            continue;
        }
        auto said = redis_.call(holdings_.hello(worker_id_, one->first, std::nullopt));
        if (!said && redis_is_away(said.error().code)) {
            start_over();
            try_again_ = boot_now() + pause_after_error;
            return;
        }
        if (!said) {
            one++->second.not_before = boot_now() + std::chrono::seconds(1);
            continue;
        }
        session_.push(gallery_held{one->first, std::nullopt});
        one = leaving_.erase(one);
    }
}

}  // namespace vultus
