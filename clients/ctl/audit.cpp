// See audit.hpp.
#include "clients/ctl/audit.hpp"

#include <cstdlib>

#include "clients/ctl/json_text.hpp"
#include "clients/ctl/text.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t rows_by_default = 50;
constexpr std::size_t hash_shown = 12;  ///< digits in the table; JSON has them all

std::string time_of_entry(const audit_entry& entry) {
    return rfc3339(unix_time(std::strtoll(entry.id.c_str(), nullptr, 10)));
}

}  // namespace

result<report> audit(const arguments& asked, redis_blocking& redis, const job_store& store) {
    const std::size_t most = asked.count == 0 ? rows_by_default : asked.count;
    const auto entries = redis.call(store.audit(most, asked.page));
    if (!entries) return fail(entries.error());
    report made;
    table rows{{{"when"}, {"who"}, {"from"}, {"what"}, {"collection"}, {"label"}, {"about"}}, {}};
    json_text out;
    out.open_object().key("audit").open_array();
    for (const auto& one : *entries) {
        rows.rows.push_back({time_of_entry(one), one.who, one.from, one.what, one.collection,
                             one.label_hash.substr(0, hash_shown), one.about});
        out.open_object().key("id").text(one.id).key("at").text(time_of_entry(one));
        out.key("who").text(one.who).key("from").text(one.from).key("what").text(one.what);
        out.key("collection").text(one.collection).key("label_sha1").text(one.label_hash);
        out.key("about").text(one.about).close_object();
    }
    const std::string next = entries->size() == most ? entries->back().id : "";
    out.close_array().key("next_page").text(next).close_object();
    made.sections.push_back({"", std::move(rows), next.empty() ? "" : "next: --page " + next});
    made.json = out.str();
    return made;
}

}  // namespace vultus::ctl
