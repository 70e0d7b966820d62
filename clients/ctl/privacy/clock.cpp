// See clock.hpp.
#include "clients/ctl/privacy/clock.hpp"

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/store/service_clock.hpp"

namespace vultus::ctl {
namespace {

std::string seconds_of(std::chrono::milliseconds span) {
    const auto ms = span.count();
    return std::string(ms < 0 ? "-" : "") + std::to_string(std::abs(ms) / 1'000) + " s";
}

void time_row(table& rows, json_text& out, const char* name, const char* field, unix_time when) {
    out.key(field);
    if (when.count() == 0) {
        out.null();
        return;
    }
    out.text(rfc3339(when));
    rows.rows.push_back({name, rfc3339(when)});
}

}  // namespace

result<report> clock(const arguments& asked, redis_blocking& redis, const store_context& store) {
    std::string text;
    if (asked.what == command::clock_accept) {
        const auto moved = redis.call(service_clock(store).accept(who()));
        if (!moved) return fail(moved.error());
        text = "accepted: time moved by " + seconds_of(*moved);
    }
    const auto seen = redis.call(service_clock(store).read());
    if (!seen) return fail(seen.error());
    table rows{{{"clock"}, {std::string(name_of(seen->state))}}, {}};
    json_text out;
    out.open_object().key("state").text(name_of(seen->state));
    out.key("ahead_ms").stored(std::to_string(seen->ahead.count()));
    time_row(rows, out, "time of the functions", "now", seen->now);
    time_row(rows, out, "clock of the host", "host", seen->host);
    rows.rows.push_back({"host ahead by", seconds_of(seen->ahead)});
    time_row(rows, out, "last check by a broker", "swept", seen->swept);
    time_row(rows, out, "suspicious since", "since", seen->since);
    time_row(rows, out, "quiet until", "quiet_until", seen->quiet_until);
    if (text.empty()) text = description_of(seen->state);
    return report{
        {{"", rows, text}}, out.close_object().str(), seen->state == clock_state::suspicious};
}

}  // namespace vultus::ctl
