// The galleries of this worker: loads a collection when it is first needed, follows its changes,
// announces each version to Redis (hello) and publishes it only when Redis replies `serve`. Evicts
// the least recently used one. A large collection is read in slices, so that others are updated
// meanwhile. One loader thread with a blocking connection owns everything here; other threads send
// it messages and receive immutable galleries.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "shared/store/gallery_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/gallery/gallery.hpp"
#include "workers/pipeline/mailbox.hpp"
#include "workers/pipeline/work_sink.hpp"

namespace vultus {

struct gallery_store_settings {
    redis_address redis;
    std::size_t collections_max = 256;
    std::size_t bytes_max = std::size_t{4096} * limits::mib;
};

/// When a gallery was last used for a match; written by its users, read by the loader (eviction).
using last_use = std::atomic<std::int64_t>;

/// A message to the users: use this gallery from now on, or none.
struct gallery_update {
    std::string collection;
    std::shared_ptr<const gallery> faces;  ///< null: stop using the old one
    std::shared_ptr<last_use> used;
    std::uint64_t registration = 0;  ///< usable while this registration lasts
    std::uint64_t answers = 0;       ///< questions up to this number: Redis was read after them
    bool unreadable = false;         ///< no gallery, because Redis' replies cannot be used
};

class gallery_store {
 public:
    using on_update = std::function<void(gallery_update)>;

    /// `publish` is called on the loader thread; it may wait.
    gallery_store(gallery_store_settings settings, const store_context& context,
                  mailbox<session_mail>& session, on_update publish);
    ~gallery_store();
    gallery_store(const gallery_store&) = delete;
    gallery_store& operator=(const gallery_store&) = delete;

    // Messages; none of these blocks. threads: any

    /// This registration may announce galleries. Loaded ones catch up and are announced.
    void registered(std::string worker_id, std::uint64_t registration);
    void fenced();
    /// Work waits for a gallery that satisfies this version, or for what Redis has when it is read
    /// after this question; numbers of questions increase. False: no room, ask again.
    bool want(std::string collection, gallery_version at_least, std::uint64_t question = 0);
    /// The collection is at this version. A hint; ignored if that version is held.
    void news(std::string collection, gallery_version version);

 private:
    struct registered_letter {
        std::string worker_id;
        std::uint64_t registration;
    };
    struct fenced_letter {};
    struct want_letter {
        std::string collection;
        gallery_version at_least;
        std::uint64_t question;
    };
    struct news_letter {
        std::string collection;
        gallery_version version;
    };
    using letter = std::variant<registered_letter, fenced_letter, want_letter, news_letter>;

    struct snapshot_reading {  ///< a load in progress
        gallery_info info;     ///< when it began
        std::string cursor = "0";
    };

    struct held_gallery {
        gallery_builder faces{0};
        std::shared_ptr<const gallery> published;  ///< what users have; null until `serve`
        std::shared_ptr<last_use> used = std::make_shared<last_use>(0);
        bool loaded = false;                      ///< `faces` is what Redis had at its version
        std::optional<snapshot_reading> reading;  ///< `faces` is a part of that
        bool behind = true;                       ///< must be updated
        std::uint64_t asked = 0, answered = 0;    ///< numbers of questions
        int failures = 0;                         ///< consecutive
        boot_time not_before{0};                  ///< after a failure others come first
    };
    struct leaving_gallery {  ///< evicted, users may remain
        std::weak_ptr<const gallery> users;
        boot_time not_before{0};
    };

    void run();
    void read(registered_letter&& what);
    void read(fenced_letter&& what);
    void read(want_letter&& what);
    void read(news_letter&& what);
    void bring_up_to_date();
    bool bring_failed(const std::string& collection, held_gallery& held, const error& why);
    result<void> bring(const std::string& collection, held_gallery& held);
    result<void> read_snapshot(const std::string& collection, held_gallery& held);
    result<void> read_chunk(const std::string& collection, held_gallery& held);
    void start_over();
    result<void> catch_up(const std::string& collection, held_gallery& held);
    result<void> learn_model(const std::string& collection, held_gallery& held);
    void publish(const std::string& collection, held_gallery& held);
    void evict(const std::string& but);
    void say_goodbyes();
    void compact();

    gallery_store_settings settings_;
    const gallery_reader reader_;
    const worker_store holdings_;
    mailbox<session_mail>& session_;
    on_update publish_;
    bounded_queue<letter> letters_;
    redis_blocking redis_;

    std::string worker_id_;  ///< empty: not registered
    std::uint64_t registration_ = 0;
    std::map<std::string, held_gallery> held_;
    std::map<std::string, leaving_gallery> leaving_;
    bool compacting_ = false;  ///< something was compacted; there may be more
    boot_time try_again_{0};   ///< after Redis was down
    std::thread thread_;       ///< last: it starts after the other members
};

}  // namespace vultus
