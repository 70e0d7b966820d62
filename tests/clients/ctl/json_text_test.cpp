// JSON as vultusctl writes it.
#include "clients/ctl/output/json_text.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

using vultus::ctl::json_at;
using vultus::ctl::json_member;
using vultus::ctl::json_text;

TEST(json_text, commas_and_nesting) {
    json_text out;
    out.open_object().key("a").number(1).key("b").open_array().truth(true).null().open_object();
    out.close_object().close_array().key("c").text("x").close_object();
    EXPECT_EQ(out.str(), R"({"a":1,"b":[true,null,{}],"c":"x"})");
}

TEST(json_text, texts_are_escaped_and_always_utf8) {
    json_text out;
    out.text("q\" b\\ n\n e\x1b \xc3\xab \xff\xed\xa0\x80 😀");
    EXPECT_EQ(out.str(),
              "\"q\\\" b\\\\ n\\u000a e\\u001b \xc3\xab "
              "\\ufffd\\ufffd\\ufffd\\ufffd 😀\"");
}

TEST(json_text, a_text_that_ends_like_a_bracket_does_not_eat_the_comma) {
    json_text out;
    out.open_array().text("[").text("{").text(":").close_array();
    EXPECT_EQ(out.str(), R"(["[","{",":"])");
}

TEST(json_text, stored_json_goes_in_as_it_is) {
    json_text out;
    out.open_array()
        .stored(R"({"n":1000000000000000,"e":[]})")
        .stored("{broken")
        .stored("")
        .close_array();
    EXPECT_EQ(out.str(), R"([{"n":1000000000000000,"e":[]},"{broken",""])");
}

TEST(json_text, stored_json_of_too_many_members_is_a_text) {
    std::string flood = R"({"code":"no_face")";
    for (int i = 0; i < 100; ++i) flood += ",\"m" + std::to_string(i) + "\":1";
    EXPECT_EQ(json_text().stored(flood + "}").str().front(), '"');
    EXPECT_EQ(json_member(flood + "}", "code"), "");
    EXPECT_EQ(json_member(R"({"code":"no_face"})", "code"), "no_face");
}

TEST(json_text, numbers_are_whole) {
    json_text out;
    out.number(18'446'744'073'709'551'615ULL);
    EXPECT_EQ(out.str(), "18446744073709551615");
}

TEST(json_text, a_text_deep_inside_is_found_by_its_pointer) {
    const char* text = R"({"files":[{"detail":"d","other":{"face_id":"x-1"},"n":1}]})";
    EXPECT_EQ(json_at(text, "/files/0/detail"), "d");
    EXPECT_EQ(json_at(text, "/files/0/other/face_id"), "x-1");
    for (const char* none : {"/files/0/n", "/files/1/detail", "/files", "/no", "no", ""}) {
        EXPECT_EQ(json_at(text, none), "") << none;
    }
    EXPECT_EQ(json_at("half a te", "/files"), "");
}

TEST(json_text, numbers_and_elements_are_found_by_their_pointer) {
    using vultus::ctl::json_items;
    using vultus::ctl::json_number_at;
    const char* text = R"({"total":7,"less":-1,"part":1.5,"faces":[{"id":"a"},3,"x"],"none":[]})";
    EXPECT_EQ(json_number_at(text, "/total"), 7U);
    for (const char* none : {"/less", "/part", "/faces", "/no"}) {
        EXPECT_EQ(json_number_at(text, none), std::nullopt) << none;
    }
    EXPECT_EQ(json_items(text, "/faces"),
              (std::vector<std::string>{R"({"id":"a"})", "3", "\"x\""}));
    EXPECT_EQ(json_items(text, "/none"), std::vector<std::string>());
    EXPECT_EQ(json_items(text, "/total"), std::nullopt);
    EXPECT_EQ(json_items("{\"faces\":[", "/faces"), std::nullopt);
}
