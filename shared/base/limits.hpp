// The limits that the processes share or that a client sees. A request, a message or a photo beyond
// one is refused with a reason. Settings may lower some of them (config/vultus.toml), none can
// raise one. Tested at n-1, n and n+1.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vultus::limits {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// A request.
constexpr std::size_t body_bytes = 10 * mib;     ///< one photo or one multipart form
constexpr std::size_t header_bytes = 16 * kib;   ///< all header lines of a request
constexpr std::size_t target_bytes = 4 * kib;    ///< path and query
constexpr std::size_t label_bytes = 200;         ///< UTF-8, at least 1
constexpr std::size_t person_id_bytes = 128;     ///< visible ASCII without spaces
constexpr std::size_t external_id_bytes = 256;   ///< UTF-8
constexpr std::size_t metadata_bytes = 4 * kib;  ///< of a person, JSON
constexpr std::size_t notes_bytes = 4 * kib;     ///< of a person
constexpr std::size_t collection_bytes = 64;     ///< [A-Za-z0-9][A-Za-z0-9_-]*
constexpr std::size_t idempotency_key_bytes = 255;
constexpr std::size_t files_per_train = 16;
constexpr std::size_t vectors_per_job = 64;  ///< given to a recognize; a train takes 16
constexpr std::size_t multipart_parts = 64;
constexpr std::size_t multipart_header_bytes = 8 * kib;
constexpr std::size_t multipart_boundary_bytes = 70;  ///< RFC 2046, 5.1.1
constexpr std::size_t json_depth = 8;
constexpr std::size_t json_members = 64;                          ///< of one object
constexpr std::size_t json_number_bytes = 64;                     ///< digits of one number
constexpr std::size_t field_bytes = 4 * kib;                      ///< one text of a form or of JSON
constexpr std::size_t json_bytes = body_bytes * 4 / 3 + 4 * kib;  ///< a photo in base64, framed
constexpr std::size_t page_size = 1'000;                          ///< rows of one listing
constexpr std::chrono::seconds wait{30};                          ///< long poll and Prefer: wait

// A photo.
constexpr std::uint64_t pixels = 40'000'000;  ///< width times height, before decoding
constexpr std::uint32_t image_side = 65'500;  ///< what libjpeg-turbo can hold
constexpr int jpeg_scans = 100;
constexpr std::size_t faces_per_image = 100;  ///< the largest first, then `truncated`

// The queue.
constexpr std::size_t queue_jobs = 10'000;       ///< pending and delayed
constexpr std::size_t queue_bytes = 1024 * mib;  ///< photos of unfinished jobs
constexpr std::size_t result_bytes = 1 * mib;    ///< JSON text of one result
constexpr std::size_t annotated_bytes = 2 * mib;
constexpr std::size_t client_bytes = 64;
constexpr int failures_max = 5;             ///< tries of a job that fails transiently
constexpr int crashes_max = 3;              ///< workers that a job may kill alone
constexpr std::size_t reap_batch = 100;     ///< jobs moved by one timer call
constexpr std::size_t collect_batch = 200;  ///< finished jobs removed by one gc call

// People and faces.
constexpr std::size_t collections = 10'000;
constexpr std::size_t gallery_faces = 1'000'000;
constexpr std::size_t faces_per_label = 1'000;  ///< so that forget and rename are one call
constexpr std::size_t segment_rows = 4'096;     ///< faces in one shared segment
constexpr std::array<std::size_t, 3> embedding_dimensions{128, 256, 512};  ///< floats of a face
constexpr std::size_t embedding_floats_max = embedding_dimensions.back();
constexpr std::size_t embedding_dimension_default = 128;  ///< where a gallery states none
constexpr std::size_t chip_side = 150;                    ///< pixels of a face aligned for dlib
constexpr std::size_t chip_side_max = 256;                ///< the same for any network
constexpr std::size_t picture_side = 256;                 ///< pixels of the kept picture of a face
constexpr std::size_t picture_bytes = 32 * kib;           ///< JPEG of it
constexpr std::size_t batch_max = 128;                    ///< chips embedded in one pass
constexpr std::size_t model_name_bytes = 64;              ///< of a detector or an embedder
constexpr std::size_t models_of_worker = 64;  ///< detectors, and embedders, of one worker
constexpr std::size_t own_models = 32;        ///< embedders that a user brings, one worker

