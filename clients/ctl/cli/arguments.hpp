// The arguments of vultusctl, and the addresses of Redis and the broker. Pure: main.cpp fills them
// from the command line; check() and target_of() refuse invalid ones (exit code 2).
#pragma once

#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus::ctl {

enum class command {
    status,
    jobs,
    job,
    faces,
    person,
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
    pictures,
    names,
    clock_show,
    clock_accept,
    models_list,
    models_default,
    models_fetch,
    models_check,
    models_bench,
    models_add,
    collection_model,
    key_create,
    key_list,
    key_revoke,
    key_rotate,
    user_add,
    user_list,
    user_password,
    user_remove,
    user_setup,
    curve_make,
    curve_allow,
    curve_remove,
    curve_list
};

/// Unparsed; keys.hpp parses them.
struct key_words {
    std::string scopes, collections = "*", note;
    std::string quota = "0", image_quota = "0", jobs = "0";
    std::string expires;          ///< empty: never
    std::string overlap = "24h";  ///< rotate: how long the old key stays valid
    std::string service;          ///< compat key: the surface
    std::string secret;  ///< file, also for names in the audit; empty: <data>/access.secret
};

struct user_words {
    std::string role, collections = "*";
    std::string url = "http://127.0.0.1:5000";  ///< setup: what the link begins with
};

struct curve_words {
    std::string role;                  ///< broker, api or worker
    std::string key;                   ///< allow: public, hexadecimal
    std::string folder;                ///< with the keys; empty: <data>/keys
    std::string own_file, broker_key;  ///< of vultusctl's own link to the broker
};

/// Of models fetch, check, bench and add.
struct model_words {
    std::vector<std::string> names;       ///< fetch, check, bench: only these; empty: all
    std::string folder = "build/models";  ///< worker.models
    std::string name;                     ///< add; empty: the name of the file
    std::string alignment, channels = "rgb", mean, scale, distance;  ///< add
    std::string licence, training;                                   ///< add: shown with the model
    bool replace = false;  ///< add: also if there is a model of that name
};

struct import_words {
    std::string from = "folder";  ///< one of import_sources (photo_source.hpp)
    std::string key_file;         ///< compreface
    std::string authorities;      ///< compreface: PEM file; empty: the system's
    std::string journal;          ///< file; empty: none
    bool dry_run = false;
};

struct arguments {
    command what = command::status;
    std::string subject;  ///< job id, worker id, id of a key, user or collection
    std::string file;     ///< save, restore, encryption_key, models_add; import: what to read
    std::string encryption_key;   ///< file; empty: data in Redis are not encrypted
    std::string detector;         ///< import, models default; empty: not given
    std::string embedder;         ///< models default, collections model; empty: not given
    std::string quality = "off";  ///< import
    bool rotate = false;          ///< import: also look for turned faces
    bool force = false;           ///< models default: also what no worker has
    std::string data = "data";
    std::string redis;   ///< unix:/path or host:port; empty: unix:<data>/run/redis.sock
    std::string broker;  ///< ZeroMQ endpoint for apis; empty: ipc://<data>/run/broker-api.sock
    bool json = false;
    bool explain = false;     ///< only print the redis-cli commands, run none
    bool quiet = false;       ///< fsck: no other process writes, so also compare sums and counters
    std::string state, type;  ///< jobs
    std::string label;        ///< audit: only entries about this person
    std::string collection;   ///< erasure: only this one; empty: all. person: empty: default
    std::string person_id;    ///< erasure: only this person; empty: everybody of the name
    std::string search;       ///< faces: begin of a word of the name; empty: all
    bool external = false;    ///< person: subject is an external_id
    std::size_t days = 0;     ///< retention: the new value; 0: unchanged
    bool off = false;         ///< retention: remove it
    std::string keep;         ///< pictures: yes, no or default; empty: unchanged
    bool fix = false;         ///< names: rename and merge them
    bool purge = false, rewrite = false;  ///< erasure: delete removable traces; rewrite the file
    std::string page;                     ///< jobs, faces, audit: the token of the last page
    std::string from;                     ///< tail: after this stream id; empty: only new events
    bool forget_unpictured = false;       ///< collections model: remove who has no picture
    bool wait = false;                    ///< collections model: until the job has ended
    import_words importing;
    model_words model;
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

/// errors    malformed: not a job id, worker id, state, type or stream id, or a count out of range;
///           bad_collection
result<void> check(const arguments& asked);

/// `password` comes from $REDISCLI_AUTH or a file, so that it is never on a command line.
/// errors    malformed: --redis is neither unix:/path nor host:port
result<target> target_of(const arguments& asked, std::string password);

}  // namespace vultus::ctl
