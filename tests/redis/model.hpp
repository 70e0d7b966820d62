// The rules of shared/REDIS.md in plain C++, for model_test.cpp: no Redis, no clock, no limits, no
// deadlines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace vultus::test {

inline constexpr std::int64_t epoch_size = 1'000'000'000;

struct model_job {
    std::string type, collection, label, to, state, worker;
    std::int64_t attempt = 0, mseq = 0, version = 0, min_version = 0, at = 0;
    int started = 0, crashes = 0, failures = 0;
    bool bulk = false, solo = false, cancel = false, lapsing = false, for_gpu = false;
    bool parked = false;  ///< delayed: no worker has its detector
    std::string detector;
    std::int64_t came = 0;
};

/// What a lease prefers.
struct model_preference {
    bool any = true, gpu = false;
    unsigned spill = 0;  ///< of the other kind
};

struct model_gallery {
    bool exists = false, deleted = false, retains = false;
    bool bare = true;  ///< nothing was put in since it was made or emptied
    std::int64_t epoch = 0, seq = 0, removed = 0;
    std::map<std::string, std::string> faces;  ///< face id → label
    std::set<std::string> shown;               ///< ids of faces that were given a picture
    std::int64_t version() const { return epoch * epoch_size + seq; }
    void add(const std::string& face, const std::string& label, bool with_picture) {
        ++seq;
        bare = false;
        faces[face] = label;
        if (with_picture) shown.insert(face);
    }
    std::set<std::string> pictures() const {
        std::set<std::string> kept;
        for (const auto& [id, label] : faces) {
            if (shown.contains(id)) kept.insert(id);
        }
        return kept;
    }
    std::map<std::string, int> people() const {
        std::map<std::string, int> count;
        for (const auto& [id, label] : faces) ++count[label];
        return count;
    }
};

struct model_change {
    std::int64_t mseq;
    std::string collection, op, from, to;
};

struct model {
    std::map<std::string, model_job> jobs;
    std::map<std::string, model_gallery> galleries;
    std::map<std::string, std::map<std::string, std::int64_t>> workers;  ///< holdings
    std::map<std::string, std::set<std::string>> detectors;              ///< of workers
    std::deque<std::string> line[2];                                     ///< front is the front
    std::vector<model_change> changes;
    std::int64_t mseq = 0, epochs = 0, leased = 0;

