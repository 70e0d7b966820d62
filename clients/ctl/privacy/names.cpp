// See names.hpp.
#include "clients/ctl/privacy/names.hpp"

#include <algorithm>

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::ctl {
namespace {

struct searching {
    redis_blocking& redis;
    const store_context& store;
    std::vector<old_name> found{};

    result<void> in(const std::string& collection) {
        std::string page;
        do {
            auto some =
                redis.call(gallery_reader(store).labels(collection, limits::page_size, page));
            if (!some) return fail(some.error());
            for (const auto& one : some->labels) {
                if (auto done = look_at(collection, one); !done) return done;
            }
            page = some->next;
        } while (!page.empty());
        return {};
    }

    result<void> look_at(const std::string& collection, const label_count& one) {
        const std::string name(name_of_key(one.label));
        if (!is_old_label(name)) return {};
        old_name old{collection, one.label, normal_label(name).value_or(""), one.faces, false};
        // Others may have the name of somebody whose key has an id.
        if (!old.normal.empty() && id_of_key(one.label).empty()) {
            auto taken = redis.call(gallery_reader(store).faces(collection, old.normal));
            if (!taken && taken.error().code != errc::not_found) return fail(taken.error());
            // Two old names with the same normal form: the second is merged into the first.
            old.normal_taken =
                taken.has_value() ||
                std::any_of(found.begin(), found.end(), [&](const old_name& other) {
                    return other.collection == collection && other.normal == old.normal;
                });
        }
        found.push_back(std::move(old));
        return {};
    }
};

result<void> mend(const old_name& old, const std::string& secret, redis_blocking& redis,
                  const store_context& store) {
    new_change wanted;
    wanted.id = new_job_id(unix_now(), store.shard());
    wanted.type = old.normal_taken ? job_type::merge : job_type::rename;
    wanted.collection = old.collection;
    wanted.label = old.label;
    wanted.to_label = old.normal;
    wanted.by = wanted.to_by = person_by::key;
    wanted.shared_name = !id_of_key(old.label).empty();
    wanted.client = who();
    wanted.label_hash = hash_of_label(name_of_key(old.label), secret);
    wanted.label_to_hash = hash_of_label(old.normal, secret);
    const auto done = redis.call(submission_store(store).change(wanted));
    if (!done) return fail(done.error());
    return {};
}

std::string what_becomes(const old_name& old) {
    if (old.normal.empty()) return "no visible character: rename it with /api/rename";
    return old.normal_taken ? "merge" : "rename";
}

/// The name as a client must send it in a query.
std::string percent_encoded(std::string_view text) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain) {
            out += c;
        } else {
            out += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
        }
    }
    return out;
}

}  // namespace

result<std::vector<old_name>> find_old_names(redis_blocking& redis, const store_context& store) {
    searching all{redis, store};
    std::string page;
    do {
        auto some = redis.call(gallery_reader(store).collections(limits::page_size, page));
        if (!some) return fail(some.error());
        for (const auto& one : some->collections) {
            if (auto done = all.in(one.collection); !done) return fail(done.error());
        }
        page = some->next;
    } while (!page.empty());
    return std::move(all.found);
}

std::string finding_of(const old_name& one) {
    return "collection " + one.collection + ": the name " +
           percent_encoded(name_of_key(one.label)) +
           (one.normal.empty() ? " has no visible character"
                               : " has an outdated form (now: " + one.normal + ")") +
           ": vultusctl names --fix";
}

result<report> names(const arguments& asked, redis_blocking& redis, const store_context& store) {
    const auto secret = label_secret(asked.key.secret);
    if (!secret) return fail(secret.error());
    const auto found = find_old_names(redis, store);
    if (!found) return fail(found.error());
    json_text json;
    json.open_object().key("names").open_array();
    table rows{{{"collection"}, {"stored as"}, {"name"}, {"photos", side::right}, {"then"}}, {}};
    bool left = false;
    for (const old_name& old : *found) {
        std::string then = what_becomes(old);
        bool fixed = false;
        if (asked.fix && !old.normal.empty()) {
            const auto done = mend(old, *secret, redis, store);
            fixed = done.has_value();
            then += fixed ? "d" : ": " + std::string(name_of(done.error().code));
        }
        left = left || !fixed;
        rows.rows.push_back({old.collection, percent_encoded(old.label), old.normal,
                             std::to_string(old.faces), then});
        json.open_object()
            .key("collection")
            .text(old.collection)
            .key("label")
            .text(name_of_key(old.label));
        json.key("normal").text(old.normal).key("photos").number(old.faces).key("then").text(then);
        json.close_object();
    }
    return report{{{"", rows, {}}}, json.close_array().close_object().str(), left};
}

}  // namespace vultus::ctl
