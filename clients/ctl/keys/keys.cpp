// See keys.hpp.
#include "clients/ctl/keys/keys.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::ctl {
namespace {

using std::chrono::milliseconds;

struct unit {
    std::string_view name;
    std::uint64_t size;
};
constexpr unit amounts[] = {
    {"", 1}, {"KiB", limits::kib}, {"MiB", limits::mib}, {"GiB", 1024 * limits::mib}};
constexpr std::uint64_t day_ms = 24 * 3600 * 1000;
constexpr unit spans[] = {{"s", 1000}, {"min", 60 * 1000}, {"h", 3600 * 1000}, {"d", day_ms}};
constexpr std::uint64_t most = 1'000'000'000'000;  // of any amount; exact as a number in Lua

template <class Units>
result<std::uint64_t> measured(std::string_view text, const Units& units, std::string hint) {
    std::uint64_t value = 0;
    const auto* last = text.data() + text.size();
    const auto [end, bad] = std::from_chars(text.data(), last, value);
    const std::string_view rest(end, static_cast<std::size_t>(last - end));
    for (const auto& one : units) {
        if (bad != std::errc{} || rest != one.name || value > most / one.size) continue;
        return value * one.size;
    }
    return fail(errc::bad_option, std::move(hint));
}

std::string quota_text(const access_quota& quota) {
    std::string text;
    const auto add = [&](std::uint64_t value, const char* unit) {
        if (value == 0) return;
        if (!text.empty()) text += ", ";
        text += std::to_string(value) + unit;
    };
    add(quota.requests, "/min");
    add(quota.image_bytes, " bytes/min");
    add(quota.jobs, " jobs");
    return text.empty() ? "none" : text;
}

std::string time_or(unix_time when, const char* none) {
    return when.count() == 0 ? none : rfc3339(when);
}

void key_object(json_text& out, const access_key& key) {
    out.open_object().key("id").text(key.id).key("scopes").text(text_of(key.scopes));
    if (key.service != surface::native) out.key("service").text(name_of(key.service));
    out.key("collections").text(text_of(key.collections));
    out.key("requests").number(key.quota.requests);
    out.key("image_bytes").number(key.quota.image_bytes).key("jobs").number(key.quota.jobs);
    out.key("created_at").text(rfc3339(key.created)).key("expires_at");
    if (key.expires.count() == 0) {
        out.null();
    } else {
        out.text(rfc3339(key.expires));
    }
    out.key("note").text(key.note).close_object();
}

report list_report(const std::vector<access_key>& keys, unix_time now) {
    report made;
    table rows{{{"id"}, {"scopes"}, {"collections"}, {"quota"}, {"created"}, {"expires"}, {"note"}},
               {}};
    json_text out;
    out.open_object().key("keys").open_array();
    for (const auto& key : keys) {
        const std::string ended = is_expired(key, now) ? " (over)" : "";
        rows.rows.push_back({key.id, stored_scopes(key), text_of(key.collections),
                             quota_text(key.quota), rfc3339(key.created),
                             time_or(key.expires, "never") + ended, key.note});
        key_object(out, key);
    }
    made.sections.push_back({"", std::move(rows), ""});
    made.json = out.close_array().close_object().str();
    return made;
}

report made_report(const new_key& made, const std::string& more) {
    report answer;
    answer.sections.push_back({"", {}, made.text});
    answer.sections.push_back(
        {"", {}, "Store it now: it is not shown again. Id: " + made.id + "." + more});
    json_text out;
    out.open_object().key("id").text(made.id).key("key").text(made.text).close_object();
    answer.json = out.str();
    return answer;
}

/// A key of a surface has the form that its clients send.
new_key make_key_for(surface service, std::string_view secret) {
    return service == surface::native ? make_key() : make_uuid_key(secret);
}

result<report> create(const arguments& asked, redis_blocking& redis, const store_context& store) {
    auto key = wanted_key(asked.key);
    if (!key) return fail(key.error());
    const auto secret = secret_for(asked.key.secret, redis, store);
    if (!secret) return fail(secret.error());
    const auto made = make_key_for(key->service, *secret);
    key->id = made.id;
    key->hash = hash_of_key(made.text, *secret);
    if (auto good = redis.call(key_store(store).create_key(*key, who())); !good)
        return fail(good.error());
    report answer = made_report(made, "");
    answer.lost = [&redis, &store, id = made.id] {
        if (redis.call(key_store(store).revoke_key(id, who()))) {
            return "key " + id + " was revoked: it could not be printed";
        }
        return "key " + id + " was created but not printed: run vultusctl key revoke " + id;
    };
    return answer;
}

result<report> rotate(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const auto overlap = parse_span(asked.key.overlap);
    if (!overlap) return fail(overlap.error());
    const auto secret = secret_for(asked.key.secret, redis, store);
    if (!secret) return fail(secret.error());
    const auto all = redis.call(key_store(store).keys(""));
    if (!all) return fail(all.error());
    const auto old = std::find_if(all->keys.begin(), all->keys.end(),
                                  [&](const auto& one) { return one.id == asked.subject; });
    const auto service = old == all->keys.end() ? surface::native : old->service;
    const auto made = make_key_for(service, *secret);
    const auto hash = hash_of_key(made.text, *secret);
    const auto ends =
        redis.call(key_store(store).rotate_key(asked.subject, made.id, hash, *overlap, who()));
    if (!ends) return fail(ends.error());
    report answer = made_report(made, " " + asked.subject + " expires at " + rfc3339(*ends) + ".");
    answer.lost = [id = made.id, old = asked.subject, when = rfc3339(*ends)] {
        return "key " + id + " replaces " + old + ", which expires at " + when +
               ", but was not printed: run vultusctl key rotate " + id;
    };
    return answer;
}

}  // namespace

