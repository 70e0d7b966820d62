// What a job is, and the rules for the names in it. Words here are the words in JSON, in Redis and
// in the metrics.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/result.hpp"
#include "shared/base/utf8.hpp"

namespace vultus {

enum class job_type {
    recognize,
    detect,
    embed,
    verify,
    train,
    calibrate,
    reembed,
    clear,
    forget,
    rename,
    merge,
    delete_collection
};
enum class job_state { pending, running, delayed, publishing, succeeded, failed, dead, cancelled };
enum class job_priority { interactive, bulk };

/// The kind of device on which a job or a frame costs least, by its detector.
enum class device_kind { cpu, gpu };

std::string_view name_of(device_kind) noexcept;
std::string_view name_of(job_type) noexcept;
std::string_view name_of(job_state) noexcept;
std::string_view name_of(job_priority) noexcept;
std::optional<job_type> job_type_named(std::string_view) noexcept;
std::optional<job_state> job_state_named(std::string_view) noexcept;

/// True for succeeded, failed, dead and cancelled: the state changes no more by itself.
bool is_terminal(job_state) noexcept;

/// True for what Redis commits when it is accepted, so that no worker runs it.
bool is_change(job_type) noexcept;

/// True for recognize, detect, embed and verify: a worker looks at photos and changes nothing.
bool is_question(job_type) noexcept;

/// True for detect, embed and verify, which may name no collection: such a job reads no gallery.
bool may_lack_collection(job_type) noexcept;

/// A worker announces the types that it runs. This word among them: a recognize and a train may
/// bring vectors instead of photos (job_options::vectors).
constexpr std::string_view vectors_word = "vectors";
/// What a worker of this version announces.
constexpr std::array<std::string_view, 8> announced_types{
    "recognize", "train", "calibrate", "reembed", "detect", "embed", "verify", vectors_word};

/// epoch * 10^9 + seq: grows with each change of a collection, never goes back.
using gallery_version = std::uint64_t;
constexpr gallery_version epoch_factor = 1'000'000'000;

/// One run of a job by one worker. The fencing token of every write a worker makes.
struct attempt_id {
    std::string job_id;
    std::uint64_t attempt = 0;
    bool operator==(const attempt_id&) const = default;
    auto operator<=>(const attempt_id&) const = default;
};

/// A job as a worker gets it.
struct leased_job {
    std::string job_id;
    std::uint64_t attempt = 0;
    job_type type = job_type::recognize;
    std::string collection;
    gallery_version min_version = 0;  ///< an answer from an older gallery is refused
    unix_time lease_until{0};         ///< on Redis' clock
    unix_time deadline{0};            ///< on Redis' clock
    bool solo = false;                ///< an attempt in a batch was lost: runs alone
    std::string traceparent;          ///< W3C trace context, may be empty
    bool operator==(const leased_job&) const = default;
};

/// The detectors, by the words of the option `detector`. Whether a worker has the file of the last
/// two depends on its machine.
constexpr std::array<std::string_view, 4> detector_names{"hog", "cnn", "centerface", "yunet"};

/// errors    bad_option, which names them
result<void> check_detector(std::string_view name);

/// Where work with this detector is routed if there is a choice. gpu: a CPU takes at least ten
/// times as long. cpu: workers with a GPU also run this detector on the CPU; also for an unknown
/// name, such as the empty one of an older sender.
device_kind preferred_device(std::string_view detector) noexcept;

/// Whether the detector takes the option `rotate`: centerface and yunet.
bool turns_pictures(std::string_view detector) noexcept;

/// Whether a train refuses photos that show a face badly, and faces that look like somebody else's.
/// What the levels require: workers/vision/face_quality.hpp.
enum class quality_gate { off, standard, strict };
std::string_view name_of(quality_gate) noexcept;
std::optional<quality_gate> quality_gate_named(std::string_view) noexcept;

/// errors    bad_option, which names the levels
result<quality_gate> check_quality_gate(std::string_view name);

/// What a client may ask of a recognize or a train. Stored as JSON text with these names. The
/// ranges are checked by parse_options (api/jobs/options.cpp) and again by the worker.
struct job_options {
    std::string detector = {};    ///< one of detector_names; empty: the default of the service
    int min_face_px = 40;         ///< smallest face to find, 10..2000, pixels of the photo
    double distance_max = 0.0;    ///< 0 < d <= 2; 0 = the service's default
    double similarity_min = 0.0;  ///< instead of it: 0.01..0.99; 0 = not given
    int k = 0;                    ///< neighbours that vote, 1..100; 0 = the service's default
    bool annotate = false;        ///< keep the photo with boxes and names
    bool embeddings = false;      ///< put the floats of each face in the answer
    int num_jitters = 1;          ///< train only: 1..100 disturbed copies averaged
    /// reembed: the model that the collection gets · embed, verify of two photos: instead of that
    /// of the collection or the service
    std::string embedder = {};
    bool forget_without_pictures = false;  ///< reembed only: who cannot be embedded again goes
    bool rotate =
        false;  ///< centerface, yunet: also look for faces that lie or stand on their head
    quality_gate quality = quality_gate::off;  ///< train only
    int top = 0;  ///< recognize: list so many of the nearest people, 1..100; 0: those that voted
    /// recognize, train: the only "photo" holds so many vectors, one behind the other, float32 in
    /// little-endian; 0: photos
    int vectors = 0;
    std::string model = {};  ///< of the vectors; empty: whatever the gallery has
    /// verify without a job: where the first of two photos ends in the payload; 0: one photo
    int first_bytes = 0;
    std::string label = {};  ///< verify without a job: the person; a job has a field for it
    /// The sender puts person_ids in the place of what the worker writes (person_key.hpp).
    bool person_ids = false;
    bool operator==(const job_options&) const = default;
};

/// The label rule: 1 to 200 bytes of valid UTF-8, not "." or "..", no control or bidirectional
/// formatting characters. Anything else is bad_label with a reason.
result<void> check_label(std::string_view label);

/// The collection rule: [A-Za-z0-9][A-Za-z0-9_-]{0,63}, so no name can imitate a key.
result<void> check_collection(std::string_view name);

}  // namespace vultus
