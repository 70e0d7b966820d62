#include "shared/store/model_store.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

default_models read_defaults(fields& all) {
    default_models made;
    made.models.detector = all.text();
    made.models.embedder = all.text();
    made.dimension = all.number<std::size_t>();
    return made;
}

}  // namespace

redis_call<default_models> model_store::defaults() const {
    return function_call<default_models>(
        "models", context_.prefix(), {},
        [](const std::string& status, fields& all) -> result<default_models> {
            if (status != "ok") return unexpected_reply(status);
            return read_defaults(all);
        });
}

redis_call<default_models> model_store::set_defaults(const model_choice& wanted,
                                                     const std::string& by, bool force) const {
    return function_call<default_models>(
        "set_models", context_.prefix(),
        {wanted.detector, wanted.embedder, by, force ? "force" : ""},
        [](const std::string& status, fields& all) -> result<default_models> {
            if (status == "ok") return read_defaults(all);
            if (status == "unknown") {
                return fail(errc::no_worker, "No worker has " + all.text());
            }
            if (status == "undecided") {
                return fail(errc::wrong_state,
                            "No worker has registered: there is no default embedder to keep");
            }
            return unexpected_reply(status);
        });
}

}  // namespace vultus
