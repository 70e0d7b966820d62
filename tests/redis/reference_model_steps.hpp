// Redis and the model side by side, for model_test.cpp alone: rapidcheck is slow to compile.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>

#include "tests/redis/reference_model_changes.hpp"

namespace vultus::test {

/// One of dlib's, which workers of older versions have too.
inline const std::string model_name = "dlib_resnet_v1/m";

/// Draws a call from four bytes, makes it on Redis and on the model, and compares.
class reference_model_steps : reference_model_changes {
 public:
    using reference_model_changes::reference_model_changes;

    void run(const step& s) {
        using call = void (reference_model_steps::*)(const step&);
        static constexpr call calls[] = {
            &reference_model_steps::accept,        &reference_model_steps::train,
            &reference_model_steps::train,         &reference_model_steps::change_people,
            &reference_model_steps::change_people, &reference_model_steps::enlist,
            &reference_model_steps::enlist,        &reference_model_steps::hello,
            &reference_model_steps::hello,         &reference_model_steps::hello,
            &reference_model_steps::lease,         &reference_model_steps::lease,
            &reference_model_steps::lease,         &reference_model_steps::lease,
            &reference_model_steps::started,       &reference_model_steps::started,
            &reference_model_steps::complete,      &reference_model_steps::complete,
            &reference_model_steps::complete,      &reference_model_steps::complete,
            &reference_model_steps::complete,      &reference_model_steps::fail,
            &reference_model_steps::cancel,        &reference_model_steps::reap,
            &reference_model_steps::lapse,         &reference_model_steps::leave,
            &reference_model_steps::operate,       &reference_model_steps::change_people,
            &reference_model_steps::change_people};
        (this->*calls[s.op % std::size(calls)])(s);
        compare();
    }

