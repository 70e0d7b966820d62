// The part of reference_model_steps.hpp that changes galleries without a worker: clear, forget,
// rename, merge, delete_collection and retention, on Redis and on the model.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "tests/redis/model.hpp"
#include "tests/redis/redis_support.hpp"

namespace vultus::test {

struct step {
    std::uint8_t op, a, b, c;
};

class reference_model_changes {
 public:
    reference_model_changes(redis_calls& f, std::map<std::string, int>& seen)
        : f_(f), seen_(seen) {}

 protected:
    static std::string pick(std::initializer_list<const char*> from, unsigned n) {
        return *(from.begin() + n % from.size());
    }
    static std::string collection(unsigned n) { return pick({"one", "two"}, n); }
    static std::string label(unsigned n) { return pick({"Ann", "Bob", "C \"{:*"}, n); }
    static std::string worker(unsigned n) { return pick({"u", "v", "u", "v", "w"}, n); }
    void expect(const words& reply, const std::string& word) {
        RC_LOG() << (reply.empty() ? "" : reply[0]) << "\n";
        RC_ASSERT(!reply.empty());
        RC_ASSERT(reply[0] == word);
        ++seen_[word];
    }

    void change(const step& s) {
        const std::string op =
            pick({"rename", "forget", "rename", "merge", "forget_face", "forget_face", "merge",
                  "forget", "clear", "delete_collection"},
                 s.a);
        const std::string c = collection(s.b);
        auto& g = m_.galleries[c];
        std::string from, to;
        if (op != "clear" && op != "delete_collection") from = label(s.c);
        if (op == "rename" || op == "merge") to = label(s.c / 3u);
        if (op == "forget_face") {
            to = g.faces.empty() ? "none-0"
                                 : std::next(g.faces.begin(), s.b % g.faces.size())->first;
        }
        const std::string id = id_of(++next_);
        const words reply = f_("change", {id, op, c, from, to, "anonymous", "", "", ""});
        const auto count = [&](const std::string& who) { return g.people()[who]; };
        if (op == "rename" && from != to && (count(to) > 0 || is_awaited(c, to))) {
            return expect(reply, "label_exists");
        }
        if (op == "forget_face" && (!g.faces.contains(to) || g.faces[to] != from)) {
            return expect(reply, "not_found");
        }
        if (op == "delete_collection" && (!g.exists || g.deleted) && !open_train(c)) {
            return expect(reply, "not_found");
        }
        expect(reply, "ok");
        apply(g, op, from, to, count(from));
        m_.changes.push_back({++m_.mseq, c, op, from, to});
        committed(id, op, c);
    }
    static bool is_open_train(const model_job& j, const std::string& c) {
        static const std::set<std::string> open{"pending", "running", "delayed", "dead"};
        return j.type == "train" && j.collection == c && open.contains(j.state);
    }
    bool open_train(const std::string& c) const {
        return std::any_of(m_.jobs.begin(), m_.jobs.end(),
                           [&](const auto& one) { return is_open_train(one.second, c); });
    }
    /// How many open trains will bring faces of each label.
    std::map<std::string, int> awaited(const std::string& c) const {
        std::map<std::string, int> count;
        for (const auto& [id, j] : m_.jobs) {
            if (!is_open_train(j, c)) continue;
            if (const auto label = m_.replayed_label(j); !label.empty()) ++count[label];
        }
        return count;
    }
    bool is_awaited(const std::string& c, const std::string& label) const {
        return awaited(c).contains(label);
    }
    void committed(const std::string& id, const std::string& type, const std::string& c) {
        model_job j;
        j.type = type;
        j.collection = c;
        j.state = "publishing";
        j.version = m_.galleries[c].version();
        m_.jobs[id] = j;
        m_.settle(c);
    }
    void apply(model_gallery& g, const std::string& op, const std::string& from,
               const std::string& to, int touched) {
        if (op == "clear" || op == "delete_collection") {
            if (!g.exists || g.deleted) return;
            m_.empty(g);
            g.deleted = op == "delete_collection";
            if (g.deleted) g.retains = false;
            return;
        }
        if (touched == 0 || from == to) return;
        if (op == "forget_face") g.faces.erase(to);
        if (op == "forget") std::erase_if(g.faces, [&](const auto& f) { return f.second == from; });
        if (op == "rename" || op == "merge") m_.relabel(g, from, to);
        ++g.seq;
        g.removed = g.version();
    }

    /// A collection begins to forget people, or one of them was not seen for its time.
    void retain(const step& s) {
        const std::string c = collection(s.b);
        auto& g = m_.galleries[c];
        const auto people = g.people();  // mostly somebody who is there
        const std::string who =
            people.empty() || s.c % 8 == 2
                ? label(s.c / 4u)
                : std::next(people.begin(), s.c / 4 % static_cast<int>(people.size()))->first;
        if (s.c % 4 == 0 || (!g.retains && s.c % 8 != 5)) {
            const words reply = f_("set_retention", {c, s.b % 5 == 0 ? "0" : "1000000", "me"});
            if (!g.exists || g.deleted) return expect(reply, "not_found");
            expect(reply, "ok");
            g.retains = s.b % 5 != 0;
            f_("unseen", {"0"});  // marks those who are there
            return;
        }
        const bool over = s.c % 4 != 1;
        const std::string seen = f_.key("gallery:" + c + ":" + std::to_string(g.epoch) + ":seen");
        f_.plain({"ZADD", seen, "XX", over ? "1000" : "9000000000000", who});
        const std::string id = id_of(++next_);
        const words reply = f_("forget_unseen", {id, c, who, "retention"});
        if (!g.retains || !over || g.people()[who] == 0) return expect(reply, "seen");
        expect(reply, "ok");
        apply(g, "forget", who, "", g.people()[who]);
        ++m_.mseq;  // open trains do not replay it
        ++seen_["unseen"];
        committed(id, "forget", c);
    }

    /// Open trains by label, as Redis counts them.
    std::map<std::string, int> counted(const std::string& c) {
        const words all = f_.plain({"HGETALL", f_.key("gallery:" + c + ":awaited")});
        std::map<std::string, int> count;
        for (std::size_t i = 0; i + 1 < all.size(); i += 2) count[all[i]] = std::stoi(all[i + 1]);
        return count;
    }

    redis_calls& f_;
    std::map<std::string, int>& seen_;
    model m_;
    int next_ = 0;
};

}  // namespace vultus::test
