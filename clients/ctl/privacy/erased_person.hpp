// Whom an erasure is about: everybody of a name, or one person by person_id where the name is not
// enough; and what of Redis is a trace of that person.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "clients/ctl/cli/arguments.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

class label_finder {
 public:
    explicit label_finder(std::string label);
    /// Whether the element is the label or a key of it, begins with it and a newline (as in
    /// by_label), ends with it after one (as in names), or contains it as a JSON string: `Al` is
    /// not in `Albert`. Composed and decomposed forms (Unicode's NFC and NFD) are the same.
    bool in(std::string_view element) const;

 private:
    bool exactly_in(std::string_view element) const;
    std::string label_, quoted_;  ///< NFC
    std::string keyed_;           ///< begin of a JSON string with a key of that name and an id
};

/// Finds one person among others who may have the same name.
class person_finder {
 public:
    /// `name` empty: not known. `by_name`: the person's key is the name alone (person_key.hpp), or
    /// may have been; then it is looked for in the keys of galleries, which write it so.
    person_finder(std::string person_id, std::string name, bool by_name);
    /// Whether an element of a key of Redis (without the prefix) is about the person. `where`: its
    /// field. The audit log names nobody and keeps person_ids: nothing in it is a trace.
    bool in(std::string_view key, std::string_view where, std::string_view element) const;

 private:
    bool has_key(std::string_view element) const;
    bool has_name(std::string_view element) const;
    std::string id_, name_;
    bool by_name_;
    std::string member_, record_;       ///< as JSON: of a result, of the person's record
    std::string key_end_, quoted_end_;  ///< of a key with the id: plain, and as JSON
    std::string quoted_name_;
};

struct erased_person {
    std::string name;        ///< empty: not known
    std::string person_id;   ///< empty: everybody of the name
    bool by_name = true;     ///< see person_finder
    std::string collection;  ///< empty: all
};

/// `asked.subject` is the name, `asked.person_id` the id; the person need not be there any more.
/// errors    several_people: several of a collection have the name, or several collections a person
///           with the id; migrating: by id, while a collection is being indexed
result<erased_person> find_erased(const arguments& asked, redis_blocking& redis,
                                  const store_context& store);

}  // namespace vultus::ctl
