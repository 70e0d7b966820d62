// Reads galleries: people, faces, collections, vectors and the change log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/model/job.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/sealed_place.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct label_count {
    std::string label;  ///< the key of the person (person_key.hpp)
    std::uint64_t faces = 0;
    std::string picture;         ///< a face_id with a picture, if requested
    std::string person_id = {};  ///< only where it was looked up, see person_store
};
struct gallery_info {
    std::string collection, embedding_model;
    gallery_version version = 0, removed_version = 0;
    std::uint64_t faces = 0, people = 0;
    std::size_t dimension = 0;          ///< floats of each face; 0 while there is no model
    std::optional<bool> keep_pictures;  ///< its choice; none: the worker's setting decides
};
struct label_page {
    gallery_info gallery;
    std::vector<label_count> labels;
    std::string next;  ///< empty: the end
};
struct collection_page {
    std::vector<gallery_info> collections;
    std::string next;  ///< empty: the end
};
struct face_record {
    std::string face_id, json;  ///< JSON as the worker wrote it
    bool picture = false;       ///< has a picture; false if not requested
};

struct log_entry {
    std::uint64_t seq = 0;  ///< the last one of the call that returned the entry
    enum class kind { add, remove, rename } op = kind::add;
    std::string face_id, label;
    std::string vector;  ///< add only; empty from delta(): see vectors() and read_delta()
};
struct gallery_delta {
    bool snapshot = false;           ///< the log does not reach back: load the gallery again
    gallery_version version = 0;     ///< the current one
    gallery_version reached = 0;     ///< with these entries: the next call starts here
    std::vector<log_entry> entries;  ///< whole seqs, in order
    bool more = false;               ///< call again from `reached`
};
struct gallery_chunk {                                        ///< one HSCAN step of a snapshot load
    std::string cursor;                                       ///< "0": done
    std::vector<std::pair<std::string, std::string>> fields;  ///< face_id, value
    std::vector<std::size_t> unbound;  ///< indexes of those not encrypted for this collection
    std::vector<std::string> foreign;  ///< encrypted for another place or damaged; not in `fields`
};

/// A person, face or collection is named as stored; paging as in REDIS.md.
/// threads   any; const after construction
class gallery_reader {
 public:
    explicit gallery_reader(store_context context) : context_(std::move(context)) {}

    redis_call<label_page> labels(std::string_view collection, std::size_t count,
                                  const std::string& page, bool pictures = false) const;
    /// `by`      what `person` is: a key, a name or a person_id
    /// errors    not_found: no such person; several_people; migrating: by id, before the index is
    ///           complete
    redis_call<std::vector<face_record>> faces(std::string_view collection, std::string_view person,
                                               bool pictures = false,
                                               person_by by = person_by::key) const;
    /// The JPEG of one face. errors those of faces(); not_found also: it has no picture
    redis_call<std::string> picture(std::string_view collection, std::string_view person,
                                    std::string_view face_id, person_by by = person_by::key) const;
    redis_call<collection_page> collections(std::size_t count, const std::string& page) const;
    redis_call<gallery_info> gallery(std::string_view collection) const;  ///< unknown: version 0

    redis_call<gallery_delta> delta(std::string_view collection, gallery_version from) const;
    /// In the order of the ids. Empty: removed since, or encrypted for another place.
    redis_call<std::vector<std::string>> vectors(std::string_view collection, std::uint64_t epoch,
                                                 const std::vector<std::string>& face_ids) const;
    /// About 500 values: vectors (4 bytes a float), or JPEG.
    redis_call<gallery_chunk> scan(std::string_view collection, std::uint64_t epoch, gallery_value,
                                   const std::string& cursor) const;
    /// The key `faces`, in the order of the ids. Empty: removed since.
    redis_call<std::vector<std::string>> face_json(std::string_view collection, std::uint64_t epoch,
                                                   const std::vector<std::string>& face_ids) const;

 private:
    store_context context_;
};

}  // namespace vultus