 private:
    void change_people(const step& s) { s.a % 4 == 3 ? retain(s) : change(s); }
    std::string some_job(unsigned n) {
        if (m_.jobs.empty()) return id_of(60'000);
        auto at = m_.jobs.begin();
        std::advance(at, n % m_.jobs.size());
        return at->first;
    }
    model_job* find(const std::string& id) {
        auto at = m_.jobs.find(id);
        return at == m_.jobs.end() ? nullptr : &at->second;
    }
    std::int64_t needed(const model_job& j) {
        const auto& g = m_.galleries[j.collection];
        return g.exists ? std::max(g.removed, j.min_version) : 0;
    }

    void take_in(const std::string& type, const std::string& c, bool bulk, const std::string& l,
                 unsigned kind) {
        const std::string id = id_of(++next_);
        accept_options o;
        o.type = type;
        o.collection = c;
        o.priority = bulk ? "bulk" : "interactive";
        o.label = l;
        const std::string detector = kind % 7 == 6 ? "centerface" : kind % 2 != 0 ? "cnn" : "hog";
        o.options = R"({"detector":")" + detector + R"("})";
        if (detector == "hog" && kind % 5 == 4) o.options = "{}";  // the default
        expect(f_("accept", accept_words(id, o)), "ok");
        model_job j;
        j.type = type;
        j.collection = c;
        j.label = l;
        j.bulk = bulk;
        j.min_version = m_.galleries[c].version();
        if (type == "train") j.mseq = ++m_.mseq;
        j.for_gpu = detector == "cnn";
        j.detector = detector;
        j.came = std::stoll(f_.field(id, "created_ms")) - (kind % 3 == 0 ? 60'000 : 0);
        f_.plain({"HSET", f_.key("job:" + id), "created_ms", std::to_string(j.came)});
        // As a job that an older library accepted.
        if (kind % 5 == 0) f_.plain({"HDEL", f_.key("job:" + id), "detector"});
        m_.jobs[id] = j;
        m_.to_line(id, false);
    }
    void accept(const step& s) { take_in("recognize", collection(s.a), s.b % 2 != 0, "", s.c); }
    void train(const step& s) {
        take_in("train", collection(s.a), s.b % 2 != 0, label(s.c), s.c / 3u);
    }

    void enlist(const step& s) {
        const std::string w = worker(s.a);
        words call{w, "1", "1000000", "h", "1", "cpu", "b", "recognize,train"};
        const std::string has = pick({"", "hog", "hog,cnn,centerface", ""}, s.b);
        if (!has.empty())
            call.insert(call.end(), {"128", has, model_name + "=128", "hog", model_name});
        expect(f_("register", call), "ok");
        if (m_.workers.contains(w)) m_.leave(w);
        m_.workers[w];
        m_.detectors[w] = {"hog"};
        if (has != "hog") m_.detectors[w].insert("cnn");
        if (has.size() > 3) m_.detectors[w].insert("centerface");
    }
    void hello(const step& s) {
        const std::string w = worker(s.a), c = collection(s.b);
        const std::int64_t now = m_.galleries[c].version();
        const std::string said =
            s.c % 9 == 0 ? "none" : std::to_string(s.c % 9 == 1 ? now + 1 : now);
        const words reply = f_("hello", {w, c, said});
        if (!m_.workers.contains(w)) return expect(reply, "gone");
        expect(reply, said == "none" ? "ok" : said == std::to_string(now) ? "serve" : "catch_up");
        if (said == "none") m_.workers[w].erase(c);
        if (said == std::to_string(now)) m_.workers[w][c] = now;
        if (said == "none" || said == std::to_string(now)) m_.settle(c);
    }

    void wake() {
        std::vector<std::pair<std::int64_t, std::string>> due;
        for (auto& [id, j] : m_.jobs) {
            if (j.state == "delayed" && j.lapsing) due.emplace_back(j.at, id);
        }
        std::sort(due.begin(), due.end());
        for (const auto& [at, id] : due) {
            if (!m_.jobs[id].parked) m_.to_line(id, false);
        }
        std::reverse(due.begin(), due.end());
        for (const auto& [at, id] : due) {
            model_job& j = m_.jobs[id];
            if (!j.parked) continue;
            j.lapsing = false;
            if (!m_.anybody_suits(id)) continue;
            ++seen_["woken"];
            m_.to_line(id, true);
        }
    }
    /// The time of a job that waits for a model is over.
    void lapse(const step& s) {
        for (auto& [id, j] : m_.jobs) {
            if (j.state != "delayed" || !j.parked || s.a % 2 != 0) continue;
            f_.plain({"ZADD", f_.key("queue:delayed"), "1", id});
            j.at = 1;
            j.lapsing = true;
        }
    }
    void lease(const step& s) {
        const std::string w = worker(s.a);
        const unsigned n = 1 + s.b % 4;
        const bool busy = s.b % 8 > 5, lapsing = s.c % 3 == 0;
        words call{w, "1", busy ? "1" : "0", std::to_string(n), lapsing ? "0" : "1000000", ""};
        const model_preference t{s.c % 4 < 2, s.c % 4 == 2, s.a / 5u % 3};
        const bool older = s.c % 5 == 0;  // broker
        const char* const kind = t.gpu ? (older ? "cnn" : "gpu") : older ? "hog" : "cpu";
        if (!t.any) call.insert(call.end(), {kind, std::to_string(t.spill)});
        if (!t.any && !older) call.push_back("cnn");
        const words reply = f_("lease", call);
        if (!m_.workers.contains(w)) return expect(reply, "gone");
        expect(reply, "ok");
        wake();
        const auto wanted = m_.take(w, n, busy, t);
        if (wanted.size() < n && !t.any && m_.waiting() > 0) ++seen_["passed over"];
        for (const std::string& id : wanted) {
            model_job& j = m_.jobs[id];
            if (!t.any && j.for_gpu != t.gpu && !j.solo) ++seen_["spilled"];
            ++j.attempt;
            j.state = "running";
            std::tie(j.worker, j.started, j.lapsing) = std::tuple(w, 0, lapsing);
        }
        RC_ASSERT(reply.size() == 3 + 10 * wanted.size() + (t.any ? 0 : 2));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            model_job& j = m_.jobs[wanted[i]];
            RC_ASSERT(reply[3 + 10 * i] == wanted[i]);
            RC_ASSERT(reply[4 + 10 * i] == std::to_string(j.attempt));
            RC_ASSERT(reply[8 + 10 * i] == std::to_string(needed(j)));
            j.at = std::stoll(reply[9 + 10 * i]);
        }
    }

    /// A token of some job: mostly the right one.
    struct token {
        std::string id, attempt, worker;
        model_job* j;
        bool his;
    };
    token draw(const step& s) {
        token t;
        t.id = some_job(s.a);
        std::vector<std::string> running;
        for (const auto& [id, j] : m_.jobs)
            if (j.state == "running") running.push_back(id);
        if (!running.empty() && s.b % 4 != 3) t.id = running[s.a % running.size()];
        t.j = find(t.id);
        const std::int64_t attempt = t.j ? t.j->attempt + (s.b % 11 == 10 ? 1 : 0) : 1;
        t.worker = t.j && s.b % 9 != 8 && !t.j->worker.empty() ? t.j->worker : worker(s.b);
        t.attempt = std::to_string(attempt);
        t.his = t.j && attempt == t.j->attempt && t.worker == t.j->worker;
        return t;
    }
    /// True if the reply was about the token, or a cancel took the attempt.
    bool refused(const token& t, const words& reply) {
        if (!t.his || t.j->state != "running") {
            expect(reply, t.his ? "dup" : "stale");
            return true;
        }
        if (!t.j->cancel) return false;
        expect(reply, "cancelled");
        t.j->state = "cancelled";
        return true;
    }
    void started(const step& s) {
        const token t = draw(s);
        const bool good = t.his && t.j->state == "running";
        const words reply = f_("started", {t.worker, t.id, t.attempt});
        expect(reply, "ok");
        RC_ASSERT(reply.at(1) == (good ? "0" : "1"));
        if (good) t.j->started = static_cast<int>(t.j->attempt);
    }
    void complete(const step& s) {
        const token t = draw(s);
        if (t.j && t.j->type == "train") return complete_train(t, s.c % 2 != 0);
        if (t.j && t.j->type != "recognize") return;
        const std::int64_t now = t.j ? m_.galleries[t.j->collection].version() : 0;
        const std::int64_t version =
            std::max<std::int64_t>(0, now - s.c % 3 + (s.c % 11 == 10 ? 9 : 0));
        const words reply = f_("complete_recognize",
                               {t.id, t.attempt, t.worker, std::to_string(version), "{}", ""});
        if (refused(t, reply)) return;
        if (version < needed(*t.j) || version > now) return expect(reply, "old_version");
        expect(reply, "succeeded");
        t.j->state = "succeeded";
    }
    void complete_train(const token& t, bool shown) {
        const std::string face = t.id + "-0";
        words all{t.id, t.attempt, t.worker,         model_name,
                  "{}", face,      "{\"job_id\":1}", vector_of('x')};
        if (shown) all.insert(all.end(), {"pictures", face, "jpeg"});
        const words reply = f_("complete_train", all);
        if (refused(t, reply)) return;
        const std::string stored = m_.replayed_label(*t.j);
        if (stored.empty()) t.j->state = "succeeded";
        if (stored.empty()) return expect(reply, "superseded");
        auto& g = m_.galleries[t.j->collection];
        if (!g.exists || g.deleted) m_.new_epoch(g);
        g.add(face, stored, shown);
        t.j->version = g.version();
        t.j->state = "publishing";
        m_.settle(t.j->collection);
        expect(reply, t.j->state);
        RC_ASSERT(reply.at(1) == std::to_string(g.version()));
    }
    void fail(const step& s) {
        const token t = draw(s);
        const std::string kind = pick({"retry", "permanent", "return", "lost"}, s.c);
        const bool soon = s.c % 8 < 4;
        const words reply =
            f_("fail", {t.id, t.attempt, t.worker, kind, "{}", soon ? "0" : "1000000"});
        if (refused(t, reply)) return;
        if (kind == "return") return expect(reply, m_.give_back(t.id));
        if (kind == "lost") return m_.mark_lost(t.id), expect(reply, t.j->state);
        if (kind == "permanent") return expect(reply, t.j->state = "failed");
        t.j->state = ++t.j->failures >= 5 ? "dead" : "delayed";
        expect(reply, t.j->state);
        t.j->started = 0;
        t.j->lapsing = soon;
        t.j->parked = false;
        if (t.j->state == "delayed") t.j->at = std::stoll(reply.at(1));
    }
    void cancel(const step& s) {
        const std::string id = some_job(s.a);
        model_job* j = find(id);
        const words reply = f_("cancel", {id});
        if (!j) return expect(reply, reply.at(0) == "gone" ? "gone" : "not_found");
        if (j->state == "pending" || j->state == "delayed") {
            m_.out_of_line(id);
            j->state = "cancelled";
            return expect(reply, "cancelled");
        }
        if (j->state != "running") return expect(reply, "terminal");
        j->cancel = true;
        expect(reply, "requested");
    }
    void reap(const step&) {
        std::vector<std::pair<std::int64_t, std::string>> lapsed;
        for (auto& [id, j] : m_.jobs) {
            if (j.state == "running" && j.lapsing) lapsed.emplace_back(j.at, id);
        }
        std::sort(lapsed.begin(), lapsed.end());
        expect(f_("reap", {"0", "100", "10000000"}), "ok");
        for (const auto& [at, id] : lapsed) m_.mark_lost(id);
    }
    std::vector<std::string> running_of(const std::string& w) {
        std::vector<std::string> ids;
        for (auto& [id, j] : m_.jobs)
            if (j.state == "running" && j.worker == w) ids.push_back(id);
        std::reverse(ids.begin(), ids.end());
        return ids;
    }
    void lost(const step& s) {
        const std::string w = worker(s.a);
        expect(f_("worker_lost", {w, "1"}), "ok");
        for (const auto& id : running_of(w)) m_.mark_lost(id);
        m_.leave(w);
    }
    void bye(const step& s) {
        const std::string w = worker(s.a);
        expect(f_("bye", {w}), "ok");
        for (const auto& id : running_of(w)) m_.give_back(id);
        m_.leave(w);
    }
    void leave(const step& s) { s.c % 3 == 0 ? bye(s) : lost(s); }
    void operate(const step& s) {
        const std::string op = pick({"kick", "bury", "delete", "kick"}, s.b);
        const std::string id = some_job(s.a);
        model_job* j = find(id);
        const words reply = f_(op, {id});
        if (!j) return expect(reply, reply.at(0) == "gone" ? "gone" : "not_found");
        static const std::set<std::string> over{"dead", "succeeded", "failed", "cancelled"};
        const bool waits = j->state == "pending" || j->state == "delayed";
        const bool fits = op == "kick"   ? j->state == "dead"
                          : op == "bury" ? waits
                                         : over.contains(j->state);
        expect(reply, fits ? "ok" : "wrong_state");
        if (!fits) return;
        if (op == "delete") {
            m_.jobs.erase(id);
            return;
        }
        if (op == "bury") {
            m_.out_of_line(id);
            j->state = "dead";
            return;
        }
        j->crashes = j->failures = j->started = 0;
        j->solo = false;
        j->worker.clear();
        j->min_version = m_.galleries[j->collection].version();
        m_.to_line(id, false);
    }

    void compare() {
        for (const auto& [id, j] : m_.jobs) {
            const std::string state = f_.state(id);
            if (state != j.state) RC_LOG() << id << " " << j.type << "\n";
            RC_ASSERT(state == j.state);
            ++seen_[state];
            RC_ASSERT((f_.field(id, "waits_for") == "") == (state != "delayed" || !j.parked));
            if (state == "delayed" && j.parked) ++seen_["parked"];
        }
        RC_ASSERT(f_.stat("jobs") == m_.jobs.size());
        for (auto& [name, g] : m_.galleries) {
            RC_ASSERT(f_("version", {name}).at(1) == std::to_string(g.version()));
            const words reply = f_("faces", {name, "", "100"});
            std::map<std::string, int> people;
            for (std::size_t i = 5; i < reply.size(); i += 2)
                people[reply[i]] = std::stoi(reply[i + 1]);
            RC_ASSERT(people == g.people());
            RC_ASSERT(f_.pictures(name, g.epoch) == g.pictures());
            RC_ASSERT(counted(name) == awaited(name));
        }
        const words problems = f_.problems(1000);
        if (!problems.empty()) RC_LOG() << problems[0] << "\n";
        RC_ASSERT(problems.empty());
    }
};

}  // namespace vultus::test
