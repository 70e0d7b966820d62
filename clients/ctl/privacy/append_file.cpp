// See append_file.hpp.
#include "clients/ctl/privacy/append_file.hpp"

#include <poll.h>

#include <cstdlib>

#include "clients/ctl/privacy/trace_scan.hpp"

namespace vultus::ctl {
namespace {

constexpr std::chrono::milliseconds look_every{100};

/// "3" for the name "aof_rewrites" of "aof_rewrites:3\r\n"; empty without such a line.
std::string line_of(const std::string& info, const std::string& name) {
    const auto at = info.find("\n" + name + ":");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 2;
    return info.substr(from, info.find_first_of("\r\n", from) - from);
}

std::uint64_t number_of(const std::string& text) {
    return std::strtoull(text.c_str(), nullptr, 10);
}

bool is_rewriting(const std::string& info) {
    return line_of(info, "aof_rewrite_in_progress") == "1" ||
           line_of(info, "aof_rewrite_scheduled") == "1";
}

result<std::string> info_now(redis_blocking& redis) {
    auto info = redis.call(plain_call({"INFO"}));
    if (!info) return fail(info.error());
    return "\n" + info->text;
}

}  // namespace

append_file read_append_file(const std::string& info,
                             const std::map<std::string, std::string>& removals) {
    append_file seen;
    seen.enabled = line_of(info, "aof_enabled") == "1";
    seen.rewriting = is_rewriting(info);
    if (removals.empty()) {
        seen.clean = true;
        return seen;
    }
    const auto of = [&](const char* name) {
        const auto found = removals.find(name);
        return found == removals.end() ? std::string() : found->second;
    };
    seen.removed_at = unix_time(static_cast<std::int64_t>(number_of(of("at_ms"))));
    // The counter counts started rewrites, from 0 in each process of Redis.
    const bool same = of("run_id") == line_of(info, "run_id");
    const auto before = same ? number_of(of("rewrites")) : 0;
    seen.clean = number_of(line_of(info, "aof_rewrites")) > before && !seen.rewriting &&
                 line_of(info, "aof_last_bgrewrite_status") == "ok";
    return seen;
}

result<append_file> append_file_now(redis_blocking& redis, const store_context& store) {
    const auto info = info_now(redis);
    if (!info) return fail(info.error());
    const auto stored = redis.call(plain_call({"HGETALL", store.prefix() + "removals"}));
    if (!stored) return fail(stored.error());
    std::map<std::string, std::string> removals;
    for (std::size_t i = 0; i + 1 < stored->items.size(); i += 2) {
        removals[stored->items[i].text] = stored->items[i + 1].text;
    }
    return read_append_file(*info, removals);
}

result<void> rewrite_append_file(redis_blocking& redis, std::chrono::milliseconds patience) {
    const boot_time until = boot_now() + patience;
    std::uint64_t before = 0;
    bool asked = false;
    while (boot_now() < until) {
        const auto info = info_now(redis);
        if (!info) return fail(info.error());
        const auto begun = number_of(line_of(*info, "aof_rewrites"));
        if (asked && begun > before && !is_rewriting(*info)) {
            if (line_of(*info, "aof_last_bgrewrite_status") == "ok") return {};
            return fail(errc::unknown_outcome,
                        "Rewrite of the append-only file failed: see the log of Redis");
        }
        if (!asked && !is_rewriting(*info)) {  // a rewrite in progress began too early
            before = begun;
            if (auto good = redis.call(plain_call({"BGREWRITEAOF"})); !good) {
                return fail(good.error());
            }
            asked = true;
        }
        ::poll(nullptr, 0, static_cast<int>(look_every.count()));
    }
    return fail(errc::unknown_outcome, "Rewrite still running: check again later");
}

}  // namespace vultus::ctl
