// An operator's changes to galleries: restore and export of faces, encryption of stored values, end
// of a change log.
#pragma once

#include <cstdint>
#include <map>
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

struct exported_face {
    std::string face_id, label;
    std::string json;    ///< as gallery_reader::face_json() returns it
    std::string vector;  ///< as in new_face, plain
};
struct exported_person {
    std::string key, person_id;
    std::uint64_t created_ms = 0;
    std::string data;  ///< as stored_person() gives them without a key; empty: none
};
struct restored {
    gallery_version version = 0;
    std::uint64_t added = 0, known = 0;  ///< known: a face with that id existed
};

constexpr std::size_t people_a_restore = 50;

/// `by`      in each call: for the audit log
/// threads   any; const after construction
class gallery_admin {
 public:
    explicit gallery_admin(store_context context) : context_(std::move(context)) {}

    /// Adds 1 to limits::page_size exported faces, all or none.
    /// errors    model_mismatch (also: another dimension), malformed (vectors that no model makes),
    ///           label_full, gallery_full (also: no more collections possible)
    redis_call<restored> restore(std::string_view collection, std::string_view embedding_model,
                                 std::vector<exported_face> faces, std::string_view by = {},
                                 const std::map<std::string, std::string>& label_hashes = {}) const;
    /// The people of faces that are there: 1 to people_a_restore of them. Ids and data that are
    /// there stay. returns   how many got another id, or not their data, because somebody else has
    /// the id or the
    ///           external id
    /// errors    malformed: data that are none, or an id with other characters
    redis_call<std::uint64_t> restore_people(std::string_view collection,
                                             const std::vector<exported_person>& people) const;
    /// Records in the audit log that the faces leave for a file. errors not_found: no faces
    redis_call<void> begin_export(std::string_view collection, std::string_view by) const;
    /// Drops the change log of a gallery, which contains names of removed people.
    /// errors    not_found: no such gallery
    redis_call<void> erase_log(std::string_view collection, std::string_view by) const;
    /// Encrypts values that gallery_reader::scan() returned, in their place.
    /// returns   how many of them were still stored
    redis_call<std::uint64_t> seal(std::string_view collection, std::uint64_t epoch, gallery_value,
                                   std::vector<std::pair<std::string, std::string>> values) const;

 private:
    store_context context_;
};

}  // namespace vultus
