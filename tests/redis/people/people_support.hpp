// The fixture of the tests about people: trains and changes as programs of this version send them,
// and listings as rows.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/redis/redis_support.hpp"

namespace vultus::test {

struct who {
    std::string name, id = {}, fresh = {}, external = {}, data = {};
};

inline std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

inline std::string hex_of(const std::string& text) {
    constexpr const char* digits = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

class people_of_redis : public redis_test {
 protected:
    struct row {
        std::string key, id, faces, created, seen, data, picture, shared;
    };

    void SetUp() override {
        redis_test::SetUp();
        f("open", {"1"});
        enlist("w");
    }

    /// A train as programs of this version send one.
    words ask(int n, const who& of) {
        accept_options options;
        options.type = "train";
        options.label = of.name;
        words all = accept_words(id_of(n), options);
        all.insert(all.begin() + 13,
                   {"person", of.id, of.fresh, lower(of.name), of.data, of.external});
        return f("accept", all);
    }
    words end(int n) {
        while (lease("w") != "") {
        }
        return commit(n, "w");
    }
    void add(int n, const who& of) {
        ASSERT_EQ(ask(n, of).at(0), "ok") << of.name;
        ASSERT_EQ(end(n).at(0), "succeeded") << of.name;
    }
    words alter(int n, const std::string& op, const words& a, const words& b = {"", ""},
                bool shared = false) {
        return f("change", {id_of(n), op, "default", a.at(0), b.at(0), "me", "", "", "", a.at(1),
                            b.at(1), lower(b.at(0)), shared ? "shared" : ""});
    }
    static std::vector<row> rows(const words& reply, std::size_t at) {
        std::vector<row> all;
        for (; at + 7 < reply.size(); at += 8) {
            all.push_back({reply[at], reply[at + 1], reply[at + 2], reply[at + 3], reply[at + 4],
                           reply[at + 5], reply[at + 6], reply[at + 7]});
        }
        return all;
    }
    std::vector<row> list(const std::string& q = "") {
        return rows(f("people", {"default", q, "", "1000"}), 6);
    }
    std::vector<row> get(const std::string& by, const std::string& text) {
        return rows(f("person", {"default", by, text}), 3);
    }
    words keys(const std::string& q = "") {
        words all;
        for (const row& one : list(q)) all.push_back(one.key);
        return all;
    }
    /// Every page of a listing, `between` called after each.
    template <class Between>
    words paged(const std::string& q, const std::string& count, Between between) {
        words all;
        std::string cursor;
        do {
            const words reply = f("people", {"default", q, cursor, count});
            for (const row& one : rows(reply, 6)) all.push_back(one.id);
            cursor = reply.at(4);
            between();
        } while (!cursor.empty());
        return all;
    }
    /// As an older version leaves the data.
    void strip() {
        for (const char* part : {"people", "person_ids", "externals", "names"}) {
            f.plain({"DEL", f.key("gallery:default:1:" + std::string(part))});
        }
        f.plain({"DEL", f.key("people_index"), f.key("unindexed")});
    }
    static words stored(const words& step) {
        words all(step.begin() + 1, step.begin() + 6);
        for (std::size_t i = 7; i < step.size(); ++i) {
            all.push_back(step[i]);
            all.push_back(lower(step[i].substr(0, step[i].find('\x1f'))));
        }
        return all;
    }
};

}  // namespace vultus::test
