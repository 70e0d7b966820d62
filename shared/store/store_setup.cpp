// See store_setup.hpp. Pure except for the two loops at the end.
#include "shared/store/store_setup.hpp"

#include "shared/base/require.hpp"
#include "shared/store/vultus_lua.hpp"

namespace vultus {
struct store_setup::progress {
    enum class at { server, settings, library, load, replace, schema, done };
    at next = at::server;
};

store_setup::store_setup(const store_context& context, unsigned shards)
    : schema_(context), shards_(shards), progress_(std::make_shared<progress>()) {}

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
            return then(schema_.check_server(), at::settings);
        case at::settings:
            return then(schema_.check_settings(), at::library);
        case at::load:
            return then(schema_.load_library(), at::schema);
        case at::replace:
            return then(schema_.replace_library(), at::schema);
        case at::schema:
            return then(schema_.open(shards_), at::done);
        case at::library:
            break;
        case at::done:
            VULTUS_REQUIRE(false, "store_setup is done");
    }
    auto about = schema_.about();
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

result<void> prepare_store(redis_blocking& redis, const store_context& context) {
    store_setup setup(context);
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

void prepare_store(redis_client& redis, const store_context& context,
                   std::function<void(result<void>)> done) {
    next_step(redis, store_setup(context), std::move(done));
}

}  // namespace vultus
