// See import_jobs.hpp.
#include "clients/ctl/transfer/import_jobs.hpp"

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/base/ids.hpp"
#include "shared/security/secret.hpp"

namespace vultus::ctl {

new_job train_of(const import_request& asked, const found_photo& photo, const std::string& content,
                 int link, unsigned shard) {
    new_job job;
    job.id = new_job_id(unix_now(), shard);
    job.type = job_type::train;
    job.priority = job_priority::bulk;
    job.collection = asked.collection;
    job.label = photo.label;
    job.client = who();
    job.label_hash = hash_of_label(photo.label, asked.secret);
    job.options = options_of(asked);
    job.fingerprint = sha256_hex(asked.collection + "\n" + photo.label + "\n" + content);
    job.idempotency_hash =
        sha256_hex("vultusctl import\n" + job.fingerprint + "\n" + std::to_string(link));
    return job;
}

new_job count_of_faces(const import_request& asked, unsigned shard) {
    new_job job;
    job.id = new_job_id(unix_now(), shard);
    job.type = job_type::detect;
    job.priority = job_priority::bulk;
    job.client = who();
    job.options = options_of(asked);
    return job;
}

std::string options_of(const import_request& asked) {
    json_text text;
    text.open_object();
    if (!asked.detector.empty()) text.key("detector").text(asked.detector);
    if (asked.rotate) text.key("rotate").truth(true);
    if (asked.quality != "off" && !asked.dry_run) text.key("quality").text(asked.quality);
    return text.close_object().str();
}

std::string face_of(const job_record& job) {
    const std::string face = json_at(job.result, "/files/0/face_id");
    return face.empty() ? job.id + "-0" : face;
}

bool is_of_the_photo(const job_record& job) {
    return job.error.find(name_of(errc::no_usable_photo)) != std::string::npos;
}

}  // namespace vultus::ctl
