// See store_schema.hpp.
#include "shared/store/store_schema.hpp"

#include <map>

#include "shared/base/failpoint.hpp"
#include "shared/store/store_reply.hpp"
#include "shared/store/vultus_lua.hpp"

namespace vultus {

using namespace store_reply;

namespace {

redis_call<void> load(std::vector<std::string> words) {
    words.push_back(vultus_lua);
    return {std::move(words), [](redis_reply&& reply) -> result<void> {
                // Another process may have loaded it since about().
                const bool there =
                    reply.is_error() && reply.text.find("already exists") != std::string::npos;
                if (reply.is_error() && !there) return fail(store_reply::error_of(reply.text));
                return {};
            }};
}

}  // namespace

redis_call<void> store_schema::load_library() const {
    return load({"FUNCTION", "LOAD"});
}
redis_call<void> store_schema::replace_library() const {
    return load({"FUNCTION", "LOAD", "REPLACE"});
}

redis_call<void> store_schema::check_server() const {
    return {{"INFO", "server"}, [](redis_reply&& reply) -> result<void> {
                if (reply.is_error()) return fail(error_of(reply.text));
                // Valkey also reports redis_version:7.2.4, besides its own version.
                constexpr std::string_view name = "redis_version:";
                const std::size_t at = reply.text.find(name);
                const int major =
                    at == std::string::npos ? 0 : std::atoi(reply.text.c_str() + at + name.size());
                if (major >= 7) return {};
                return fail(errc::wrong_version,
                            "Redis 7.0 or newer is required, not " + std::to_string(major));
            }};
}

redis_call<void> store_schema::check_settings() const {
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

redis_call<library_version> store_schema::about() const {
    return {{"FCALL", "vultus1_about", "1", context_.prefix()},
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

redis_call<void> store_schema::open(unsigned shards) const {
    return function_call<void>(
        "open", context_.prefix(), {std::to_string(shards), context_.seals().wants()},
        [wants = context_.seals().wants()](const std::string& status, fields& all) -> result<void> {
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

redis_call<unix_time> store_schema::time() const {
    return array_call<unix_time>({"TIME"}, [](fields& all) -> result<unix_time> {
        const auto seconds = all.number<std::int64_t>();
        const auto microseconds = all.number<std::int64_t>();
        return unix_time(seconds * 1'000 + microseconds / 1'000);
    });
}

}  // namespace vultus
