// See trace_scan.hpp.
#include "clients/ctl/privacy/trace_scan.hpp"

#include <algorithm>
#include <set>

#include "shared/base/limits.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus::ctl {
namespace {

constexpr const char* step = "500";  // elements per call: at most some ms of Redis' only thread

/// Whether it is the answer to a SCAN: a cursor that differs from the last, and elements.
bool goes_on(const redis_reply& page, const std::string& cursor) {
    return page.items.size() == 2 && store_reply::is_next_cursor(page.items[0].text, cursor);
}

class scan {
 public:
    scan(const erased_person& who, redis_blocking& redis, const store_context& store)
        : named_(who.name),
          one_(who.person_id, who.name, who.by_name),
          by_id_(!who.person_id.empty()),
          label_(who.name),
          look_(look_of(who.name)),
          collection_(who.collection),
          redis_(redis),
          prefix_(store.prefix()) {}

    result<scanned> all() {
        std::string cursor = "0";
        do {
            auto page = call({"SCAN", cursor, "MATCH", prefix_ + "*", "COUNT", step});
            if (!page) return fail(page.error());
            if (!goes_on(*page, cursor)) return fail(errc::internal, "unexpected reply to SCAN");
            cursor = page->items[0].text;
            for (const auto& one : page->items[1].items) {
                if (auto good = key(one.text); !good) return fail(good.error());
            }
        } while (cursor != "0");
        if (auto good = slow_commands(); !good) return fail(good.error());
        return std::move(found_);
    }

 private:
    result<redis_reply> call(std::vector<std::string> words) {
        return redis_.call(plain_call(std::move(words)));
    }

    result<void> key(const std::string& full) {
        if (!full.starts_with(prefix_)) return {};  // of another application
        name_ = full.substr(prefix_.size());
        const auto wanted = is_wanted();
        if (!wanted) return fail(wanted.error());
        if (!*wanted || !seen_.insert(name_).second) return {};
        ++found_.keys[name_.substr(0, name_.find(':'))];
        const bool picture = name_.ends_with(":annotated") || name_.find(":image:") != name_.npos;
        const bool numbers = name_.ends_with(":vectors") || name_.ends_with(":pictures");
        if (picture || numbers) return {};
        const auto type = call({"TYPE", full});
        if (!type) return fail(type.error());
        if (type->text == "string") return text(full);
        if (type->text == "hash") return pages(full, "HSCAN", true);
        if (type->text == "zset") return pages(full, "ZSCAN", true);
        if (type->text == "set") return pages(full, "SSCAN", false);
        if (type->text == "list") return list(full);
        if (type->text == "stream") return stream(full);
        return {};  // removed meanwhile
    }

    /// Whether the key is part of the search: of the collection, or of none.
    result<bool> is_wanted() {
        if (collection_.empty()) return true;
        if (name_.starts_with("gallery:")) {
            const auto end = name_.find(':', 8);
            return name_.substr(8, end == name_.npos ? end : end - 8) == collection_;
        }
        if (!name_.starts_with("job:")) return true;
        const auto of = call({"HGET", prefix_ + name_.substr(0, name_.find(':', 4)), "collection"});
        if (!of) return fail(of.error());
        return of->text == collection_;
    }

    void look(std::string_view element, const std::string& where) {
        ++found_.elements;
        if (by_id_ ? one_.in(name_, where, element) : named_.in(element)) say(where);
        note_similar(element);
    }
    /// Members of a gallery's by_label begin with the name of a trained person.
    void note_similar(std::string_view element) {
        if (!name_.starts_with("gallery:") || !name_.ends_with(":by_label")) return;
        const std::string_view label = name_of_key(element.substr(0, element.find('\n')));
        if (label.empty() || label_.empty() || label == label_ || named_.in(label)) return;
        if (label == last_label_ || look_of(label) != look_) return;
        last_label_ = label;
        if (found_.similar.size() < limits::page_size) {
            found_.similar.insert(name_.substr(8, name_.find(':', 8) - 8) + ": " +
                                  std::string(label));
        }
    }
    void say(const std::string& where) {
        ++found_.found;
        if (found_.traces.size() < limits::page_size) found_.traces.push_back({name_, where});
        if (name_.starts_with("job:")) {
            const std::string id = name_.substr(4, name_.find(':', 4) - 4);
            if (found_.jobs.empty() || found_.jobs.back() != id) found_.jobs.push_back(id);
        }
        if (name_.starts_with("gallery:") && name_.ends_with(":log")) {
            const std::string of = name_.substr(8, name_.find(':', 8) - 8);
            if (found_.logs.empty() || found_.logs.back() != of) found_.logs.push_back(of);
        }
    }

    result<void> text(const std::string& full) {
        const auto value = call({"GET", full});
        if (!value) return fail(value.error());
        look(value->text, "the value");
        return {};
    }

    result<void> pages(const std::string& full, const char* command, bool by_two) {
        std::string cursor = "0";
        do {
            const auto page = call({command, full, cursor, "COUNT", step});
            if (!page) return fail(page.error());
            if (!goes_on(*page, cursor)) return fail(errc::internal, "unexpected reply to SCAN");
            cursor = page->items[0].text;
            const auto& items = page->items[1].items;
            for (std::size_t i = 0; i < items.size(); i += by_two ? 2 : 1) {
                look(items[i].text, "a member");
                if (by_two && i + 1 < items.size()) look(items[i + 1].text, items[i].text);
            }
        } while (cursor != "0");
        return {};
    }

    result<void> list(const std::string& full) {
        const auto items = call({"LRANGE", full, "0", "-1"});  // ids of jobs
        if (!items) return fail(items.error());
        for (const auto& one : items->items) look(one.text, "an element");
        return {};
    }

    result<void> stream(const std::string& full) {
        std::string from = "-";
        while (true) {
            const auto page = call({"XRANGE", full, from, "+", "COUNT", step});
            if (!page) return fail(page.error());
            if (page->items.empty()) return {};
            for (const auto& entry : page->items) {
                if (entry.items.size() != 2) continue;
                from = "(" + entry.items[0].text;
                for (const auto& word : entry.items[1].items) look(word.text, entry.items[0].text);
            }
        }
    }

    /// Redis' slow log keeps the arguments of slow commands, truncated to 128 bytes each.
    result<void> slow_commands() {
        const auto slow = call({"SLOWLOG", "GET", "-1"});
        if (!slow) return fail(slow.error());
        name_ = "(Redis' SLOWLOG)";
        const auto before = found_.found;
        for (const auto& one : slow->items) {
            if (one.items.size() < 4) continue;
            for (const auto& word : one.items[3].items) {
                look(word.text, "slow log");
            }
        }
        found_.slow_log = found_.found != before;
        return {};
    }

    const label_finder named_;
    const person_finder one_;
    const bool by_id_;
    const std::string label_, look_;
    std::string last_label_;
    const std::string collection_;
    redis_blocking& redis_;
    const std::string prefix_;
    std::string name_;            // of the current key
    std::set<std::string> seen_;  // SCAN may answer a key twice
    scanned found_;
};

}  // namespace

redis_call<redis_reply> plain_call(std::vector<std::string> words) {
    return {std::move(words), [](redis_reply&& reply) -> result<redis_reply> {
                if (reply.is_error()) return fail(errc::internal, reply.text);
                return std::move(reply);
            }};
}

result<scanned> scan_for(const erased_person& who, redis_blocking& redis,
                         const store_context& store) {
    return scan(who, redis, store).all();
}

}  // namespace vultus::ctl
