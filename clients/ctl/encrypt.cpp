// See encrypt.hpp.
#include "clients/ctl/encrypt.hpp"

#include "clients/ctl/json_text.hpp"
#include "shared/secret.hpp"

namespace vultus::ctl {
namespace {

struct encrypting {
    redis_blocking& redis;
    const job_store& store;
    const listener& told;
    std::uint64_t looked_at = 0, encrypted = 0;

    result<void> all(const gallery_info& gallery, gallery_value what) {
        const std::uint64_t epoch = gallery.version / epoch_factor;
        std::string cursor = "0";
        do {
            auto chunk = redis.call(store.scan(gallery.collection, epoch, what, cursor));
            if (!chunk) return fail(chunk.error());
            cursor = chunk->cursor;
            if (chunk->fields.empty()) continue;
            looked_at += chunk->fields.size();
            const auto done =
                redis.call(store.seal(gallery.collection, epoch, what, std::move(chunk->fields)));
            if (!done) return fail(done.error());
            encrypted += *done;
            told.progress(looked_at, std::max(looked_at, gallery.faces), "faces");
        } while (cursor != "0");
        return {};
    }
};

}  // namespace

result<report> encrypt_faces(redis_blocking& redis, const job_store& store, const listener& told) {
    encrypting work{redis, store, told};
    std::string page;
    do {
        const auto some = redis.call(store.collections(limits::page_size, page));
        if (!some) return fail(some.error());
        for (const gallery_info& one : some->collections) {
            for (const auto what : {gallery_value::vector, gallery_value::picture}) {
                if (auto done = work.all(one, what); !done) return fail(done.error());
            }
        }
        page = some->next;
    } while (!page.empty());
    json_text json;
    json.open_object().key("looked_at").number(work.looked_at);
    json.key("encrypted").number(work.encrypted);
    std::string text = std::to_string(work.encrypted) + " of " + std::to_string(work.looked_at) +
                       " vectors and pictures were plain and are encrypted now";
    if (work.encrypted > 0) {
        text += "; Redis' append-only file has them plain until it is rewritten: "
                "redis-cli BGREWRITEAOF";
    }
    return report{{{"", {}, text}}, json.close_object().str(), false};
}

result<report> make_encryption_key(const std::string& file) {
    const auto made = make_secret_file(file);
    if (!made) return fail(made.error());
    json_text json;
    json.open_object().key("file").text(file);
    return report{{{"", {}, file + ": keep a copy elsewhere, without it the faces are lost"}},
                  json.close_object().str(), false};
}

}  // namespace vultus::ctl
