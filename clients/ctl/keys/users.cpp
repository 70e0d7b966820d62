// See users.hpp.
#include "clients/ctl/keys/users.hpp"

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/keys/new_password.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/output/text.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::ctl {
namespace {

report list_report(const std::vector<user_record>& users) {
    report made;
    table rows{{{"name"}, {"role"}, {"collections"}, {"created"}, {"password of"}}, {}};
    json_text out;
    out.open_object().key("users").open_array();
    for (const auto& user : users) {
        const std::string as(name_of(user.as)), collections = text_of(user.collections);
        rows.rows.push_back(
            {user.name, as, collections, rfc3339(user.created), rfc3339(user.changed)});
        out.open_object().key("name").text(user.name).key("role").text(as);
        out.key("collections").text(collections).key("created_at").text(rfc3339(user.created));
        out.key("password_at").text(rfc3339(user.changed)).close_object();
    }
    made.sections.push_back({"", std::move(rows), ""});
    made.json = out.close_array().close_object().str();
    return made;
}

/// Reads a password and returns its hash.
result<std::string> new_hash(const arguments& asked, redis_blocking& redis,
                             const store_context& store) {
    const auto secret = secret_for(asked.key.secret, redis, store);
    if (!secret) return fail(secret.error());
    const auto password = new_password(asked.subject);
    if (!password) return fail(password.error());
    return hash_of_password(asked.subject, *password, *secret);
}

result<report> report_of(const arguments& asked, const result<void>& done, const char* what) {
    if (!done) return fail(done.error());
    return change_report(asked.subject, what);
}

/// A link whose token only who reads this has; Redis gets its hash.
result<report> setup_link(const arguments& asked, redis_blocking& redis,
                          const store_context& store) {
    const auto secret = secret_for(asked.key.secret, redis, store);
    if (!secret) return fail(secret.error());
    const auto token = new_setup_token();
    const auto begun =
        redis.call(user_store(store).begin_setup(hash_of_setup(token, *secret), who()));
    if (!begun) return fail(begun.error());
    // Behind '#': a browser does not send it, so no log has it.
    const std::string link = asked.user.url + "/#setup=" + token;
    report made;
    made.sections.push_back({"", {}, link});
    json_text out;
    made.json = out.open_object().key("link").text(link).close_object().str();
    return made;
}

}  // namespace

result<user_record> wanted_user(const arguments& asked) {
    user_record user;
    user.name = asked.subject;
    const auto as = parse_role(asked.user.role);
    if (!as) return fail(as.error());
    user.as = *as;
    auto collections = parse_collections(asked.user.collections);
    if (!collections) return fail(collections.error());
    if (collections->size() > limits::key_collections) {
        return fail(errc::bad_option, "a user may have at most 100 collections, or all: *");
    }
    user.collections = std::move(*collections);
    return user;
}

result<report> users(const arguments& asked, redis_blocking& redis, const store_context& store) {
    if (asked.what == command::user_list) {
        const auto found = redis.call(user_store(store).users());
        if (!found) return fail(found.error());
        return list_report(*found);
    }
    if (asked.what == command::user_setup) return setup_link(asked, redis, store);
    if (asked.what == command::user_remove) {
        return report_of(asked, redis.call(user_store(store).remove_user(asked.subject, who())),
                         "removed");
    }
    const bool adds = asked.what == command::user_add;
    user_record user;
    if (adds) {
        auto wanted = wanted_user(asked);
        if (!wanted) return fail(wanted.error());
        user = std::move(*wanted);
    }
    const auto hash = new_hash(asked, redis, store);
    if (!hash) return fail(hash.error());
    if (adds)
        return report_of(asked, redis.call(user_store(store).add_user(user, *hash, who())),
                         "added");
    return report_of(asked,
                     redis.call(user_store(store).change_password(asked.subject, *hash, who())),
                     "changed");
}

}  // namespace vultus::ctl
