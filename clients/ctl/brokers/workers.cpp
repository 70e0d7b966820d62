// See workers.hpp.
#include "clients/ctl/brokers/workers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "shared/base/limits.hpp"

namespace vultus::ctl {
namespace {

template <class Number>
Number number(const std::string& text) {
    Number value{};
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

result<redis_reply> read(redis_blocking& redis, std::vector<std::string> words) {
    auto reply = redis.call(std::move(words));
    if (reply && reply->is_error()) return fail(errc::store_unavailable, reply->text);
    return reply;
}

/// Of "hog,cnn" and of "name=128,other=256".
std::vector<std::string> names_in(const std::string& list) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find(',', at), list.size());
        const std::string one = list.substr(at, end - at);
        names.push_back(one.substr(0, one.find('=')));
        at = end + 1;
    }
    return names;
}

void set_field(protocol::worker_status& worker, const std::string& name, const std::string& value) {
    constexpr std::string_view held = "gallery:";
    if (name == "host") worker.host = value;
    if (name == "pid") worker.pid = number<std::int64_t>(value);
    if (name == "device") worker.device = value;
    if (name == "build") worker.build = value;
    if (name == "state") worker.state = value;
    if (name == "detectors") worker.detectors = names_in(value);
    if (name == "embedders") worker.embedders = names_in(value);
    if (name.starts_with(held)) {
        worker.galleries[name.substr(held.size())] = number<gallery_version>(value);
    }
}

}  // namespace

result<std::vector<worker_row>> registered_workers(redis_blocking& redis,
                                                   const store_context& store, unix_time now) {
    const std::string last = std::to_string(limits::workers - 1);
    auto ids = read(redis, {"ZRANGE", store.prefix() + "workers", "0", last, "WITHSCORES"});
    if (!ids) return fail(ids.error());
    std::vector<worker_row> rows;
    for (std::size_t i = 0; i + 1 < ids->items.size(); i += 2) {
        worker_row row;
        row.status.worker_id = ids->items[i].text;
        row.lapses_in_ms =
            std::llround(std::strtod(ids->items[i + 1].text.c_str(), nullptr)) - now.count();
        const std::string key = store.prefix() + "worker:" + row.status.worker_id;
        auto fields = read(redis, {"HGETALL", key});
        if (!fields) return fail(fields.error());
        for (std::size_t f = 0; f + 1 < fields->items.size(); f += 2) {
            set_field(row.status, fields->items[f].text, fields->items[f + 1].text);
        }
        auto running = read(redis, {"SCARD", key + ":running"});
        if (!running) return fail(running.error());
        row.status.outstanding = static_cast<std::uint32_t>(running->integer);
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace vultus::ctl
