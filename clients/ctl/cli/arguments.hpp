// What vultusctl was asked, and where Redis and the broker are. Pure: main.cpp fills it from the
// command line; check() and target_of() refuse what cannot be meant (exit code 2).
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus::ctl {

enum class command {
    status,
    jobs,
    job,
    faces,
    cancel,
    kick,
    bury,
    remove,
    drain,
    fsck,
    tail,
    save,
    restore,
    import,
    encrypt,
    encryption_key,
    audit,
    erasure,
    retention,
    names,
    clock_show,
    clock_accept,
    key_create,
    key_list,
    key_revoke,
    key_rotate,
    user_add,
    user_list,
    user_password,
    user_remove,
    curve_make,
    curve_allow,
    curve_remove,
    curve_list
};

/// As they stand on the command line; keys.hpp reads them.
struct key_words {
    std::string scopes, collections = "*", note;
    std::string quota = "0", image_quota = "0", jobs = "0";
    std::string expires;          ///< empty: never
    std::string overlap = "24h";  ///< rotate: how long the old one stays good
    std::string secret;           ///< file, of labels in the audit too; empty: <data>/access.secret
};

struct user_words {
    std::string role, collections = "*";
};

struct curve_words {
    std::string role;                  ///< broker, api or worker
    std::string key;                   ///< allow: public, hexadecimal
    std::string folder;                ///< of keys; empty: <data>/keys
    std::string own_file, broker_key;  ///< of vultusctl's own link to the broker
};

struct arguments {
    command what = command::status;
    std::string subject;           ///< job id, worker id, id of a key, user or collection
    std::string file;              ///< save, restore, encryption_key; import: the folder
    std::string encryption_key;    ///< file; empty: what lies in Redis is plain
    std::string detector = "hog";  ///< import
    std::string data = "data";
    std::string redis;   ///< unix:/path or host:port; empty: unix:<data>/run/redis.sock
    std::string broker;  ///< ZeroMQ endpoint for apis; empty: ipc://<data>/run/broker-api.sock
    bool json = false;
    bool explain = false;     ///< only print the redis-cli commands; nothing is asked or changed
    bool quiet = false;       ///< fsck: nothing changes meanwhile, so compare sums and counters too
    std::string state, type;  ///< jobs
    std::string label;        ///< audit: only what is about this person
    std::string collection;   ///< erasure: only there; empty: everywhere
    std::size_t days = 0;     ///< retention: from now on; 0: as it is
    bool off = false;         ///< retention: none
    bool fix = false;         ///< names: rename and merge them
    bool purge = false, rewrite = false;  ///< erasure: remove what can be; rewrite the file
    std::string page;                     ///< jobs, faces: what the last page named as next
    std::string from;                     ///< tail: after this stream id; empty: from now on
    key_words key;
    user_words user;
    curve_words curve;
    std::size_t count = 0;  ///< rows of a page, events of a tail; 0: the default (50; no end)
};

struct target {
    redis_address redis;
    std::string broker;
    curve_keys curve;  ///< of the link to the broker; empty: plain
};

/// errors    malformed: no job id, worker id, state, type, stream id, or a count out of range;
///           bad_collection
result<void> check(const arguments& asked);

/// `password` comes from $REDISCLI_AUTH or a file, so that it never stands on a command line.
/// errors    malformed: --redis is neither unix:/path nor host:port
result<target> target_of(const arguments& asked, std::string password);

}  // namespace vultus::ctl
