// Random damage to keys of Redis (lost or orphaned members and fields, invalid numbers, keys of
// another type), then every function of the library: none may return an error, and every intact job
// must end. rapidcheck shrinks a failing sequence.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {
namespace {

const std::string key_id(12, '1'), session(64, 'a'), argon = "$argon2id$v=19$x";

/// Something of every kind, in every state.
class furnished {
 public:
    explicit furnished(redis_calls& f) : f_(f) {
        f("reap", {"0", "1", "1000"});
        for (const char* worker : {"w", "v"}) enlist(worker);
        for (int n = 1; n <= 3; ++n) teach(n, "p" + std::to_string(n));
        f("set_retention", {"default", "86400000", "ctl"});
        f("unseen", {"10"});
        f("hello", {"v", "default", version()});
        accept(10, "recognize");
        lease("w");  // 10 runs
        accept(11, "recognize");
        lease("w");
        f("complete_recognize", {id_of(11), "1", "w", version(), "{\"faces\":[]}", "jpeg"});
        accept(12, "recognize");
        lease("w");
        f("fail", {id_of(12), "1", "w", "retry", "{}", "1"});
        accept(18, "reembed");
        lease("w");
        f("reembed_begin", {id_of(18), "1", "w", "x", "256"});
        f("reembed_stage", {id_of(18), "1", "w", "1", id_of(3) + "-0", std::string(1024, 'x')});
        accept(13, "recognize");
        f("bury", {id_of(13)});
        train(14, "p9");
        f("change", {id_of(15), "forget", "default", "p1", "", "anonymous", "", "", ""});
        accept(16, "calibrate");
        accept(17, "recognize", "bulk");
        accept(18, "recognize", "bulk", "yunet");
        lease("w");  // 18 waits for the model
        f("key_create", {key_id, session, "read", "*", "60", "60", "9", "0", "Ada"});
        f("spend", {key_id, "1"});
        f("user_add", {"ada", argon, "viewer", "*"});
        f("login_try", {"ada", "10.0.0.1"});
        f("login", {"ada", argon, session, "10.0.0.1", ""});
        f("login_try", {"ada", "10.0.0.1"});
    }

    words accept(int n, const std::string& type, const std::string& priority = "interactive",
                 const std::string& detector = "") {
        accept_options wanted;
        wanted.type = type;
        wanted.priority = priority;
        wanted.label = "Ann";
        wanted.hash = "h" + std::to_string(n);
        if (type == "calibrate" || type == "reembed") wanted.images.clear();
        if (!detector.empty()) wanted.options = R"({"detector":")" + detector + R"("})";
        return f_("accept", accept_words(id_of(n), wanted));
    }
    words enlist(const std::string& worker) {
        return f_("register", {worker, "1", "100000", "host", "1", "cpu", "b", "", "128", "hog",
                               "m=128", "hog", "m"});
    }
    words lease(const std::string& worker, const std::string& ms = "0") {
        return f_("lease", {worker, "1", "0", "1", ms, ""});
    }
    std::string version() { return f_("version", {"default"}).at(1); }

