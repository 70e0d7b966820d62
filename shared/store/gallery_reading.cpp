// A gallery's change log and its vectors, as one reading (gallery_reading.hpp).
#include "shared/store/gallery_reading.hpp"

namespace vultus {

result<gallery_delta> read_delta(redis_blocking& redis, const gallery_reader& galleries,
                                 std::string_view collection, gallery_version from) {
    auto delta = redis.call(galleries.delta(collection, from));
    if (!delta || delta->snapshot) return delta;
    std::vector<std::string> ids;
    for (const log_entry& one : delta->entries) {
        if (one.op == log_entry::kind::add) ids.push_back(one.face_id);
    }
    if (ids.empty()) return delta;
    auto vectors = redis.call(galleries.vectors(collection, from / epoch_factor, ids));
    if (!vectors) return fail(vectors.error());
    if (vectors->size() != ids.size()) return fail(errc::internal, "HMGET answered less");
    std::size_t next = 0;
    for (log_entry& one : delta->entries) {
        if (one.op == log_entry::kind::add) one.vector = std::move((*vectors)[next++]);
    }
    return delta;
}

}  // namespace vultus
