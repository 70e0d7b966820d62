// The steps before Redis is used (store_setup.hpp), and the calls that load the library. Pure but
// for the two loops at the end.
#include "shared/store/store_setup.hpp"

#include "shared/base/require.hpp"
#include "shared/store/job_store_reply.hpp"
#include "shared/store/vultus_lua.hpp"

namespace vultus {
namespace {

redis_call<void> load(std::vector<std::string> words) {
    words.push_back(vultus_lua);
    return {std::move(words), [](redis_reply&& reply) -> result<void> {
                // Another process may have loaded it since we asked.
                const bool there =
                    reply.is_error() && reply.text.find("already exists") != std::string::npos;
                if (reply.is_error() && !there) return fail(store_reply::error_of(reply.text));
                return {};
            }};
}

}  // namespace

redis_call<void> job_store::load_library() const {
    return load({"FUNCTION", "LOAD"});
}
redis_call<void> job_store::replace_library() const {
    return load({"FUNCTION", "LOAD", "REPLACE"});
}

struct store_setup::progress {
    enum class at { server, settings, library, load, replace, schema, done };
    at next = at::server;
};

store_setup::store_setup(const job_store& store, unsigned shards)
    : store_(store), shards_(shards), progress_(std::make_shared<progress>()) {}

bool store_setup::done() const noexcept {
    return progress_->next == progress::at::done;
}

redis_call<void> store_setup::step() {
    using at = progress::at;
    const auto then = [progress = progress_](redis_call<void> call, at after) {
        call.parse = [progress, after, parse = std::move(call.parse)](redis_reply&& reply) {
            result<void> outcome = parse(std::move(reply));
            if (outcome) progress->next = after;
            return outcome;
        };
        return call;
    };
    switch (progress_->next) {
        case at::server:
            return then(store_.check_server(), at::settings);
        case at::settings:
            return then(store_.check_settings(), at::library);
        case at::load:
            return then(store_.load_library(), at::schema);
        case at::replace:
            return then(store_.replace_library(), at::schema);
        case at::schema:
            return then(store_.open(shards_), at::done);
        case at::library:
            break;
        case at::done:
            VULTUS_REQUIRE(false, "no step is left");
    }
    auto about = store_.about();
    return {std::move(about.words),
            [progress = progress_,
             parse = std::move(about.parse)](redis_reply&& reply) -> result<void> {
                const result<library_version> there = parse(std::move(reply));
                if (!there) return fail(there.error());
                // A library of this major with a larger minor does all that ours does.
                const bool none = there->major == 0;
                const bool older = there->minor < vultus_lua_minor;
                progress->next = none ? at::load : older ? at::replace : at::schema;
                return {};
            }};
}

bool refuses_start(errc why) noexcept {
    return why == errc::wrong_version || why == errc::bad_option;
}

result<void> prepare_store(redis_blocking& redis, const job_store& store) {
    store_setup setup(store);
    while (!setup.done()) {
        if (const auto outcome = redis.call(setup.step()); !outcome) return fail(outcome.error());
    }
    return {};
}

namespace {

void next_step(redis_client& redis, store_setup setup, std::function<void(result<void>)> done) {
    if (setup.done()) return done({});
    redis.send<void>(setup.step(), [&redis, setup, done](result<void> outcome) {
        if (!outcome) return done(fail(outcome.error()));
        next_step(redis, setup, done);
    });
}

}  // namespace

void prepare_store(redis_client& redis, const job_store& store,
                   std::function<void(result<void>)> done) {
    next_step(redis, store_setup(store), std::move(done));
}

}  // namespace vultus
