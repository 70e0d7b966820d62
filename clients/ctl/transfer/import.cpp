// See import.hpp.
#include "clients/ctl/transfer/import.hpp"

#include <poll.h>

#include <algorithm>
#include <map>
#include <optional>

#include "clients/ctl/brokers/broker_admin.hpp"
#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/transfer/export_file.hpp"
#include "clients/ctl/transfer/import_jobs.hpp"
#include "clients/ctl/transfer/import_journal.hpp"
#include "clients/ctl/transfer/import_report.hpp"
#include "shared/base/error.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/image_header.hpp"
#include "shared/model/label.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::ctl {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t jobs_open_max = 64;                 // unfinished jobs
constexpr std::size_t bytes_open_max = 64 * limits::mib;  // their photos: a small part of the queue
constexpr milliseconds look_every{100};
constexpr milliseconds pause_first{250}, pause_most{5'000};
constexpr std::chrono::minutes patience{10};
constexpr int tries_of_a_photo = 100;  // keys that earlier runs may have used up

class importing {
 public:
    importing(const import_request& asked, photo_source& source, import_journal& journal,
              redis_blocking& redis, const store_context& store, const listener& on)
        : asked_(asked), source_(source), journal_(journal), redis_(redis), store_(store), on_(on) {
        if (auto link = broker_admin::open(context_, asked.broker, asked.curve)) {
            broker_ = std::move(*link);
        }
    }

    /// All that the source lists. Why it was not listed to its end; empty: it was.
    std::string list_all() {
        while (!(over() && source_.is_remote())) {
            auto one = source_.next();
            if (!one) return one.error().detail;
            if (!*one) return {};
            if (auto* photo = std::get_if<found_photo>(&**one)) {
                take(std::move(*photo));
            } else {
                skip(std::get<skipped_path>(**one));
            }
        }
        return why_over_;
    }

    void skip(const skipped_path& one) {
        const bool bad = one.failed;
        say({bad ? file_state::refused : file_state::skipped, one.path, bad ? one.path : "",
             one.why, "", ""});
    }

    void take(found_photo photo) {
        if (over()) return unfinished(photo, "not started: " + why_over_);
        auto label = normal_label(photo.label);
        if (!label) return refuse(photo, label.error(), "");
        photo.label = *std::move(label);
        if (is_in_journal(photo)) return;
        const auto bytes = source_.read(photo);
        if (!bytes && bytes.error().code == errc::fetch_failed) {
            why_over_ = bytes.error().detail;
            return unfinished(photo, "not started: " + why_over_);
        }
        if (!bytes) return refuse(photo, bytes.error(), "");
        if (auto header = inspect_image(*bytes); !header) return refuse(photo, header.error(), "");
        const std::string content = sha256_hex(*bytes);
        const auto [same, first] = seen_.emplace(content, photo);
        if (!first && same->second.label == photo.label) {
            return say({file_state::duplicate, photo.path, photo.label, "same_bytes",
                        "same as " + same->second.path, ""});
        }
        if (!first) {  // which of the two it shows is unknown
            return say({file_state::refused, photo.path, photo.label, "same_photo_of_two_people",
                        "same bytes as " + same->second.path, ""});
        }
        while (!has_room(bytes->size())) {
            if (over()) return unfinished(photo, "not started: " + why_over_);
            rest(look_every);
            look();
        }
        if (asked_.dry_run) {
            probe(photo, content, *bytes);
        } else {
            offer(photo, content, *bytes);
        }
        if (boot_now() >= look_at_) look();
    }

    std::vector<file_verdict> finish() {
        while (!open_.empty() && !over()) {
            rest(look_every);
            look();
        }
        for (const open_job& one : open_) {
            say({file_state::unfinished, one.photo.path, one.photo.label, "accepted",
                 "the job continues: " + why_over_, one.id});
        }
        return std::move(verdicts_);
    }

 private:
    struct open_job {
        found_photo photo;
        std::string id, content;
        std::size_t bytes = 0;
    };

    /// Whether the journal has a verdict that still holds: a face that was removed is taught again.
    bool is_in_journal(const found_photo& photo) {
        const journal_entry* entry = journal_.find(photo);
        if (entry == nullptr) return false;
        if (entry->state == file_state::refused) {
            say({file_state::refused, photo.path, photo.label, entry->reason, entry->detail, ""});
            return true;
        }
        const std::string label = label_of_face(entry->face_id);
        if (label.empty()) return false;
        seen_.emplace(entry->content, photo);
        known(photo, label, "imported_before", "");
        return true;
    }

    void write(const found_photo& photo, const journal_entry& entry) {
        const auto written = journal_.add(photo, entry);
        if (!written && why_over_.empty()) why_over_ = written.error().detail;
    }

    void known(const found_photo& photo, const std::string& label, const char* reason,
               const std::string& job_id) {
        say({file_state::known, photo.path, photo.label, reason,
             label == photo.label ? "" : "now " + label, job_id});
    }

    bool over() {
        if (why_over_.empty() && on_.stopped && on_.stopped()) why_over_ = "interrupted";
        if (why_over_.empty() && boot_now() - moved_ > patience) {
            why_over_ = "no progress for ten minutes" + (trouble_.empty() ? "" : "; " + trouble_);
        }
        return !why_over_.empty();
    }

    bool has_room(std::size_t bytes) const {
        std::size_t held = bytes;
        for (const open_job& one : open_) held += one.bytes;
        return open_.empty() || (open_.size() < jobs_open_max && held <= bytes_open_max);
    }

    static void rest(milliseconds span) { ::poll(nullptr, 0, static_cast<int>(span.count())); }

    void say(file_verdict what) {
        moved_ = boot_now();
        on_.line(line_of(what));
        verdicts_.push_back(std::move(what));
        if (verdicts_.back().state != file_state::skipped) ++done_;
        on_.progress(done_, std::max(done_, source_.total()), "photos");
    }
    void refuse(const found_photo& photo, const error& why, const std::string& job_id) {
        say({file_state::refused, photo.path, photo.label, std::string(name_of(why.code)),
             why.detail, job_id});
    }
    void unfinished(const found_photo& photo, const std::string& why) {
        say({file_state::unfinished, photo.path, photo.label, "not_begun", why, ""});
    }

    /// Retries until it succeeds, the error is permanent, or the import ends.
    template <class Call>
    auto patiently(Call call) {
        milliseconds pause = pause_first;
        while (true) {
            auto answer = redis_.call(call());
            if (answer || !retryable(answer.error().code) || over()) return answer;
            trouble_ = std::string(name_of(answer.error().code));
            rest(pause);
            pause = std::min(pause * 2, pause_most);
            if (answer.error().code != errc::store_unavailable) look();
        }
    }

    /// Tries idempotency keys in turn: the first that is unused, or whose job counts.
    void offer(const found_photo& photo, const std::string& content, const std::string& bytes) {
        for (int link = 0; link < tries_of_a_photo; ++link) {
            new_job job = train_of(asked_, photo, content, link, store_.shard());
            const std::string id = job.id;
            const auto made = patiently([&] {
                new_job again = job;
                again.images = {bytes};
                return submission_store(store_).accept(std::move(again), limits::queue_jobs,
                                                       limits::queue_bytes);
            });
            if (!made) {
                if (over()) return unfinished(photo, "not started: " + why_over_);
                return refuse(photo, made.error(), "");
            }
            moved_ = boot_now();
            if (made->job_id == id) {
                if (broker_) broker_->submit(id, store_.shard());
                return open_.push_back({photo, id, content, bytes.size()});
            }
            if (earlier(photo, content, made->job_id)) return;
        }
        refuse(photo, {errc::wrong_state, "removed or cancelled too often within 24 h"}, "");
    }

    /// Of a dry run: the verdict of an earlier run, else a job that only counts the faces.
    void probe(const found_photo& photo, const std::string& content, const std::string& bytes) {
        for (int link = 0; link < tries_of_a_photo; ++link) {
            const new_job as = train_of(asked_, photo, content, link, store_.shard());
            const auto before =
                patiently([&] { return submission_store(store_).accepted_before(as); });
            if (!before || !*before) break;
            if (earlier(photo, content, (*before)->job_id)) return;
        }
        const new_job job = count_of_faces(asked_, store_.shard());
        const auto made = patiently([&] {
            new_job again = job;
            again.images = {bytes};
            return submission_store(store_).accept(std::move(again), limits::queue_jobs,
                                                   limits::queue_bytes);
        });
        if (!made && over()) return unfinished(photo, "not started: " + why_over_);
        if (!made) return refuse(photo, made.error(), "");
        moved_ = boot_now();
        if (broker_) broker_->submit(job.id, store_.shard());
        open_.push_back({photo, job.id, content, bytes.size()});
    }

    void probed(const open_job& one, const job_record& job) {
        const auto faces = json_items(job.result, "/faces");
        const std::size_t n = faces ? faces->size() : 0;
        if (n == 1)
            return say({file_state::would_import, one.photo.path, one.photo.label, "", "", ""});
        if (n == 0) return refuse(one.photo, {errc::no_face, "No face found"}, "");
        refuse(one.photo, {errc::several_faces, std::to_string(n) + " faces found"}, "");
    }

    /// A job of an earlier run has the key. True if that job gives the verdict, now or later.
    bool earlier(const found_photo& photo, const std::string& content, const std::string& id) {
        const auto job = patiently([&] { return job_reader(store_).job(id); });
        if (job && !is_terminal(job->state)) {
            open_.push_back({photo, id, content, 0});
            return true;
        }
        const std::string face = job ? face_of(*job) : id + "-0";
        const std::string label = label_of_face(face);
        if (!label.empty()) {
            known(photo, label, "imported_before", id);
            write(photo, {file_state::known, "", "", content, face});
            return true;
        }
        if (!job || job->state != job_state::failed) return false;
        if (!is_of_the_photo(*job) || job->options != options_of(asked_)) return false;
        failed(photo, content, *job);
        return true;
    }

    /// The name under which a face is in the gallery; empty if it is not there.
    std::string label_of_face(const std::string& face_id) {
        const auto info =
            patiently([&] { return gallery_reader(store_).gallery(asked_.collection); });
        if (!info || info->version == 0) return "";
        const auto texts = patiently([&] {
            return gallery_reader(store_).face_json(asked_.collection, info->version / epoch_factor,
                                                    {face_id});
        });
        return texts && !texts->empty() ? label_of(texts->front()) : "";
    }

    /// Polls every open job.
    void look() {
        look_at_ = boot_now() + look_every;
        for (auto one = open_.begin(); one != open_.end();) {
            const auto job = redis_.call(job_reader(store_).job(one->id));
            if (!job && retryable(job.error().code)) {
                trouble_ = std::string(name_of(job.error().code));
                return;
            }
            if (job && !is_terminal(job->state)) {
                ++one;
                continue;
            }
            if (job) {
                ended(*one, *job);
            } else {
                refuse(one->photo, job.error(), one->id);
            }
            one = open_.erase(one);
        }
    }

    /// The reason, with the name of the other person if the photo was refused because of one.
    error reason_with_name(const job_record& job) {
        error why = reason_of(job.error);
        if (why.code != errc::looks_like_other) return why;
        const std::string face = json_at(job.error, "/files/0/other/face_id");
        const std::string label = face.empty() ? "" : label_of_face(face);
        if (!label.empty()) why.detail = label + ": " + why.detail;
        return why;
    }

    void failed(const found_photo& photo, const std::string& content, const job_record& job) {
        const error why = reason_with_name(job);
        refuse(photo, why, job.id);
        if (!is_of_the_photo(job)) return;
        write(photo,
              {file_state::refused, std::string(name_of(why.code)), why.detail, content, ""});
    }

    void ended(const open_job& one, const job_record& job) {
        const found_photo& photo = one.photo;
        if (job.state == job_state::succeeded && job.type == job_type::detect) {
            probed(one, job);
        } else if (job.state == job_state::succeeded && !job.superseded) {
            const bool before = job.result.find("\"taught_before\":true") != std::string::npos;
            if (before) {
                known(photo, photo.label, "taught_before", one.id);
            } else {
                say({file_state::imported, photo.path, photo.label, "", "", one.id});
            }
            write(photo, {file_state::imported, "", "", one.content, face_of(job)});
        } else if (job.state == job_state::succeeded) {
            say({file_state::refused, photo.path, photo.label, "superseded",
                 "the person or the collection was removed in the meantime", one.id});
        } else if (job.state == job_state::cancelled) {
            say({file_state::refused, photo.path, photo.label, "cancelled", "", one.id});
        } else {
            failed(photo, one.content, job);
        }
    }

    const import_request& asked_;
    photo_source& source_;
    import_journal& journal_;
    redis_blocking& redis_;
    const store_context& store_;
    const listener& on_;
    zmq_context context_;
    std::optional<broker_admin> broker_;
    std::vector<open_job> open_;
    std::vector<file_verdict> verdicts_;
    std::map<std::string, found_photo> seen_;  // content -> the file that had it first
    std::uint64_t done_ = 0;
    boot_time look_at_{0}, moved_ = boot_now();
    std::string trouble_, why_over_;
};

}  // namespace

result<report> import_photos(const import_request& asked, redis_blocking& redis,
                             const store_context& store, const listener& on) {
    source_request from = asked.source;
    from.stopped = on.stopped;
    const auto source = open_source(from);
    if (!source) return fail(source.error());
    import_journal journal;
    if (!asked.journal.empty()) {
        const std::string of = from.from + " " + (*source)->name() + " into " + asked.collection +
                               " " + asked.detector + (asked.rotate ? " rotate " : " ") +
                               asked.quality;
        if (auto good = journal.open(asked.journal, of); !good) return fail(good.error());
    }
    importing all(asked, **source, journal, redis, store, on);
    const std::string stopped = all.list_all();
    return import_report({(*source)->name(), asked.collection, stopped}, all.finish());
}

}  // namespace vultus::ctl
