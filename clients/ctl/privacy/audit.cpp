// See audit.hpp.
#include "clients/ctl/privacy/audit.hpp"

#include <cstdlib>

#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/operator_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t rows_by_default = 50;
constexpr std::size_t hash_shown = 12;  ///< digits in the table; JSON has them all

std::string time_of_entry(const audit_entry& entry) {
    return rfc3339(unix_time(std::strtoll(entry.id.c_str(), nullptr, 10)));
}

struct found_entries {
    std::vector<audit_entry> entries;
    std::string next;  ///< cursor of the next page; empty: none
};

/// One page, or, with `label_hash`, entries about that person until a page is full, however far
/// back.
result<found_entries> entries_of(std::size_t most, std::string page, const std::string& label_hash,
                                 redis_blocking& redis, const store_context& store) {
    found_entries found;
    const std::size_t step = label_hash.empty() ? most : limits::page_size;
    while (true) {
        auto some = redis.call(operator_store(store).audit(step, page));
        if (!some) return fail(some.error());
        for (auto& one : *some) {
            page = one.id;
            const bool wanted = label_hash.empty() || one.label_hash == label_hash ||
                                one.label_to_hash == label_hash;
            if (!wanted) continue;
            found.entries.push_back(std::move(one));
            if (found.entries.size() == most) {
                found.next = page;
                return found;
            }
        }
        if (some->size() < step) return found;
    }
}

}  // namespace

result<report> audit(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const std::size_t most = asked.count == 0 ? rows_by_default : asked.count;
    std::string hash;
    if (!asked.label.empty()) {
        const auto secret = read_secret_file(asked.key.secret);
        if (!secret) return fail(secret.error());
        hash = hash_of_label(asked.label, *secret);
    }
    const auto found = entries_of(most, asked.page, hash, redis, store);
    if (!found) return fail(found.error());
    report made;
    table rows{{{"when"}, {"who"}, {"from"}, {"what"}, {"collection"}, {"label"}, {"about"}}, {}};
    json_text out;
    out.open_object().key("audit").open_array();
    for (const auto& one : found->entries) {
        rows.rows.push_back({time_of_entry(one), one.who, one.from, one.what, one.collection,
                             one.label_hash.substr(0, hash_shown), one.about});
        out.open_object().key("id").text(one.id).key("at").text(time_of_entry(one));
        out.key("who").text(one.who).key("from").text(one.from).key("what").text(one.what);
        out.key("collection").text(one.collection).key("label_hash").text(one.label_hash);
        if (!one.label_to_hash.empty()) out.key("label_to_hash").text(one.label_to_hash);
        if (!one.hosts.empty()) out.key("hosts").text(one.hosts);
        if (!one.person_id.empty()) out.key("person_id").text(one.person_id);
        out.key("about").text(one.about).close_object();
    }
    const std::string& next = found->next;
    out.close_array().key("next_page").text(next).close_object();
    made.sections.push_back({"", std::move(rows), next.empty() ? "" : "next: --page " + next});
    made.json = out.str();
    return made;
}

}  // namespace vultus::ctl