std::string who() {
    const passwd* user = ::getpwuid(::geteuid());
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    std::string name = std::to_string(::geteuid());
    if (user != nullptr) name = user->pw_name;
    return "vultusctl:" + name + "@" + host.data();
}

result<std::string> secret_for(const std::string& file, redis_blocking& redis,
                               const store_context& store) {
    auto secret = read_secret_file(file);
    if (secret || secret.error().code != errc::not_found) return secret;
    const auto keys = redis.call(key_store(store).keys(""));
    if (!keys) return fail(keys.error());
    const auto users = redis.call(user_store(store).users());
    if (!users) return fail(users.error());
    if (!keys->keys.empty() || !users->empty()) {
        return fail(errc::wrong_state, "keys or users exist, but not " + file +
                                           ", the secret of their hashes: set --secret");
    }
    return read_or_make_secret_file(file);
}

result<std::string> label_secret(const std::string& file) {
    auto secret = read_secret_file(file);
    if (!secret && secret.error().code == errc::not_found) return std::string();
    return secret;
}

result<std::uint64_t> parse_amount(std::string_view text) {
    constexpr std::string_view rate = "/min";
    if (text.ends_with(rate)) text.remove_suffix(rate.size());
    return measured(text, amounts, "a quota must be a number, such as 600/min or 100MiB/min");
}

result<milliseconds> parse_span(std::string_view text) {
    const auto ms = measured(text, spans, "a time must be a number with s, min, h or d: 90d");
    if (!ms) return fail(ms.error());
    return milliseconds(*ms);
}

result<access_key> wanted_key(const key_words& asked) {
    access_key key;
    if (!asked.service.empty()) {
        const auto service = keyed_surface_named(asked.service);
        if (!service) {
            return fail(
                errc::bad_option,
                "--service must be compreface, deepstack or nextcloud, not " + asked.service);
        }
        if (asked.collections == "*" || asked.collections.find(',') != std::string::npos) {
            return fail(errc::bad_option, "a key of a service has one collection");
        }
        key.service = *service;
    }
    const auto scopes = asked.service.empty()
                            ? parse_scopes(asked.scopes)
                            : result<scope_set>(scope_set{scope::read, scope::recognize,
                                                          scope::train, scope::admin});
    if (!scopes) return fail(scopes.error());
    key.scopes = *scopes;
    auto collections = parse_collections(asked.collections);
    if (!collections) return fail(collections.error());
    if (collections->size() > limits::key_collections) {
        return fail(errc::bad_option, "a key may have at most 100 collections");
    }
    key.collections = std::move(*collections);
    for (const auto& [text, into] : {std::pair{&asked.quota, &key.quota.requests},
                                     std::pair{&asked.image_quota, &key.quota.image_bytes},
                                     std::pair{&asked.jobs, &key.quota.jobs}}) {
        const auto amount = parse_amount(*text);
        if (!amount) return fail(amount.error());
        *into = *amount;
    }
    if (!asked.expires.empty()) {
        const auto span = parse_span(asked.expires);
        if (!span) return fail(span.error());
        key.expires = unix_now() + *span;
    }
    if (asked.note.size() > limits::key_note_bytes) {
        return fail(errc::bad_option, "a note may have at most 100 bytes");
    }
    key.note = asked.note;
    return key;
}

result<report> keys(const arguments& asked, redis_blocking& redis, const store_context& store) {
    if (asked.what == command::key_create) {
        return create(asked, redis, store);
    }
    if (asked.what == command::key_rotate) return rotate(asked, redis, store);
    if (asked.what == command::key_revoke) {
        if (auto good = redis.call(key_store(store).revoke_key(asked.subject, who())); !good) {
            return fail(good.error());
        }
        return change_report(asked.subject, "revoked");
    }
    const auto found = redis.call(key_store(store).keys(""));
    if (!found) return fail(found.error());
    return list_report(found->keys, unix_now());
}

}  // namespace vultus::ctl
