// What all calls of the job store share: the prefix, the words of errors, the calls at the start of
// a process (job_store.hpp). The calls of api, broker and worker are in the job_store_*.cpp files.
#include "shared/store/job_store.hpp"

#include <algorithm>
#include <array>

#include "shared/base/failpoint.hpp"
#include "shared/base/require.hpp"
#include "shared/store/job_store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace store_reply {

error error_of(std::string_view text) {
    const std::string word(text.substr(0, text.find(' ')));
    if (word == "OOM") return {errc::out_of_memory, "Redis memory limit reached"};
    constexpr std::array away{"LOADING",   "READONLY",    "MISCONF",   "NOAUTH",
                              "WRONGPASS", "MASTERDOWN",  "BUSY",      "NOPERM",
                              "TRYAGAIN",  "CLUSTERDOWN", "NOREPLICAS"};
    const bool no_library = text.find("Function not found") != std::string_view::npos;
    if (no_library || std::find(away.begin(), away.end(), word) != away.end()) {
        return {errc::store_unavailable,
                "Redis unavailable: " + (no_library ? std::string("no library") : word)};
    }
    return {errc::internal, "Redis refused a call: " + std::string(text)};
}

std::string connection_number(std::string_view routing_id) {
    const std::size_t dot = routing_id.rfind('.');
    if (dot != std::string_view::npos) routing_id.remove_prefix(dot + 1);
    return routing_id.empty() ? "0" : std::string(routing_id);
}

std::string joined(const std::vector<std::string>& words, char between) {
    std::string all;
    for (const std::string& word : words) {
        if (!all.empty()) all += between;
        all += word;
    }
    return all;
}

std::string about_image(std::string_view job_id, std::size_t index) {
    return "photo " + std::string(job_id) + " " + std::to_string(index);
}
std::string about_annotated(std::string_view job_id) {
    return "annotated " + std::string(job_id);
}
// Neither name has a blank, so no place looks like another.
std::string about_value(gallery_value what, std::string_view collection, std::string_view face_id) {
    return (what == gallery_value::vector ? "vector " : "picture ") + std::string(collection) +
           " " + std::string(face_id);
}

std::string older_about_value(gallery_value what, std::string_view face_id) {
    return (what == gallery_value::vector ? "vector " : "picture ") + std::string(face_id);
}

bool is_next_cursor(std::string_view cursor, std::string_view before) noexcept {
    return !cursor.empty() && cursor.find_first_not_of("0123456789") == cursor.npos &&
           (cursor == "0" || cursor != before);
}

std::string_view part_of(gallery_value what) noexcept {
    return what == gallery_value::vector ? "vectors" : "pictures";
}

tl::unexpected<error> no_such_job(std::string_view status) {
    if (status == "not_found") return fail(errc::not_found, "No such job");
    if (status == "gone") return fail(errc::collected, "Job no longer stored");
    return unexpected_reply(status);
}

}  // namespace store_reply

job_store::job_store(unsigned shard, sealing seals)
    : shard_(shard), prefix_("vultus:{" + std::to_string(shard) + "}:"), seals_(std::move(seals)) {
    VULTUS_REQUIRE(shard < 4096, "a shard fits into a job id");
}

std::string job_store::key(std::string_view rest) const {
    return prefix_ + std::string(rest);
}

redis_call<void> job_store::check_server() const {
    return {{"INFO", "server"}, [](redis_reply&& reply) -> result<void> {
                if (reply.is_error()) return fail(error_of(reply.text));
                // Valkey says redis_version:7.2.4 too, for those who ask; its own stands beside it.
                constexpr std::string_view name = "redis_version:";
                const std::size_t at = reply.text.find(name);
                const int major =
                    at == std::string::npos ? 0 : std::atoi(reply.text.c_str() + at + name.size());
                if (major >= 7) return {};
                return fail(errc::wrong_version,
                            "Redis 7.0 or newer is required, not " + std::to_string(major));
            }};
}

redis_call<void> job_store::check_settings() const {
    return array_call<void>(
        {"CONFIG", "GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite", "save",
         "maxmemory", "maxmemory-policy"},
        [](fields& all) -> result<void> {
            const std::map<std::string, std::string> wanted{{"appendonly", "yes"},
                                                            {"appendfsync", "always"},
                                                            {"no-appendfsync-on-rewrite", "no"},
                                                            {"save", ""},
                                                            {"maxmemory-policy", "noeviction"}};
            std::map<std::string, std::string> found;
            while (all.more()) {
                std::string name = all.text();
                found[std::move(name)] = all.text();
            }
            std::string wrong;
            const auto complain = [&](const std::string& name, const std::string& rule) {
                if (!wrong.empty()) wrong += ", ";
                wrong += name + " is \"" + found[name] + "\", must be " + rule;
            };
            for (const auto& [name, value] : wanted) {
                if (!found.contains(name) || found[name] != value) {
                    complain(name, "\"" + value + "\"");
                }
            }
            if (found["maxmemory"].empty() || found["maxmemory"] == "0") {
                complain("maxmemory", "set (accept refuses jobs near this limit)");
            }
            if (wrong.empty() || seeded_bug("store.any_settings")) return {};
            return fail(errc::bad_option, "Redis would lose accepted jobs: " + wrong);
        });
}

redis_call<library_version> job_store::about() const {
    return {{"FCALL", "vultus1_about", "1", prefix_},
            [](redis_reply&& reply) -> result<library_version> {
                if (reply.is_error()) {
                    if (reply.text.find("Function not found") != std::string::npos) {
                        return library_version{};
                    }
                    return fail(error_of(reply.text));
                }
                fields all(std::move(reply.items));
                all.text();
                library_version version;
                version.major = all.number<unsigned>();
                version.minor = all.number<unsigned>();
                if (all.bad()) return unexpected_reply("about");
                return version;
            }};
}

redis_call<void> job_store::open(unsigned shards) const {
    return function_call<void>(
        "open", prefix_, {std::to_string(shards), seals_.wants()},
        [wants = seals_.wants()](const std::string& status, fields& all) -> result<void> {
            if (status == "ok") return {};
            const std::string there = all.text();
            if (status == "wrong_schema") {
                return fail(errc::wrong_version, "Data in Redis has another layout: " + there);
            }
            if (status != "wrong_key") return unexpected_reply(status);
            const std::string ours = wants == "plain" ? "encryption_key_file is not set"
                                                      : "encryption_key_file has key " + wants;
            return fail(errc::bad_option,
                        "Redis holds data encrypted with key " + there + "; " + ours);
        });
}

redis_call<unix_time> job_store::time() const {
    return array_call<unix_time>({"TIME"}, [](fields& all) -> result<unix_time> {
        const auto seconds = all.number<std::int64_t>();
        const auto microseconds = all.number<std::int64_t>();
        return unix_time(seconds * 1'000 + microseconds / 1'000);
    });
}

}  // namespace vultus
