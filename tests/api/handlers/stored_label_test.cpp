// Names that look the same, in every route that takes a name; old names stay reachable.
#include <gtest/gtest.h>

#include "tests/api/http/server_support.hpp"

#include "shared/store/gallery_admin.hpp"

namespace vultus::api::testing {
namespace {

const std::string nfc = "Zo%C3%AB", nfd = "Zoe%CC%88", blank = "Zo%C3%AB%20",
                  hidden = "%E2%80%8BZo%C3%AB";

struct crew {
    running_api api;
    fake_worker worker{api.redis.address()};
    int count = 0;

    answer train(const std::string& name, bool works = true) {
        auto accepted = api.call("POST", "/api/train?collection=crew&name=" + name, png(),
                                 "Content-Type: image/png\r\n");
        if (works) {
            worker.complete_train(worker.lease(), name);
            api.get(accepted.field("location") + "?wait=30");
        }
        return accepted;
    }
    answer change(const std::string& method, const std::string& target) {
        return api.call(
            method,
            target + (target.find('?') == std::string::npos ? "?" : "&") + "collection=crew", "",
            "Prefer: wait=30\r\n");
    }
    /// A person as an older version stored her.
    void put_back(const std::string& label) {
        const exported_face face{"old-" + std::to_string(++count) + "-0", label,
                                 "{\"label\":\"" + label + "\",\"job_id\":\"j\"}",
                                 std::string(512, '\0')};
        ASSERT_TRUE(
            worker.redis.call(gallery_admin(worker.store).restore("crew", "model", {face})));
    }
    std::string people() {
        const auto list = api.get("/api/faces?collection=crew").body;
        const auto begin = list.find("\"faces\":[");
        return without_ids(list.substr(begin, list.find(']', begin) - begin));
    }
};

TEST(stored_label, one_person_however_the_name_is_written) {
    crew at;
    for (const std::string& name : {nfd, nfc, blank, hidden}) {
        EXPECT_EQ(member(at.train(name).body, "label"), "Zo\u00EB") << name;
    }
    EXPECT_EQ(at.people(), "\"faces\":[{\"label\":\"Zo\u00EB\",\"count\":4}");
    for (const std::string& name : {nfd, nfc, blank, hidden}) {
        EXPECT_EQ(at.api.get("/api/faces/" + name + "?collection=crew").status, 200) << name;
    }
    EXPECT_EQ(
        member(at.change("POST", "/api/rename?label=" + nfd + "&label_to=Ada%20").body, "label_to"),
        "Ada");
    EXPECT_EQ(at.people(), "\"faces\":[{\"label\":\"Ada\",\"count\":4}");
    at.train("Bob");
    EXPECT_EQ(at.change("POST", "/api/rename?label=Bob&label_to=%C2%A0Ada").status, 409);
    EXPECT_EQ(at.change("POST", "/api/merge?label=Bob&label_to=%20Ada").status, 200);
    EXPECT_EQ(member(at.change("DELETE", "/api/faces/Ada%E2%80%8B").body, "removed_faces"), "5");
    EXPECT_EQ(at.people(), "\"faces\":[");
}

TEST(stored_label, names_that_cannot_be_seen_are_refused) {
    crew at;
    for (const std::string name :
         {"%20", "%E2%80%8B", "%EF%BB%BF", "%C2%A0", "%E3%85%A4", "%CC%81"}) {
        EXPECT_EQ(at.train(name, false).status, 422) << name;
    }
    at.train("Ada");
    EXPECT_EQ(at.change("POST", "/api/rename?label=Ada&label_to=%E2%80%8B").status, 422);
}

TEST(stored_label, what_was_stored_before_is_reached_by_its_exact_bytes) {
    crew at;
    at.put_back("Zoe\u0308");
    at.put_back("\u200B");
    at.train(nfc);
    EXPECT_EQ(member(at.api.get("/api/faces/" + nfd + "?collection=crew").body, "label"),
              "Zoe\u0308");
    EXPECT_EQ(member(at.api.get("/api/faces/" + nfc + "?collection=crew").body, "label"),
              "Zo\u00EB");
    EXPECT_EQ(at.api.get("/api/faces/%E2%80%8B?collection=crew").status, 200);
    EXPECT_EQ(at.change("POST", "/api/rename?label=%E2%80%8B&label_to=Eve").status, 200);
    EXPECT_EQ(at.change("POST", "/api/merge?label=" + nfd + "&label_to=" + nfc).status, 200);
    EXPECT_EQ(at.people(),
              "\"faces\":[{\"label\":\"Eve\",\"count\":1},{\"label\":\"Zo\u00EB\",\"count\":2}");
}

TEST(stored_label, a_repeated_request_is_the_same_one) {
    crew at;
    at.put_back("Zoe\u0308");
    const auto ask = [&] {
        return at.api.call("DELETE", "/api/faces/" + nfd + "?collection=crew", "",
                           "Idempotency-Key: one\r\nPrefer: wait=30\r\n");
    };
    const auto first = ask(), second = ask();
    EXPECT_EQ(member(first.body, "removed_faces"), "1");
    EXPECT_EQ(member(second.body, "id"), member(first.body, "id")) << second.body;
}

}  // namespace
}  // namespace vultus::api::testing
