// People: their records, found by id, external id, name or the beginning of a word of a name; and
// the index of people of before there were records (REDIS.md, "People").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/model/job.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

/// What a client may attach to a person. Encrypted in Redis where there is a key.
struct person_data {
    std::string external_id;  ///< of the client's own system, unique in the collection; empty: none
    std::string metadata;     ///< text of a JSON object; empty: none
    std::string notes;        ///< empty: none
    bool empty() const noexcept { return external_id.empty() && metadata.empty() && notes.empty(); }
    bool operator==(const person_data&) const = default;
};

struct person_record {
    std::string key;        ///< person_key.hpp
    std::string person_id;  ///< empty: not indexed yet
    std::uint64_t faces = 0;
    unix_time created{0};      ///< 0: not indexed yet
    unix_time last_seen{0};    ///< 0: the collection has no retention
    std::string picture;       ///< a face_id with a picture; empty: none, or not requested
    bool name_shared = false;  ///< others of the collection have the name
    person_data data;
    std::string stored;    ///< data as they are stored, for set()
    bool readable = true;  ///< false: the data are encrypted with another key, or damaged
};
struct person_page {
    gallery_version version = 0;
    std::uint64_t faces = 0, people = 0;  ///< of the collection
    std::vector<person_record> rows;
    std::string next;  ///< empty: the end
};

enum class person_by { id, external_id, name, key };

/// What a train may say of its person besides the name.
struct new_person {
    std::string person_id = {};    ///< the client's; empty: the store's
    bool is_new = false;           ///< not whoever has the name already
    std::string external_id = {};  ///< empty: none
};

struct unindexed_people {
    std::string collection;  ///< empty: everybody is indexed
    std::string turn, cursor, next;
    bool last = false;
    std::vector<std::string> keys;
};

/// The error for a name that several people have.
error several_people(const std::vector<std::string>& person_ids);

/// threads   any; const after construction
class person_store {
 public:
    explicit person_store(store_context context) : context_(std::move(context)) {}

    /// In the order of the keys, so by name; with `words` (folded_name() of a text) those with a
    /// word of the name that begins so, in the order of these words. `page`: person_page::next.
    /// errors    migrating: with words, while the collection is being indexed
    redis_call<person_page> list(std::string_view collection, const std::string& words,
                                 std::size_t count, const std::string& page,
                                 bool pictures = false) const;

    /// One person; by name all of that name, at most 100.
    /// errors    not_found; migrating: by an id, as for list()
    redis_call<std::vector<person_record>> find(std::string_view collection, person_by,
                                                std::string_view text) const;

    /// Replaces the data that `person` had when it was read. False: they are others by now.
    /// `by`      client, address and hash of the name, for the audit log
    /// errors    not_found, migrating; person_exists: another person has the external id
    redis_call<bool> set(std::string_view collection, const person_record& person,
                         const person_data& data, const std::string& by) const;

    /// The next people without a record; put_index() gives them one.
    redis_call<unindexed_people> unindexed() const;
    redis_call<void> put_index(const unindexed_people&) const;

 private:
    store_context context_;
};

}  // namespace vultus

namespace vultus::store_reply {

/// The data in the form in which they are stored; empty for none.
std::string stored_person(const sealing&, std::string_view collection, std::string_view person_id,
                          const person_data&);
/// errors    store_unavailable: another key, another place, damaged
result<person_data> read_person(const sealing&, std::string_view collection,
                                std::string_view person_id, std::string_view stored);
/// By what an external id is found; empty for none.
std::string hash_of_external(const sealing&, std::string_view collection,
                             std::string_view external_id);

/// As the functions take it.
std::string_view word_of(person_by) noexcept;

/// The error for a reply that a person cannot be used so; nothing for another status.
std::optional<error> person_error(const std::string& status, class fields& all);

}  // namespace vultus::store_reply
