// See explain.hpp. Reading commands are the plain reads of the keys; changing ones are the very
// call that vultusctl sends, taken from the job store.
#include "clients/ctl/explain.hpp"

#include "clients/ctl/privacy/pictures.hpp"
#include "shared/base/limits.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/model_store.hpp"
#include "shared/store/operator_store.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/picture_store.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/service_clock.hpp"
#include "shared/store/submission_store.hpp"
#include "shared/store/user_store.hpp"
#include "shared/store/worker_store.hpp"

namespace vultus::ctl {
namespace {

class script {
 public:
    script(const redis_address& where, const store_context& store)
        : cli_(redis_cli(where)), prefix_(store.prefix()) {}

    void say(std::string what) { lines_.push_back("# " + std::move(what)); }

    void run(const std::vector<std::string>& words) {
        std::string line = cli_;
        for (const std::string& word : words) (line += ' ') += shell_word(word);
        lines_.push_back(std::move(line));
    }

    /// name=$(...): for keys that contain an epoch.
    void keep(const std::string& name, const std::vector<std::string>& words) {
        run(words);
        lines_.back() = name + "=$(" + lines_.back() + ")";
    }

    void raw(const std::string& words) { lines_.push_back(cli_ + " " + words); }
    std::string key(std::string_view rest) const { return prefix_ + std::string(rest); }
    std::vector<std::string> take() { return std::move(lines_); }

