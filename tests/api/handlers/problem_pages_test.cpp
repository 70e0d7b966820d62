// Every problem that the service can send has a page, under the address that is its type.
#include "api/handlers/problem_pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/problem.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<errc> all_codes() {
    std::vector<errc> codes;
    for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
        codes.push_back(static_cast<errc>(i));
    }
    return codes;
}

TEST(problem_pages, each_type_that_a_problem_has_leads_to_one) {
    for (const errc code : all_codes()) {
        const std::string name(name_of(code));
        const std::string sent = problem({code, ""}, "t").body;
        ASSERT_THAT(sent, HasSubstr("\"/problems/" + name + "\""));
        const std::string page = problem_page(name);
        EXPECT_THAT(page, HasSubstr("<code>" + name + "</code>"));
        EXPECT_THAT(page, HasSubstr("HTTP status " + std::to_string(http_status(code))));
        EXPECT_THAT(problem_page(""), HasSubstr("href=\"problems/" + name + "\""));
    }
}

TEST(problem_pages, say_what_it_means_and_what_to_do) {
    for (const errc code : all_codes()) {
        const problem_advice& about = advice_on(code);
        EXPECT_EQ(about.code, code);
        for (const std::string_view text : {about.means, about.to_do}) {
            EXPECT_GT(text.size(), 7U) << name_of(code);
            EXPECT_EQ(text.back(), '.') << name_of(code);
        }
    }
}

TEST(problem_pages, need_no_script_and_no_other_server) {
    for (const errc code : all_codes()) {
        const std::string page = problem_page(name_of(code));
        EXPECT_THAT(page, Not(HasSubstr("<script")));
        EXPECT_THAT(page, Not(HasSubstr("style=")));
        EXPECT_THAT(page, Not(HasSubstr("http:")));
        EXPECT_THAT(page, Not(HasSubstr("https:")));
    }
}

TEST(problem_pages, an_unknown_name_has_none) {
    for (const char* name : {"none", "no_face ", "NO_FACE", "<b>", "../app.js"}) {
        EXPECT_EQ(problem_page(name), "") << name;
    }
}

TEST(problem_pages, are_served) {
    running_api api;
    const auto missing = api.get("/api/nothing");
    EXPECT_EQ(member(missing.body, "type"), "/problems/not_found");
    const auto page = api.get(member(missing.body, "type"));
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.field("content-type"), "text/html; charset=utf-8");
    EXPECT_THAT(page.body, HasSubstr("What to do"));
    EXPECT_EQ(api.get("/problems").status, 200);
    EXPECT_EQ(api.get("/problems/nothing").status, 404);
    EXPECT_EQ(api.get("/problems/no_face/x").status, 404);
}

}  // namespace
}  // namespace vultus::api::testing
