// See user_store.hpp.
#include "shared/store/user_store.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

user_record read_user(fields& all) {
    user_record one;
    one.name = all.text();
    if (const auto as = parse_role(all.text())) one.as = *as;  // else the least: viewer
    if (auto collections = parse_collections(all.text())) one.collections = *collections;
    one.created = all.time();
    one.changed = all.time();
    return one;
}

redis_call<void> user_call(std::string_view name, const std::string& prefix,
                           std::vector<std::string> arguments) {
    return function_call<void>(name, prefix, std::move(arguments),
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   if (status == "exists") {
                                       return fail(errc::wrong_state, "A user of that name exists");
                                   }
                                   if (status == "not_found")
                                       return fail(errc::not_found, "No such user");
                                   if (status != "full") return unexpected_reply(status);
                                   return fail(errc::queue_full, "User limit reached: remove one");
                               });
}

}  // namespace

redis_call<std::vector<user_record>> user_store::users() const {
    return function_call<std::vector<user_record>>(
        "users", context_.prefix(), {},
        [](const std::string& status, fields& all) -> result<std::vector<user_record>> {
            if (status != "ok") return unexpected_reply(status);
            std::vector<user_record> users;
            const auto count = all.number();
            for (std::uint64_t n = 0; n < count && all.more(); ++n) users.push_back(read_user(all));
            return users;
        });
}

redis_call<void> user_store::add_user(const user_record& user, std::string_view password,
                                      std::string_view by) const {
    return user_call("user_add", context_.prefix(),
                     {user.name, std::string(password), std::string(name_of(user.as)),
                      text_of(user.collections), std::string(by)});
}

redis_call<void> user_store::change_password(std::string_view name, std::string_view password,
                                             std::string_view by) const {
    return user_call("user_password", context_.prefix(),
                     {std::string(name), std::string(password), std::string(by)});
}

redis_call<void> user_store::remove_user(std::string_view name, std::string_view by) const {
    return user_call("user_remove", context_.prefix(), {std::string(name), std::string(by)});
}

redis_call<void> user_store::begin_setup(std::string_view hash, std::string_view by) const {
    return function_call<void>(
        "setup_begin", context_.prefix(), {std::string(hash), std::string(by)},
        [](const std::string& status, fields&) -> result<void> {
            if (status == "ok") return {};
            if (status != "exists") return unexpected_reply(status);
            return fail(errc::wrong_state, "A user exists: use vultusctl user add");
        });
}

redis_call<bool> user_store::is_setup_open(std::string_view hash) const {
    return function_call<bool>("setup", context_.prefix(), {std::string(hash)},
                               [](const std::string& status, fields&) -> result<bool> {
                                   if (status == "ok" || status == "gone") return status == "ok";
                                   return unexpected_reply(status);
                               });
}

redis_call<setup_try> user_store::try_setup(std::string_view hash,
                                            std::string_view counted_as) const {
    return function_call<setup_try>(
        "setup_try", context_.prefix(), {std::string(hash), std::string(counted_as)},
        [](const std::string& status, fields& all) -> result<setup_try> {
            setup_try reply;
            if (status == "wait") {
                reply.wait = std::chrono::milliseconds(all.number<std::int64_t>());
            } else if (status == "ok" || status == "gone") {
                reply.right = status == "ok";
            } else {
                return unexpected_reply(status);
            }
            return reply;
        });
}

redis_call<void> user_store::finish_setup(std::string_view hash, std::string_view name,
                                          std::string_view password, std::string_view counted_as,
                                          std::string_view address) const {
    return function_call<void>(
        "setup_finish", context_.prefix(),
        {std::string(hash), std::string(name), std::string(password), std::string(counted_as),
         std::string(address)},
        [](const std::string& status, fields&) -> result<void> {
            if (status == "ok") return {};
            if (status != "gone") return unexpected_reply(status);
            return fail(errc::unauthorized, "The link was used, replaced, or is over an hour old");
        });
}

redis_call<login_try> user_store::try_login(std::string_view name,
                                            std::string_view counted_as) const {
    return function_call<login_try>(
        "login_try", context_.prefix(), {std::string(name), std::string(counted_as)},
        [](const std::string& status, fields& all) -> result<login_try> {
            login_try reply;
            if (status == "wait") {
                reply.wait = std::chrono::milliseconds(all.number<std::int64_t>());
            } else if (status == "ok") {
                reply.password = all.text();
            } else {
                return unexpected_reply(status);
            }
            return reply;
        });
}

redis_call<void> user_store::login(std::string_view name, std::string_view password,
                                   std::string_view session_hash, std::string_view counted_as,
                                   std::string_view address) const {
    return function_call<void>("login", context_.prefix(),
                               {std::string(name), std::string(password), std::string(session_hash),
                                std::string(counted_as), std::string(address)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   if (status != "gone") return unexpected_reply(status);
                                   return fail(errc::unauthorized,
                                               "Password was changed in the meantime");
                               });
}

redis_call<session_record> user_store::session(std::string_view hash, bool uses) const {
    return function_call<session_record>(
        "session", context_.prefix(), {std::string(hash), uses ? "1" : "0"},
        [](const std::string& status, fields& all) -> result<session_record> {
            if (status == "gone") return fail(errc::unauthorized, "Session has ended");
            if (status != "ok") return unexpected_reply(status);
            session_record found;
            found.user = all.text();
            const auto as = parse_role(all.text());
            if (!as) return unexpected_reply("an unknown role");
            found.as = *as;
            found.collections = all.text();
            found.ends = all.time();
            return found;
        });
}

redis_call<void> user_store::end_session(std::string_view hash) const {
    return function_call<void>("session_end", context_.prefix(), {std::string(hash)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok" || status == "gone") return {};
                                   return unexpected_reply(status);
                               });
}

}  // namespace vultus
