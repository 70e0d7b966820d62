// The table of routes: which route a target has, what is refused, and how a target is decoded.
#include "api/http/routes.hpp"

#include <gtest/gtest.h>

#include "api/http/early_checks.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

result<route_match> match(std::string_view target) {
    auto parts = split_target(target);
    if (!parts) return fail(parts.error());
    return match_path(parts->segments);
}

TEST(routes, every_address_has_its_route) {
    const std::pair<const char*, route> cases[] = {
        {"/api/train", route::train},
        {"/api/recognize?k=3", route::recognize},
        {"/api/faces", route::faces},
        {"/api/faces/ada", route::label},
        {"/api/faces/ada/x-1", route::face},
        {"/api/faces/a%2Fb/x-1/picture", route::face_picture},
        {"/api/people", route::people},
        {"/api/people/crm%2F7", route::person},
        {"/api/people/p/faces", route::person_faces},
        {"/api/people/p/faces/x-1", route::person_face},
        {"/api/people/p/faces/x-1/picture", route::person_picture},
        {"/api/calibrate", route::calibrate},
        {"/api/clear", route::clear},
        {"/api/rename", route::rename},
        {"/api/merge", route::merge},
        {"/api/jobs", route::jobs},
        {"/api/jobs/1", route::job},
        {"/api/jobs/1/events", route::job_events},
        {"/api/jobs/1/image", route::job_image},
        {"/api/events", route::events},
        {"/api/collections", route::collections},
        {"/api/collections/c", route::collection},
        {"/api/status", route::status},
        {"/api/models", route::models},
        {"/api/setup", route::setup},
        {"/healthz/live", route::live},
        {"/healthz/ready", route::ready},
        {"/metrics", route::metrics},
        {"/openapi.json", route::openapi},
        {"/", route::web},
        {"/js/main.js", route::web},
    };
    for (const auto& [target, wanted] : cases) {
        const auto found = match(target);
        ASSERT_TRUE(found) << target;
        EXPECT_EQ(found->row->to, wanted) << target;
    }
}

TEST(routes, unknown_addresses_are_not_found) {
    for (const auto* target :
         {"/api", "/api/", "/api/nothing", "/api/jobs/1/x", "//", "/api//train", "/api/jobs/",
          "/a/b/c", "/api/faces/a/b/c", "/api/faces/a/b/picture/d", "/api/train/",
          "/api/people/p/x", "/api/people/p/faces/a/b"}) {
        const auto found = match(target);
        ASSERT_FALSE(found) << target;
        EXPECT_EQ(found.error().code, errc::not_found) << target;
    }
}

TEST(routes, bad_targets_are_malformed) {
    for (const std::string_view target :
         {"", "*", "api/train", "/%", "/%4", "/%zz", "/%00", "/%ff", "/%c0%af", "/%ed%a0%80"}) {
        const auto parts = split_target(target);
        ASSERT_FALSE(parts) << target;
        EXPECT_EQ(parts.error().code, errc::malformed) << target;
    }
}

TEST(routes, the_path_of_a_proxy_is_taken_off_once) {
    const auto of = [](std::string_view target) { return without_base(target, "/faces/x"); };
    EXPECT_EQ(of("/faces/x/api/jobs?a=b").target, "/api/jobs?a=b");
    EXPECT_EQ(of("/faces/x/").target, "/");
    EXPECT_EQ(of("/faces/x/faces/x/api").target, "/faces/x/api");
    for (const char* same :
         {"/api/jobs", "/", "/faces/xy/api", "/faces", "/FACES/x/api", "*", ""}) {
        EXPECT_EQ(of(same).target, same);
        EXPECT_FALSE(of(same).at_root) << same;
    }
    EXPECT_TRUE(of("/faces/x").at_root);
    EXPECT_TRUE(of("/faces/x?a=b").at_root);
    EXPECT_FALSE(without_base("/", "").at_root);
    EXPECT_EQ(without_base("/api", "").target, "/api");
}

TEST(routes, labels_are_decoded_once_and_whole) {
    const auto found = match("/api/faces/a%2Fb%252F%3A%2A%7B+%F0%9F%98%80");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->segments, std::vector<std::string>{"a/b%2F:*{+\xF0\x9F\x98\x80"});
}

TEST(routes, target_length_is_bounded) {
    const std::string at("/" + std::string(limits::target_bytes - 1, 'a'));
    EXPECT_TRUE(split_target(at));
    EXPECT_TRUE(split_target(at.substr(1).insert(0, "/").substr(0, limits::target_bytes - 1)));
    const auto over = split_target(at + "a");
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, errc::too_large);
}

TEST(routes, methods_and_allow) {
    const auto job = match("/api/jobs/1");
    EXPECT_TRUE(allows(*job->row, "GET"));
    EXPECT_TRUE(allows(*job->row, "HEAD"));
    EXPECT_TRUE(allows(*job->row, "DELETE"));
    EXPECT_FALSE(allows(*job->row, "POST"));
    EXPECT_FALSE(allows(*job->row, "GE"));
    EXPECT_EQ(allow_header(*job->row), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(allow_header(*match("/api/train")->row), "POST, OPTIONS");
    EXPECT_FALSE(allows(*match("/api/train")->row, "HEAD"));
}

}  // namespace
}  // namespace vultus::api
