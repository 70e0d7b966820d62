// See import.hpp.
#include "clients/ctl/transfer/import.hpp"

#include <poll.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "clients/ctl/brokers/broker_admin.hpp"
#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/transfer/export_file.hpp"
#include "clients/ctl/transfer/import_report.hpp"
#include "clients/ctl/transfer/photo_folders.hpp"
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

/// The file's bytes, at most one more than the limit.
result<std::string> photo_at(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(errc::not_found, "file cannot be read");
    std::string bytes(limits::body_bytes + 1, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return fail(errc::not_found, "file cannot be read");
    if (bytes.empty()) return fail(errc::unsupported_media, "file is empty");
    if (bytes.size() > limits::body_bytes) {
        return fail(errc::too_large, "photo is larger than 10 MiB");
    }
    if (auto header = inspect_image(bytes); !header) return fail(header.error());
    return bytes;
}

class importing {
 public:
    importing(const import_request& asked, redis_blocking& redis, const store_context& store,
              const listener& on, std::size_t all)
        : asked_(asked), redis_(redis), store_(store), on_(on), all_(all) {
        if (auto link = broker_admin::open(context_, asked.broker, asked.curve)) {
            broker_ = std::move(*link);
        }
    }

    void skip(const skipped_path& one) {
        const bool bad = one.failed;
        say({bad ? file_state::refused : file_state::skipped, one.path, bad ? one.path : "",
             one.why, "", ""});
    }

    void take(const std::string& root, found_photo photo) {
        if (over()) return unfinished(photo, "not started: " + why_over_);
        auto label = normal_label(photo.label);
        if (!label) return refuse(photo, label.error(), "");
        photo.label = *std::move(label);
        auto bytes = photo_at(std::filesystem::path(root) / photo.path);
        if (!bytes) return refuse(photo, bytes.error(), "");
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
        offer(photo, content, *bytes);
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
        std::string id;
        std::size_t bytes = 0;
    };

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
        on_.progress(done_, all_, "photos");
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
            new_job job = job_for(photo, content, link);
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
                return open_.push_back({photo, id, bytes.size()});
            }
            if (earlier(photo, made->job_id)) return;
        }
        refuse(photo, {errc::wrong_state, "removed or cancelled too often within 24 h"}, "");
    }

    new_job job_for(const found_photo& photo, const std::string& content, int link) const {
        new_job job;
        job.id = new_job_id(unix_now(), store_.shard());
        job.type = job_type::train;
        job.priority = job_priority::bulk;
        job.collection = asked_.collection;
        job.label = photo.label;
        job.client = who();
        job.label_hash = hash_of_label(photo.label, asked_.secret);
        job.options = options();
        job.fingerprint = sha256_hex(asked_.collection + "\n" + photo.label + "\n" + content);
        job.idempotency_hash =
            sha256_hex("vultusctl import\n" + job.fingerprint + "\n" + std::to_string(link));
        return job;
    }

    std::string options() const {
        json_text text;
        text.open_object();
        if (!asked_.detector.empty()) text.key("detector").text(asked_.detector);
        if (asked_.rotate) text.key("rotate").truth(true);
        if (asked_.quality != "off") text.key("quality").text(asked_.quality);
        return text.close_object().str();
    }

    /// A job of an earlier run has the key. True if that job gives the verdict, now or later.
    bool earlier(const found_photo& photo, const std::string& id) {
        const auto job = patiently([&] { return job_reader(store_).job(id); });
        if (job && !is_terminal(job->state)) {
            open_.push_back({photo, id, 0});
            return true;
        }
        const std::string label = label_kept(id);
        if (!label.empty()) {
            say({file_state::known, photo.path, photo.label, "imported_before",
                 label == photo.label ? "" : "now " + label, id});
            return true;
        }
        if (!job || job->state != job_state::failed) return false;
        const error why = reason_with_name(*job);
        const bool of_the_photo =
            job->error.find(name_of(errc::no_usable_photo)) != std::string::npos;
        if (!of_the_photo || job->options != options()) return false;
        refuse(photo, why, id);
        return true;
    }

    /// The name under which the face of a job is in the gallery; empty if it is not there.
    std::string label_kept(const std::string& job_id) { return label_of_face(job_id + "-0"); }

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

    void ended(const open_job& one, const job_record& job) {
        const found_photo& photo = one.photo;
        if (job.state == job_state::succeeded && !job.superseded) {
            say({file_state::imported, photo.path, photo.label, "", "", one.id});
        } else if (job.state == job_state::succeeded) {
            say({file_state::refused, photo.path, photo.label, "superseded",
                 "the person or the collection was removed in the meantime", one.id});
        } else if (job.state == job_state::cancelled) {
            say({file_state::refused, photo.path, photo.label, "cancelled", "", one.id});
        } else {
            refuse(photo, reason_with_name(job), one.id);
        }
    }

    const import_request& asked_;
    redis_blocking& redis_;
    const store_context& store_;
    const listener& on_;
    const std::size_t all_;
    zmq_context context_;
    std::optional<broker_admin> broker_;
    std::vector<open_job> open_;
    std::vector<file_verdict> verdicts_;
    std::map<std::string, found_photo> seen_;  // content -> the file that had it first
    std::size_t done_ = 0;
    boot_time look_at_{0}, moved_ = boot_now();
    std::string trouble_, why_over_;
};

}  // namespace

result<report> import_photos(const import_request& asked, redis_blocking& redis,
                             const store_context& store, const listener& on) {
    const auto found = photos_below(asked.folder);
    if (!found) return fail(found.error());
    importing all(asked, redis, store, on, found->photos.size());
    for (const skipped_path& one : found->skipped) all.skip(one);
    for (const found_photo& one : found->photos) all.take(found->root, one);
    return import_report(found->root, asked.collection, all.finish());
}

}  // namespace vultus::ctl
