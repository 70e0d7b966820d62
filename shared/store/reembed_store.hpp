// What a worker calls to change the embedding model of a collection: the vectors of the other model
// are staged beside those that answer, and take their place in one call (REDIS.md, "Another
// model").
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"

namespace vultus {

/// The gallery that an attempt works on, as it was when it began.
struct staging {
    std::string job_id, collection;
    std::uint64_t epoch = 0;
    std::uint64_t faces = 0, staged = 0;
};

struct staged_count {
    std::uint64_t staged = 0, faces = 0;
};
struct picture_step {
    std::string cursor;                                         ///< "0": the last step
    std::vector<std::pair<std::string, std::string>> pictures;  ///< face_id, JPEG
};
struct left_step {
    std::string cursor;                               ///< "0": the last step
    std::vector<std::pair<std::string, bool>> faces;  ///< face_id, whether it has a picture
};
struct swap_outcome {
    std::uint64_t missing = 0;  ///< faces that are neither staged nor left out: nothing changed
    committed end;              ///< if none is missing
};

/// errors    of each call: stale: the attempt is over; wrong_state: the collection was cleared or
///           deleted, or what begin() says; those of Redis
/// threads   any; const after construction
class reembed_store {
 public:
    explicit reembed_store(store_context context) : context_(std::move(context)) {}

    /// What an earlier attempt of the job staged for the same model is kept.
    /// errors    also wrong_state: no faces, that model already, or another job changes it
    redis_call<staging> begin(const attempt_id&, std::string_view worker_id,
                              std::string_view collection, std::string_view embedding_model,
                              std::size_t dimension) const;
    /// About 50 pictures of faces that are not staged. From cursor "0" on.
    redis_call<picture_step> pictures(const staging&, const std::string& cursor) const;
    /// At most 500 vectors, 4 bytes a float. Faces removed meanwhile are passed over.
    /// errors    also malformed: vectors of another dimension
    redis_call<staged_count> stage(const attempt_id&, std::string_view worker_id, const staging&,
                                   std::vector<std::pair<std::string, std::string>> vectors) const;
    /// About 1,000 faces, those of them that are not staged.
    redis_call<left_step> left(const staging&, const std::string& cursor) const;
    /// Ends the job: the staged vectors answer from here on. `left_out`, at most left_out_max faces
    /// without a usable picture, are removed in the same call. Faces that were trained in the
    /// meantime may be missing: go on with pictures().
    redis_call<swap_outcome> swap(const attempt_id&, std::string_view worker_id, const staging&,
                                  const std::vector<std::string>& left_out) const;

    static constexpr std::size_t left_out_max = 1'000;

 private:
    store_context context_;
};

}  // namespace vultus