 private:
    std::string cli_, prefix_;
    std::vector<std::string> lines_;
};

std::string last_index(std::size_t count) {
    return std::to_string((count == 0 ? 50 : count) - 1);
}

void status(script& out) {
    out.say("jobs waiting for a worker: interactive and bulk");
    out.run({"LLEN", out.key("queue:pending:interactive")});
    out.run({"LLEN", out.key("queue:pending:bulk")});
    out.say("jobs that run, wait for a retry, or need an operator");
    out.run({"ZCARD", out.key("queue:running")});
    out.run({"ZCARD", out.key("queue:delayed")});
    out.run({"ZCARD", out.key("queue:dead")});
    out.say("bytes of photos, bytes of finished jobs, counters");
    out.run({"MGET", out.key("bytes"), out.key("finished_bytes")});
    out.run({"HGETALL", out.key("stats")});
    out.say("workers, each with the time (ms) when its registration lapses");
    out.run({"ZRANGE", out.key("workers"), "0", "-1", "WITHSCORES"});
    out.say("one of them: HGETALL " + out.key("worker:<worker_id>"));
}

void jobs(script& out, const arguments& asked) {
    const std::string last = last_index(asked.count);
    const auto state = job_state_named(asked.state);
    if (!state) {
        out.say("the newest jobs, each with the time (ms) when it was accepted");
        out.run({"ZREVRANGE", out.key("queue:all"), "0", last, "WITHSCORES"});
    } else if (*state == job_state::pending) {
        out.run({"LRANGE", out.key("queue:pending:interactive"), "0", last});
        out.run({"LRANGE", out.key("queue:pending:bulk"), "0", last});
    } else if (*state == job_state::publishing) {
        out.say("per collection; this is the one named default");
        out.run({"ZRANGE", out.key("gallery:default:publishing"), "0", last, "WITHSCORES"});
    } else if (is_terminal(*state) && *state != job_state::dead) {
        out.say("finished jobs, newest first; the state of each is in its hash");
        out.run({"ZREVRANGE", out.key("queue:done"), "0", last, "WITHSCORES"});
    } else {
        out.run(
            {"ZRANGE", out.key("queue:" + std::string(name_of(*state))), "0", last, "WITHSCORES"});
    }
    out.say("one of them: HGETALL " + out.key("job:<id>"));
}

void faces(script& out, const arguments& asked) {
    const std::string gallery = "gallery:" + asked.subject;
    out.say("epoch, faces and people of the collection");
    out.run({"HGETALL", out.key(gallery)});
    out.say("its people and their numbers of faces");
    out.keep("epoch", {"HGET", out.key(gallery), "epoch"});
    out.raw("HSCAN \"" + out.key(gallery) + ":$epoch:labels\" 0 COUNT 1000");
    out.say("its faces: name, photo and box of each");
    out.raw("HSCAN \"" + out.key(gallery) + ":$epoch:faces\" 0 COUNT 100");
}

void tail(script& out, const arguments& asked) {
    out.say("the latest events, newest first");
    out.run({"XREVRANGE", out.key("events"), "+", "-", "COUNT", "20"});
    out.say("the following events; repeat with the last id in place of $");
    out.run({"XREAD", "BLOCK", "500", "STREAMS", out.key("events"),
             asked.from.empty() ? "$" : asked.from});
}

}  // namespace

std::string shell_word(std::string_view word) {
    constexpr std::string_view safe =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=";
    if (!word.empty() && word.find_first_not_of(safe) == std::string_view::npos)
        return std::string(word);
    std::string out = "'";
    for (const char c : word) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string redis_cli(const redis_address& where) {
    if (!where.unix_socket.empty()) return "redis-cli -s " + shell_word(where.unix_socket);
    return "redis-cli -h " + shell_word(where.host) + " -p " + std::to_string(where.port);
}

std::vector<std::string> explain(const arguments& asked, const target& where,
                                 const store_context& store) {
    script out(where.redis, store);
    switch (asked.what) {
        case command::status:
            status(out);
            break;
        case command::jobs:
            jobs(out, asked);
            break;
        case command::faces:
            faces(out, asked);
            break;
        case command::person:
            out.run(person_store(store)
                        .find(asked.collection.empty() ? "default" : asked.collection,
                              asked.external ? person_by::external_id : person_by::id,
                              asked.subject)
                        .words);
            break;
        case command::tail:
            tail(out, asked);
            break;
        case command::job:
            out.run({"HGETALL", out.key("job:" + asked.subject)});
            break;
        case command::cancel:
            out.run(submission_store(store).cancel(asked.subject).words);
            break;
        case command::kick:
            out.run(operator_store(store).kick(asked.subject).words);
            break;
        case command::bury:
            out.run(operator_store(store).bury(asked.subject).words);
            break;
        case command::remove:
            out.run(operator_store(store).remove(asked.subject).words);
            break;
        case command::fsck:
            out.say("repeat with the cursor after `more` until the reply is `ok`");
            out.run(operator_store(store).fsck("", limits::page_size, asked.quiet).words);
            break;
        case command::save:
            faces(out, asked);
            out.say("vector and text of each face");
            break;
        case command::restore:
            out.say("each call adds up to 1,000 faces: FCALL vultus1_restore (shared/REDIS.md)");
            break;
        case command::import:
            out.say("each photo is a train: FCALL vultus1_accept (shared/REDIS.md); jobs waiting");
            out.run({"LLEN", out.key("queue:pending:bulk")});
            break;
        case command::names:
            out.say("each person of each collection: FCALL vultus1_faces (shared/REDIS.md)");
            out.say("--fix: a rename or a merge each, FCALL vultus1_change");
            break;
        case command::encrypt:
            out.say("each call seals up to 1,000 faces: FCALL vultus1_seal (shared/REDIS.md)");
            break;
        case command::encryption_key:
            out.say("no call to Redis: writes 64 random hexadecimal digits to a file of mode 0600");
            break;
        case command::retention:
            if (asked.days == 0 && !asked.off) {
                out.run(retention_store(store).retention_of(asked.subject).words);
            } else {
                const auto days = std::chrono::hours(24) * static_cast<std::int64_t>(asked.days);
                out.run(retention_store(store).set_retention(asked.subject, days, "").words);
            }
            break;
        case command::pictures:
            if (asked.keep.empty()) {
                out.run(picture_store(store).rule_of(asked.subject).words);
            } else {
                out.run(
                    picture_store(store).set_rule(asked.subject, choice_of(asked.keep), "").words);
            }
            break;
        case command::clock_show:
            out.run(service_clock(store).read().words);
            break;
        case command::clock_accept:
            out.run(service_clock(store).accept("").words);
            break;
        case command::models_list:
            out.run(model_store(store).defaults().words);
            out.say("what each worker has: HGETALL of each");
            out.run({"ZRANGE", out.key("workers"), "0", "-1"});
            break;
        case command::models_default:
            out.run(model_store(store)
                        .set_defaults({asked.detector, asked.embedder}, "", asked.force)
                        .words);
            break;
        case command::erasure:
            out.say("whom the name or the id means, in each collection");
            out.run(person_store(store)
                        .find(asked.collection.empty() ? "default" : asked.collection,
                              asked.person_id.empty() ? person_by::name : person_by::id,
                              asked.person_id.empty() ? asked.subject : asked.person_id)
                        .words);
            out.say("each key and its type; read it with GET, HSCAN, ZSCAN, SSCAN or XRANGE");
            out.run({"SCAN", "0", "MATCH", out.key("*"), "COUNT", "500"});
            out.say("the version a worker serves must not be below removed_version of the gallery");
            out.run({"ZRANGE", out.key("workers"), "0", "-1"});
            out.say("the last removal and the number of file rewrites started before it");
            out.run({"HGETALL", out.key("removals")});
            out.run({"INFO", "persistence"});
            break;
        case command::audit:
            out.run(
                operator_store(store).audit(asked.count == 0 ? 50 : asked.count, asked.page).words);
            break;
        case command::key_create:
        case command::key_rotate:
            out.say("the key is hashed here; Redis gets the hash: FCALL vultus1_key_create");
            break;
        case command::key_list:
            out.run(key_store(store).keys("").words);
            break;
        case command::key_revoke:
            out.run(key_store(store).revoke_key(asked.subject).words);
            break;
        case command::user_add:
        case command::user_password:
            out.say("a password is hashed here; Redis gets its hash: FCALL vultus1_" +
                    std::string(asked.what == command::user_add ? "user_add" : "user_password"));
            break;
        case command::user_setup:
            out.say("the token of the link is hashed here: FCALL vultus1_setup_begin");
            break;
        case command::user_list:
            out.run(user_store(store).users().words);
            break;
        case command::user_remove:
            out.run(user_store(store).remove_user(asked.subject).words);
            break;
        case command::drain:
            out.say("drain is a message to the broker; Redis shows the jobs that still run");
            out.run({"HGETALL", out.key("worker:" + asked.subject)});
            out.run({"SMEMBERS", out.key("worker:" + asked.subject + ":running")});
            break;
        case command::models_fetch:
        case command::models_check:
        case command::models_bench:
        case command::models_add:
            out.say("model files are in " + asked.model.folder + ", not in Redis");
            break;
        case command::collection_model:
            out.say("how many faces have a picture, then whose have none: FCALL_RO");
            out.run(picture_store(store).rule_of(asked.subject).words);
            out.run(picture_store(store).people_without(asked.subject, "").words);
            out.say("the job is accepted as one of the api: FCALL vultus1_accept");
            break;
        case command::curve_make:
        case command::curve_allow:
        case command::curve_remove:
        case command::curve_list:
            out.say("CURVE keys are files in " + asked.curve.folder + ", not in Redis");
            break;
    }
    return out.take();
}

}  // namespace vultus::ctl