// Messages between the processes.
constexpr std::size_t map_bytes = 64 * kib;  ///< MessagePack part of a message
constexpr std::size_t map_depth = 4;
constexpr std::size_t map_elements = 4'096;
constexpr std::size_t jobs_per_message = 64;
constexpr std::size_t frame_bytes_api = 64 * mib;      ///< photos on their way, one api
constexpr std::size_t frame_bytes_broker = 256 * mib;  ///< photos on their way, one broker
constexpr std::size_t worker_id_bytes = 96;
constexpr std::size_t workers = 1'024;

// Keys of the links (allow_list.hpp).
constexpr std::size_t allowed_peers = 2'048;  ///< all workers, and as many apis
constexpr std::size_t allow_list_bytes = 512 * kib;

// Connections.
constexpr std::size_t connections = 1'024;
constexpr std::size_t live_channels = 64;          ///< of one api
constexpr std::size_t live_frame_bytes = 1 * mib;  ///< one JPEG of a camera
constexpr std::size_t live_text_bytes = 4 * kib;   ///< settings of a live channel
constexpr std::size_t redis_outstanding = 1'024;   ///< commands waiting for a reply
constexpr std::size_t redis_outstanding_bytes = 64 * mib;

// Times. Their order (static_assert below) makes a frozen worker harmless.
constexpr std::chrono::milliseconds heartbeat{1'000};
constexpr int heartbeats_missed = 3;  ///< then the peer is gone
constexpr std::chrono::milliseconds lease{10'000};
constexpr std::chrono::milliseconds renew{3'000};
constexpr std::chrono::milliseconds registration{8'000};
constexpr std::chrono::milliseconds self_fence{6'000};  ///< after the last successful renew
constexpr std::chrono::milliseconds progress{5'000};    ///< a stage without progress is stuck
constexpr std::chrono::milliseconds sweep{250};
constexpr std::chrono::milliseconds clock_error{1'000};  ///< larger: grace instead of reaping
constexpr std::chrono::hours job_deadline{1};
constexpr std::chrono::hours retention{24};
constexpr std::chrono::hours annotated_retention{1};
constexpr std::chrono::hours dead_retention{7 * 24};  ///< photos of dead jobs
constexpr std::chrono::seconds drain{30};

// Retention by number and size.
constexpr std::size_t finished_jobs = 200'000;
constexpr std::size_t finished_bytes = 512 * mib;
constexpr std::size_t annotated_total_bytes = 256 * mib;
constexpr std::size_t dead_bytes = 256 * mib;
constexpr std::size_t idempotency_keys = 1'000'000;

// Keys (access_key.hpp).
constexpr std::size_t access_keys = 1'000;
constexpr std::size_t key_collections = 100;  ///< listed in one key
constexpr std::size_t key_note_bytes = 100;

// People who log in on the page (user.hpp).
constexpr std::size_t users = 1'000;
constexpr std::size_t user_name_bytes = 48;         ///< "user:NAME" is a client
constexpr std::size_t password_letters_least = 10;  ///< code points
constexpr std::size_t password_bytes = 256;

static_assert(renew * 2 <= self_fence, "one renewal may fail before a worker fences itself");
static_assert(self_fence < registration, "a worker stops serving before its registration lapses");
static_assert(registration < lease, "a registration lapses before the lease it guards");
static_assert(heartbeat * heartbeats_missed < self_fence, "the broker notices before the worker");
static_assert(progress + renew < lease, "only the stuck stage loses its lease");
static_assert(body_bytes < frame_bytes_api && frame_bytes_api <= frame_bytes_broker, "one fits");
static_assert(live_channels * live_frame_bytes <= frame_bytes_api, "each channel may have one");
static_assert(live_channels < connections, "live channels leave connections for other calls");
static_assert(faces_per_label <= 1'000, "no Redis call touches more than 1,000 elements");
static_assert(user_name_bytes + 5 <= client_bytes, "user:NAME is a client");
static_assert(gallery_faces % 64 == 0, "tombstones are whole words");

/// Whether an embedding may have so many floats.
constexpr bool is_embedding_dimension(std::size_t floats) {
    for (const std::size_t one : embedding_dimensions) {
        if (one == floats) return true;
    }
    return false;
}
static_assert(is_embedding_dimension(embedding_dimension_default), "one of them");

}  // namespace vultus::limits