    void to_line(const std::string& id, bool front) {
        model_job& j = jobs[id];
        j.state = "pending";
        j.parked = false;
        auto& l = line[j.bulk ? 1 : 0];
        if (front)
            l.push_front(id);
        else
            l.push_back(id);
    }
    void out_of_line(const std::string& id) {
        for (auto& l : line) l.erase(std::remove(l.begin(), l.end(), id), l.end());
    }
    bool suits(const std::string& worker, const std::string& id) {
        return detectors[worker].contains(jobs[id].detector);
    }
    bool anybody_suits(const std::string& id) const {
        return std::any_of(workers.begin(), workers.end(), [&](const auto& one) {
            return detectors.at(one.first).contains(jobs.at(id).detector);
        });
    }
    void park(const std::string& id) {
        out_of_line(id);
        std::tie(jobs[id].state, jobs[id].parked, jobs[id].lapsing) =
            std::tuple("delayed", true, false);
    }
    /// What a worker with that preference gets of a line, in its order: of the first 64 its own
    /// kind, up to n; before a job all others that came more than 2 s earlier, or that stand before
    /// one that must run alone; at the end others; all within the spill, and nothing behind one
    /// that is beyond it. What it lacks the detector for does not count, and is parked if
    /// everybody lacks it.
    std::deque<std::string> liked(const std::string& worker, const std::deque<std::string> l,
                                  unsigned n, model_preference& t) {
        if (t.any) return l;
        std::deque<std::string> order, others;
        std::size_t looked = 0;
        const auto let_pass = [&](auto&& has_to) {
            while (!others.empty() && has_to(jobs[others.front()])) {
                if (t.spill == 0) return false;
                --t.spill;
                order.push_back(others.front());
                others.pop_front();
            }
            return true;
        };
        for (std::size_t i = 0; i < l.size() && looked < 64; ++i) {
            const model_job& j = jobs[l[i]];
            if (!suits(worker, l[i])) {
                if (!anybody_suits(l[i])) park(l[i]);
                continue;
            }
            ++looked;
            if (!j.solo && j.for_gpu != t.gpu) {
                others.push_back(l[i]);
                continue;
            }
            const auto has_to = [&](const model_job& other) {
                return j.solo || other.came + 2'000 < j.came;
            };
            if (!let_pass(has_to)) return order;
            order.push_back(l[i]);
            if (j.solo || order.size() >= n) break;
        }
        let_pass([](const model_job&) { return true; });
        return order;
    }
    /// Up to n jobs out of the lines, for a worker that has some (busy) or none.
    std::vector<std::string> take(const std::string& worker, unsigned n, bool busy,
                                  model_preference t) {
        std::deque<std::string> liked_of[2];
        for (const int i : {0, 1}) liked_of[i] = liked(worker, line[i], n, t);
        const auto drop_unsuitable = [&](std::deque<std::string>& l) {
            for (; !l.empty() && !suits(worker, l.front()); l.pop_front()) {
                if (!anybody_suits(l.front())) park(l.front());
            }
            return l.empty();
        };
        std::vector<std::string> taken;
        while (taken.size() < n) {
            int from = (leased + 1) % 8 == 0 ? 1 : 0;
            if (drop_unsuitable(liked_of[from])) from = 1 - from;
            if (drop_unsuitable(liked_of[from])) break;
            const std::string id = liked_of[from].front();
            const bool alone = jobs[id].solo;
            if (alone && (busy || !taken.empty())) break;
            liked_of[from].pop_front();
            out_of_line(id);
            taken.push_back(id);
            ++leased;
            if (alone) break;
        }
        return taken;
    }
    std::size_t waiting() const { return line[0].size() + line[1].size(); }
    std::string give_back(const std::string& id) {
        model_job& j = jobs[id];
        if (j.cancel) return j.state = "cancelled";
        j.started = 0;
        to_line(id, true);
        return "pending";
    }
    void mark_lost(const std::string& id) {
        model_job& j = jobs[id];
        if (j.cancel) {
            j.state = "cancelled";
            return;
        }
        if (j.solo && j.started == j.attempt && ++j.crashes >= 3) {
            j.state = "dead";
            return;
        }
        j.solo = true;
        j.worker.clear();
        j.started = 0;
        to_line(id, true);
    }
    void new_epoch(model_gallery& g) {
        const bool retains = g.retains;
        g = {};
        g.exists = true;
        g.retains = retains;
        g.epoch = ++epochs;
        g.removed = g.version();
    }
    void empty(model_gallery& g) {
        if (!g.faces.empty()) return new_epoch(g);
        if (g.bare) return;
        ++g.seq;
        g.bare = true;
        g.removed = g.version();
    }
    void settle(const std::string& c) {
        std::int64_t lowest = INT64_MAX;
        for (const auto& [w, held] : workers) {
            if (auto at = held.find(c); at != held.end()) lowest = std::min(lowest, at->second);
        }
        for (auto& [id, j] : jobs) {
            if (j.state != "publishing" || j.collection != c || j.version > lowest) continue;
            j.state = "succeeded";
            auto& g = galleries[c];
            if (j.type == "delete_collection" && g.deleted && g.version() == j.version) g = {};
        }
    }
    void leave(const std::string& w) {
        const auto held = workers[w];
        workers.erase(w);
        for (const auto& [c, version] : held) settle(c);
    }
    void relabel(model_gallery& g, const std::string& from, const std::string& to) {
        for (auto& [id, label] : g.faces)
            if (label == from) label = to;
    }
    /// '' if a later change made the train void.
    std::string replayed_label(const model_job& j) const {
        std::string label = j.label;
        for (const auto& c : changes) {
            if (c.mseq <= j.mseq || c.collection != j.collection) continue;
            if (c.op == "clear" || c.op == "delete_collection") return "";
            if (c.from != label) continue;
            if (c.op == "forget") return "";
            if (c.op != "forget_face") label = c.to;
        }
        return label;
    }
};

}  // namespace vultus::test
