// A person in JSON, what a PATCH may say, and ids in answers that are not stored.
#include "api/jobs/person_view.hpp"

#include <gmock/gmock.h>

#include "api/jobs/person_ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(person_view, shows_the_name_and_never_the_key) {
    person_record one;
    one.key = key_for("Ada", "p");
    one.person_id = "p";
    one.faces = 2;
    one.created = unix_time{1'764'000'000'000};
    one.data = {"e \"1\"", R"({"a":[1]})", "n"};
    EXPECT_EQ(person_json(one),
              R"({"person_id":"p","name":"Ada","external_id":"e \"1\"","metadata":{"a":[1]},)"
              R"("notes":"n","faces":2,"created":"2025-11-24T16:00:00.000Z","last_seen":null})");
    person_record bare;
    bare.key = "Bob";
    EXPECT_EQ(person_json(bare),
              R"({"person_id":null,"name":"Bob","external_id":null,"metadata":null,"notes":null,)"
              R"("faces":0,"created":null,"last_seen":null})");
}

TEST(person_patch, takes_what_is_given_and_null_removes) {
    const auto patch = parse_person_patch(R"({"external_id":"e","metadata":{"a":{"b":[1,2.5]}}})");
    ASSERT_TRUE(patch);
    EXPECT_FALSE(patch->name);
    EXPECT_FALSE(patch->notes);
    EXPECT_EQ(patched({"x", "", "stays"}, *patch),
              (person_data{"e", R"({"a":{"b":[1,2.5E0]}})", "stays"}));
    const auto none = parse_person_patch(R"({"external_id":null,"metadata":{},"notes":null})");
    ASSERT_TRUE(none);
    EXPECT_TRUE(patched({"x", "{}", "y"}, *none).empty());
    EXPECT_EQ(*parse_person_patch(R"({"name":"  Zoe\u0308 "})")->name, "Zo\xc3\xab");
}

TEST(person_patch, refuses_what_does_not_fit) {
    const auto why = [](const std::string& body) {
        const auto patch = parse_person_patch(body);
        return patch ? std::string("accepted") : std::string(name_of(patch.error().code));
    };
    EXPECT_EQ(why("{"), "malformed");
    EXPECT_EQ(why("[]"), "malformed");
    EXPECT_EQ(why("{}"), "bad_option");
    EXPECT_EQ(why(R"({"age":7})"), "bad_option");
    EXPECT_EQ(why(R"({"name":null})"), "bad_option");
    EXPECT_EQ(why(R"({"name":""})"), "bad_label");
    EXPECT_EQ(why(R"({"name":"A\u001fp"})"), "bad_label");
    EXPECT_EQ(why(R"({"external_id":7})"), "bad_option");
    EXPECT_EQ(why(R"({"external_id":""})"), "bad_option");
    EXPECT_EQ(why(R"({"metadata":[1]})"), "bad_option");
    EXPECT_EQ(why(R"({"metadata":"x"})"), "bad_option");
    EXPECT_EQ(why(R"({"notes":"a\u0000"})"), "bad_option");
    const auto sized = [&](const char* begin, std::size_t n, const char* end) {
        return why(begin + std::string(n, 'x') + end);
    };
    EXPECT_EQ(sized(R"({"notes":")", limits::notes_bytes, R"("})"), "accepted");
    EXPECT_EQ(sized(R"({"notes":")", limits::notes_bytes + 1, R"("})"), "too_large");
    const std::size_t rest = limits::metadata_bytes - std::string_view(R"({"a":""})").size();
    EXPECT_EQ(sized(R"({"metadata":{"a":")", rest, R"("}})"), "accepted");
    EXPECT_EQ(sized(R"({"metadata":{"a":")", rest + 1, R"("}})"), "too_large");
}

TEST(person_ids, take_the_place_of_placeholders) {
    const std::string two = person_placeholder(key_for("Ada", "2"));
    const std::string result = R"({"faces":[{"label":"Ada","person_id":")" + two +
                               R"("},{"label":"\"person_id\":\")" + two + R"(\"","person_id":")" +
                               person_placeholder("Bob") + R"("}]})";
    const auto keys = keys_in(result);
    EXPECT_THAT(keys, ElementsAre("Ada\x1f"
                                  "2",
                                  "Bob"));
    EXPECT_EQ(with_person_ids(result, keys, {{"2", false}, {"", false}}),
              R"({"faces":[{"label":"Ada","person_id":"2"},{"label":"\"person_id\":\")" + two +
                  R"(\"","person_id":null}]})");
    EXPECT_THAT(with_person_ids(result, keys, {{"2", true}, {"3", true}}),
                HasSubstr(R"("person_id":"2","name_shared":true},{)"));
    EXPECT_THAT(with_person_ids(result, {}, {}), HasSubstr(R"("person_id":null)"));
    EXPECT_EQ(with_person_ids("{}", {}, {}), "{}");
}

}  // namespace
}  // namespace vultus::api