 private:
    void train(int n, const std::string& label) {
        accept_options wanted;
        wanted.type = "train";
        wanted.label = label;
        f_("accept", accept_words(id_of(n), wanted));
    }
    void teach(int n, const std::string& label) {
        train(n, label);
        lease("w");
        f_("complete_train", {id_of(n), "1", "w", "m", "{}", id_of(n) + "-0", "{\"job_id\":\"x\"}",
                              vector_of('v'), "pictures", id_of(n) + "-0", "jpeg"});
    }
    redis_calls& f_;
};

/// Arguments for each function: right ones, as a caller's mistake is an error by right.
using call_table = std::map<std::string, std::vector<words>>;

std::vector<words> each_job() {
    std::vector<words> all;
    for (int id = 10; id <= 18; ++id) all.push_back({id_of(id)});
    return all;
}

call_table calls_of_clients() {
    std::vector<words> changes;
    int n = 30;
    for (const char* op :
         {"forget", "forget_face", "rename", "merge", "clear", "delete_collection"}) {
        const std::string to = std::string(op) == "forget_face" ? id_of(2) + "-0" : "p7";
        changes.push_back({id_of(n++), op, "default", "p2", to, "anonymous", "", "", ""});
    }
    const auto by_id = each_job();
    accept_options photo;
    return {
        {"about", {{}}},
        {"open", {{"1"}}},
        {"accept", {accept_words(id_of(40), photo)}},
        {"change", changes},
        {"note_fetch", {{"default", "me 10.0.0.1   a.example"}, {"", "me"}}},
        {"cancel", by_id},
        {"job", by_id},
        {"list", {{"", "", "", "100"}, {"pending", "train", "", "1"}}},
        {"faces", {{"default", "", "100", "pictures"}, {"nobody", "", "100"}}},
        {"label", {{"default", "p1", "pictures"}, {"default", "p3"}}},
        {"people", {{"default", "", "", "100", "pictures"}, {"default", "p", "", "100"}}},
        {"person", {{"default", "name", "p1"}, {"default", "id", "x"}, {"none", "key", "p1"}}},
        {"set_person", {{"default", id_of(1), "ctl", "", "data", "ab"}}},
        {"retention", {{"default"}}},
        {"set_retention", {{"default", "86400000", "ctl"}, {"default", "0", "ctl"}}},
        {"pictures", {{"default"}}},
        {"without_pictures", {{"default", ""}, {"nobody", ""}}},
        {"set_pictures",
         {{"default", "keep", "ctl"}, {"default", "remove", "ctl"}, {"default", "worker", "ctl"}}},
        {"seen", {{"default", "p1", "p2", "x"}}},
        {"picture", {{"default", "p2", id_of(2) + "-0"}}},
        {"collections", {{"", "10"}, {"", "10", "models"}}},
        {"version", {{"default"}}},
        {"stats", {{}}},
        {"models", {{}}},
        {"set_models", {{"hog", "m", "ctl"}, {"", "m", "ctl", "force"}}},
        {"keys", {{""}}},
        {"key_create", {{"222222222222", session, "read", "*", "0", "0", "0", "0", ""}}},
        {"key_revoke", {{key_id}}},
        {"key_rotate", {{key_id, "333333333333", session, "1000"}}},
        {"spend", {{key_id, "1"}}},
        {"users", {{}}},
        {"user_add", {{"bob", argon, "viewer", "*"}}},
        {"user_password", {{"ada", argon}}},
        {"user_remove", {{"ada"}}},
        {"login_try", {{"ada", "10.0.0.1"}}},
        {"login", {{"ada", argon, std::string(64, 'b'), "10.0.0.1", ""}}},
        {"session", {{session, "0"}, {session, "1"}}},
        {"session_end", {{session}}},
        {"setup_begin", {{session}}},
        {"setup", {{session}}},
        {"setup_try", {{session, "10.0.0.1"}}},
        {"setup_finish", {{session, "eve", argon, "10.0.0.1", ""}}},
    };
}

call_table calls_of_processes() {
    const std::string one = id_of(10);
    const words faces{"default",     "m", "x-0", "Zoe", R"({"label":"Zoe","job_id":"x"})",
                      vector_of('z')};
    const auto by_id = each_job();
    std::vector<words> fails;
    for (const auto& id : by_id) {
        for (const char* kind : {"retry", "return", "permanent"}) {
            fails.push_back({id[0], "1", "w", kind, "{}", "1"});
        }
    }
    return {
        {"register", {{"u", "1", "1000", "host", "1", "cpu", "b", ""}}},
        {"renew", {{"w", "2", "1000", "1000", one, "1"}, {"v", "1", "1000", "1000"}}},
        {"hello", {{"v", "default", "none"}, {"w", "default", "1000000001"}}},
        {"bye", {{"u"}, {"w"}}},
        {"started", {{"w", one, "1"}}},
        {"outcomes", {{one, id_of(14), id_of(99)}}},
        {"fetch", {{one, "1", "w"}, {id_of(14), "1", "w"}, {id_of(99), "1", "w"}}},
        {"complete_recognize", {{id_of(11), "1", "w", "1000000003", "{\"faces\":[7]}", ""}}},
        {"complete_train",
         {{id_of(14), "1", "w", "m", "{}", id_of(14) + "-0", "{\"a\":1}", vector_of('q')}}},
        {"reembed_begin", {{id_of(18), "1", "w", "x", "256"}, {id_of(99), "1", "w", "x", "128"}}},
        {"reembed_pictures", {{id_of(18), "1", "default", "0"}}},
        {"reembed_stage",
         {{id_of(18), "1", "w", "1", id_of(2) + "-0", std::string(1024, 'y'), "x",
           vector_of('z')}}},
        {"reembed_left", {{id_of(18), "1", "default", "0"}}},
        {"reembed_swap",
         {{id_of(18), "1", "w", "1", "{}"},
          {id_of(18), "1", "w", "1", "{}", id_of(1) + "-0", id_of(2) + "-0", id_of(3) + "-0"}}},
        {"fail", fails},
        {"delta", {{"default", "1", "0"}}},
        {"lease",
         {{"w", "2", "0", "9", "0", ""}, {"v", "1", "0", "9", "0", "", "gpu", "3", "cnn"}}},
        {"worker_lost", {{"u", "1"}}},
        {"reap", {{"0", "100", "10"}}},
        {"barrier", {{"0", "10"}}},
        {"unseen", {{"10"}}},
        {"forget_unseen", {{id_of(41), "default", "p3", "retention"}}},
        {"gc", {{"200", "0", "0", "0", "0", "0", "0", "0"}}},
        {"clock", {{}}},
        {"clock_accept", {{"ctl"}}},
        {"erase_log", {{"default", "ctl"}}},
        {"export", {{"default", "ctl"}}},
        {"restore", {faces}},
        {"restore_people", {{"default", "p1", "x", "1", "p1", "data", "ab"}}},
        {"unindexed", {{}}},
        {"index_people", {{"default", "1 0", "", "p1", "1", "p1", "p1", "p2", "p2"}}},
        {"seal", {{"default", "1", "vectors", "x-0", "VS\xff\xff" + std::string(552, 's')}}},
        {"kick", by_id},
        {"bury", by_id},
        {"delete", by_id},
        {"fsck", {{"", "100", "1"}}},
    };
}

call_table calls() {
    call_table all = calls_of_clients();
    all.merge(calls_of_processes());
    return all;
}

/// The names of the library's functions, as Redis lists them.
words functions_of(redis_calls& f) {
    words names;
    for (const auto& word : f.plain({"FUNCTION", "LIST", "LIBRARYNAME", "vultus1"})) {
        if (word.starts_with("vultus1_")) names.push_back(word.substr(8));
    }
    return names;
}

/// One damage of one key, by the draw. Gives whether something was taken away or overwritten there.
bool hurt(redis_calls& f, const std::string& name, std::uint32_t draw) {
    const words garbage{
        "", "x", "-1", "nan", "1e400", "99999999999999999999", std::string("\0\xff\n", 3)};
    const words strangers{id_of(99), "x", "a\nb", id_of(11), "default", ""};
    const words scores{"0", "-inf", "+inf", "1e15", "3"};
    const auto pick = [&](const words& from, unsigned shift) {
        return from[(draw >> shift) % from.size()];
    };
    const auto type = f.plain({"TYPE", name}).at(0);
    const unsigned how = draw % 8;
    if (how == 0) {
        f.plain({"DEL", name});
        return true;
    }
    if (how == 1) {
        f.plain({"DEL", name});
        f.plain(type == "string" ? words{"RPUSH", name, "x"} : words{"SET", name, "x"});
        return true;
    }
    const auto member = [&](const words& all) {
        return all.empty() ? std::string("x") : pick(all, 8);
    };
    if (type == "zset") {
        if (how < 6) {
            f.plain({"ZADD", name, pick(scores, 4), pick(strangers, 8)});
            return pick(strangers, 8) == id_of(11) || pick(strangers, 8) == "default";
        }
        f.plain({"ZREM", name, member(f.plain({"ZRANGE", name, "0", "-1"}))});
        return true;
    }
    if (type == "hash") {
        const auto field = member(f.plain({"HKEYS", name}));
        if (how < 5) {
            f.plain({"HDEL", name, field});
        } else {
            f.plain({"HSET", name, field, pick(garbage, 16)});
        }
        return true;
    }
    if (type == "list" || type == "set") {
        const bool list = type == "list";
        if (how < 6) {
            f.plain({list ? (how < 4 ? "RPUSH" : "LPUSH") : "SADD", name, pick(strangers, 8)});
            return false;
        }
        f.plain({list ? "LPOP" : "SPOP", name});
        return true;
    }
    if (type == "string") f.plain({"SET", name, pick(garbage, 8)});
    return true;
}

bool has_ended(const std::string& state) {
    static const std::set<std::string> ends{"succeeded", "failed", "cancelled", "dead", ""};
    return ends.contains(state);
}

/// What the brokers and a worker do, until nothing moves.
void drain(redis_calls& f, furnished& with) {
    for (int round = 0; round < 60; ++round) {
        f("reap", {"0", "100", "1"});
        f("barrier", {"0", "1"});
        f("gc",
          {"200", "86400000", "1000", "1000000", "86400000", "1000000", "86400000", "1000000"});
        f("worker_lost", {"v", "9"});
        with.enlist("z");
        const words leased = with.lease("z", "100000");
        if (leased.at(0) == "ok" && leased.at(2) == "1") {
            f("fail", {leased.at(3), leased.at(4), "z", "permanent", "{}", "0"});
        }
    }
}

TEST(damaged, the_test_knows_every_function_of_the_library) {
    loaded_redis server({"--appendonly", "no"});
    redis_calls f(server);
    const auto known = calls();
    const words names = functions_of(f);
    ASSERT_GT(names.size(), 40u);
    for (const auto& name : names) EXPECT_TRUE(known.contains(name)) << name << " has no arguments";
    EXPECT_EQ(names.size(), known.size());
}

TEST(damaged, no_function_fails_and_whole_jobs_end) {
    setenv("RC_PARAMS", "max_success=120 max_size=150", 0);  // as model_test: it is read once
    loaded_redis server({"--appendonly", "no"});
    redis_calls f(server);
    const auto known = calls();
    const words names = functions_of(f);
    EXPECT_TRUE(rc::check("every function goes on after damage", [&] {
        const auto any = rc::gen::resize(100, rc::gen::arbitrary<std::uint32_t>());
        const auto draws =
            *rc::gen::resize(40, rc::gen::container<std::vector<std::uint32_t>>(any));
        f.plain({"FLUSHALL"});
        furnished with(f);
        std::set<std::string> whole;
        for (const int n : {10, 12, 14, 16, 17}) whole.insert(id_of(n));
        for (const auto draw : draws) {
            words keys = f.plain({"KEYS", "*"});
            if (keys.empty()) break;
            std::sort(keys.begin(), keys.end());
            const auto name = keys[draw / 8 % keys.size()];
            const bool taken = hurt(f, name, draw);
            RC_LOG() << draw % 8 << (taken ? " took " : " added ") << name << "\n";
            for (auto id = whole.begin(); id != whole.end();) {
                const bool its = name.find(*id) != std::string::npos;
                const bool shared = name.find("queue:") != std::string::npos ||
                                    name.find("worker") != std::string::npos;
                id = its || (taken && shared) ? whole.erase(id) : std::next(id);
            }
        }
        for (std::size_t i = 0; i < names.size(); ++i) {  // from a function by the draw on
            const auto& name = names[(i + (draws.empty() ? 0 : draws[0])) % names.size()];
            for (const auto& arguments : known.at(name)) {
                const auto said = f(name, arguments).at(0);
                if (said.starts_with("ERROR")) RC_FAIL(name + ": " + said);
            }
        }
        with.accept(50, "recognize");
        whole.insert(id_of(50));
        drain(f, with);
        for (const auto& id : whole) {
            // Damage may have changed the model of its collection, or what the workers have.
            if (f.field(id, "waits_for") != "") continue;
            if (!has_ended(f.state(id))) RC_FAIL(id + " is " + f.state(id) + " for ever");
        }
    }));
}

}  // namespace
}  // namespace vultus::test
