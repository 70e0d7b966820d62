// Valid variants of requests are accepted, and errors name what is wrong: over a real socket, on
// every route, with each kind of mistake in query, form, JSON and fields.
#include <gtest/gtest.h>

#include "api/http/routes.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/page_token.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/submission_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

class manners : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { shared_ = new running_api; }
    static void TearDownTestSuite() { delete std::exchange(shared_, nullptr); }
    static running_api& api() { return *shared_; }
    static running_api* shared_;
};
running_api* manners::shared_ = nullptr;

const std::string form_type = "Content-Type: multipart/form-data; boundary=b\r\n";
const std::string json_type = "Content-Type: application/json\r\n";
const std::string url_type = "Content-Type: application/x-www-form-urlencoded\r\n";
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(const std::string& bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t j = i; j < i + 3; ++j) {
            bits = bits << 8U | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
        }
        for (unsigned shift = 24; shift >= 6; shift -= 6) {
            text += digits[bits >> (shift - 6) & 63U];
        }
    }
    for (std::size_t i = 0; i < (3 - bytes.size() % 3) % 3; ++i) text[text.size() - 1 - i] = '=';
    return text;
}

std::string part(const std::string& disposition, const std::string& body,
                 const std::string& more = "") {
    return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n" + more + "\r\n" + body +
           "\r\n";
}

/// Whether the problem's detail has the name in quotes.
::testing::AssertionResult names(const answer& told, const std::string& name) {
    if (told.body.find("\\\"" + name + "\\\"") != std::string::npos) {
        return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << told.status << " " << told.body;
}

TEST_F(manners, a_photo_in_any_field_in_which_photos_are_sent) {
    for (const std::string field : {"file", "files", "files[]", "image", "images[]", "image1",
                                    "photo", "Photo", "picture", "upload"}) {
        for (const std::string file : {"; filename=\"a.png\"", ""}) {
            const auto body = part("name=\"" + field + "\"" + file, png()) + "--b--\r\n";
            const auto told = api().call("POST", "/api/recognize", body, form_type);
            EXPECT_EQ(told.status, 202) << field << file << told.body;
        }
    }
    // A file is a photo in whatever field it comes; so is what says that it is a picture.
    const auto avatar = part("name=\"avatar\"; filename=\"a.png\"", png()) + "--b--\r\n";
    EXPECT_EQ(api().call("POST", "/api/recognize", avatar, form_type).status, 202);
    const auto typed = part("name=\"x\"", png(), "Content-Type: image/png\r\n") + "--b--\r\n";
    EXPECT_EQ(api().call("POST", "/api/recognize", typed, form_type).status, 202);
    const auto large = part("name=\"image\"", png() + std::string(100'000, 'x')) + "--b--\r\n";
    EXPECT_NE(api().call("POST", "/api/recognize", large, form_type).status, 413);
}

TEST_F(manners, a_photo_that_is_none_is_refused_by_its_field_or_number) {
    const auto path = part("name=\"image\"", "party.jpg") + "--b--\r\n";
    const auto told = api().call("POST", "/api/recognize", path, form_type);
    EXPECT_EQ(told.status, 415);
    EXPECT_TRUE(names(told, "image"));
    const auto canvas =
        part("name=\"image\"", "data:image/png;base64," + base64(png())) + "--b--\r\n";
    EXPECT_EQ(api().call("POST", "/api/recognize", canvas, form_type).status, 202);
    const auto blob =
        part("name=\"file\"; filename=\"a.png\"", png()) +
        part("name=\"meta\"; filename=\"blob\"", "{}", "Content-Type: application/json\r\n") +
        "--b--\r\n";
    EXPECT_TRUE(names(api().call("POST", "/api/recognize", blob, form_type), "meta"));
    const auto both = part("name=\"file\"; filename=\"a\"", "one") +
                      part("name=\"file\"; filename=\"b\"", "two") + part("name=\"name\"", "Ada") +
                      "--b--\r\n";
    const auto bad = api().call("POST", "/api/train", both, form_type);
    EXPECT_EQ(bad.status, 415);
    EXPECT_NE(bad.body.find("Photo 1: "), std::string::npos) << bad.body;
}

TEST_F(manners, an_option_with_a_file_name_is_an_option) {
    const auto body = part("name=\"file\"; filename=\"a.png\"", png()) +
                      part("name=\"name\"; filename=\"blob\"", "Ada") + "--b--\r\n";
    const auto told = api().call("POST", "/api/train", body, form_type);
    EXPECT_EQ(told.status, 202) << told.body;
    EXPECT_EQ(member(told.body, "label"), "Ada");
}

TEST_F(manners, file_names_in_any_encoding) {
    for (const std::string name :
         {"caf\xe9.jpg", "\x8e\x8a\x90\x5e.jpg", "\x97\x5c\x95\x5c", "\xff\xfe"}) {
        const auto body = part("name=\"file\"; filename=\"" + name + "\"", png()) + "--b--\r\n";
        const auto told = api().call("POST", "/api/recognize", body, form_type);
        EXPECT_EQ(told.status, 202) << told.body;
    }
}

TEST_F(manners, a_field_is_refused_by_its_name) {
    const auto photo = part("name=\"file\"; filename=\"a.png\"", png());
    const auto ask = [&](const std::string& field) {
        return api().call("POST", "/api/train", photo + field + "--b--\r\n", form_type);
    };
    const auto unknown = ask(part("name=\"naem\"", "Ada"));
    EXPECT_EQ(unknown.status, 400);
    EXPECT_TRUE(names(unknown, "naem"));
    EXPECT_EQ(unknown.body.find("known options: collection, name") == std::string::npos, false);
    const auto odd = ask(part("name=\"remark\"", "\xff\xfe"));
    EXPECT_TRUE(names(odd, "remark")) << "its bytes are nobody's business";
    const auto twice = ask(part("name=\"name\"", "Ada") + part("name=\"name\"", "Bob"));
    EXPECT_TRUE(names(twice, "name"));
    const auto large = ask(part("name=\"name\"", std::string(5'000, 'x')));
    EXPECT_EQ(large.status, 413);
    EXPECT_TRUE(names(large, "name"));
    const auto bytes = ask(part("name=\"collection\"", "\xff"));
    EXPECT_EQ(bytes.status, 400);
    EXPECT_TRUE(names(bytes, "collection"));
    const auto both = api().call("POST", "/api/train?name=Ada",
                                 photo + part("name=\"name\"", "Bob") + "--b--\r\n", form_type);
    EXPECT_TRUE(names(both, "name"));
}

TEST_F(manners, a_photo_in_json_as_libraries_write_it) {
    const auto good = base64(png());
    std::string lines, url = good;
    for (std::size_t i = 0; i < good.size(); i += 20) lines += good.substr(i, 20) + "\\r\\n";
    for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
    url.resize(std::min(url.size(), url.find('=')));
    for (const auto& text : {good, lines, url, "data:image/png;base64," + good}) {
        for (const std::string start : {"", "\xEF\xBB\xBF"}) {
            const auto told = api().call("POST", "/api/recognize",
                                         start + "{\"image\":\"" + text + "\"}", json_type);
            EXPECT_EQ(told.status, 202) << text << told.body;
        }
    }
    const auto typed = api().call("POST", "/api/recognize", "{\"photo\":\"" + good + "\"}",
                                  "Content-Type: application/vnd.x+json; charset=utf-8\r\n");
    EXPECT_EQ(typed.status, 202) << typed.body;
    const auto two =
        api().call("POST", "/api/train",
                   "{\"name\":\"Ada\",\"images\":[\"" + good + "\",\"" + good + "\"]}", json_type);
    EXPECT_EQ(two.status, 202) << two.body;
}

TEST_F(manners, a_photo_of_no_named_type) {
    EXPECT_EQ(api().call("POST", "/api/recognize", png()).status, 202);
    const auto curl = api().call("POST", "/api/recognize", png(), url_type);
    EXPECT_EQ(curl.status, 415);
    EXPECT_TRUE(names(curl, "application/x-www-form-urlencoded"));
    EXPECT_NE(curl.field("accept").find("image/jpeg"), std::string::npos);
    EXPECT_EQ(curl.field("accept-encoding"), "") << "the coding was not the cause";
}

TEST_F(manners, a_coding_of_the_body_is_named) {
    for (const std::string coding : {"gzip", "deflate", "br", "zstd", "gzip, identity"}) {
        const auto field = "Content-Encoding: " + coding + "\r\n";
        for (const auto& [target, type] :
             {std::pair<std::string, std::string>{"/api/recognize", json_type},
              {"/api/recognize", "Content-Type: image/png\r\n"},
              {"/api/clear", url_type},
              {"/api/rename", json_type}}) {
            const auto told = api().call("POST", target, "\x1f\x8b\x08", type + field);
            EXPECT_EQ(told.status, 415) << target << coding << told.body;
            EXPECT_TRUE(names(told, coding));
            EXPECT_EQ(told.field("accept-encoding"), "identity") << "RFC 9110, 15.5.16";
            EXPECT_EQ(told.field("accept"), "");
        }
    }
    const auto plain = api().post_photo("/api/recognize", "Content-Encoding: identity\r\n");
    EXPECT_EQ(plain.status, 202) << plain.body;
    const auto hidden = api().call("POST", "/api/recognize", "\x1f\x8b\x08\x01\x02", json_type);
    EXPECT_EQ(hidden.status, 400);
    EXPECT_NE(hidden.body.find("gzip"), std::string::npos) << hidden.body;
}

/// A path of the row that is well formed; what stands in it need not be there.
std::string path_of(const route_row& row) {
    std::string path(row.pattern);
    for (auto at = path.find("{}"); at != std::string::npos; at = path.find("{}")) {
        path.replace(at, 2,
                     path.starts_with("/api/jobs") ? "00000000-0000-7000-8000-000000000000" : "x");
    }
    return path;
}

TEST_F(manners, every_route_names_the_name_that_it_does_not_know) {
    for (const auto& row : route_table()) {
        if (row.query == "*") continue;
        for (const std::string method : {"GET", "POST", "DELETE", "PATCH"}) {
            if (!allows(row, method)) continue;
            const auto path = path_of(row);
            const auto told = api().call(method, path + "?colection=x&%zz");
            EXPECT_EQ(told.status, 400) << method << path;
            EXPECT_TRUE(names(told, "colection")) << method << path;
            const auto first = std::string(row.query.substr(0, row.query.find(' ')));
            if (first.empty()) continue;
            EXPECT_TRUE(
                names(api().call(method, path + "?" + first + "=1&" + first + "=2"), first));
            const auto bytes = api().call(method, path + "?" + first + "=%ff");
            EXPECT_EQ(bytes.status, 400);
            EXPECT_NE(bytes.body.find(first + " in the query"), std::string::npos) << bytes.body;
        }
    }
}

TEST_F(manners, every_small_form_names_what_it_does_not_take) {
    const std::vector<std::pair<std::string, std::string>> calls{
        {"POST", "/api/clear"},   {"POST", "/api/rename"},
        {"POST", "/api/merge"},   {"POST", "/api/calibrate"},
        {"POST", "/api/faces"},   {"DELETE", "/api/faces/x"},
        {"DELETE", "/api/faces"}, {"POST", "/api/collections/x/retention"}};
    for (const auto& [method, target] : calls) {
        const auto ask = [&, &method = method, &target = target](const std::string& body,
                                                                 const std::string& type) {
            const auto told = api().call(method, target, body, type);
            EXPECT_EQ(told.status, 400) << method << target << told.body;
            return told;
        };
        EXPECT_TRUE(names(ask("colection=x", url_type), "colection"));
        EXPECT_TRUE(names(ask("{\"colection\":{}}", json_type), "colection"));
        EXPECT_TRUE(
            names(ask(part("name=\"colection\"", "\xff") + "--b--\r\n", form_type), "colection"));
        EXPECT_TRUE(names(ask(part("name=\"image\"", "x") + "--b--\r\n", form_type), "image"));
        EXPECT_TRUE(names(ask("{\"image\":\"AQID\"}", json_type), "image"));
        EXPECT_TRUE(names(ask("x", "Content-Type: text/plain\r\n"), "text/plain"));
    }
}

TEST_F(manners, pages_go_on_by_a_word_that_needs_no_escaping) {
    const auto photo = part("name=\"file\"; filename=\"a.png\"", png());
    fake_worker worker(api().redis.address());
    const auto drop_all = [&] {  // what the tests before left in the queue
        for (auto page = api().get("/api/jobs?state=pending&page_size=1000").body;;) {
            const auto at = page.find("\"id\":\"");
            if (at == std::string::npos) return;
            api().call("DELETE", "/api/jobs/" + page.substr(at + 6, 36));
            page = page.substr(at + 42);
        }
    };
    drop_all();
    for (const std::string name : {"a b", "c+d&e=f#", "Zo\xC3\xAB%41"}) {
        const auto told = api().call("POST", "/api/train?collection=paged",
                                     photo + part("name=\"name\"", name) + "--b--\r\n", form_type);
        ASSERT_EQ(told.status, 202) << told.body;
        worker.complete_train(worker.lease(), name);
    }
    const auto walk = [&](const std::string& target, const std::string& of) {
        std::set<std::string> seen;
        std::string token;
        for (int pages = 0; pages < 100; ++pages) {
            const auto page = api().get(target + (token.empty() ? "" : "&page_token=" + token));
            EXPECT_EQ(page.status, 200) << page.body;
            if (!member(page.body, of).empty()) seen.insert(member(page.body, of));
            token = member(page.body, "next_page_token");
            if (token.empty()) break;
            EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                              "0123456789-_"),
                      std::string::npos)
                << token;
        }
        EXPECT_TRUE(token.empty()) << "no end";
        return seen.size();
    };
    EXPECT_EQ(walk("/api/faces?collection=paged&page_size=1", "label"), 3u);
    EXPECT_EQ(walk("/api/jobs?type=train&state=succeeded&page_size=1", "id"), 3u);
    EXPECT_GE(walk("/api/collections?page_size=1", "name"), 1u);
    for (const std::string target : {"/api/faces?", "/api/jobs?", "/api/collections?"}) {
        for (const std::string token : {"", "17%20x", "17+x", "Ada"}) {
            const auto told = api().get(target + "page_token=" + token);
            EXPECT_EQ(told.status, 400) << target << token << told.body;
            EXPECT_NE(told.body.find("page_token"), std::string::npos) << told.body;
        }
    }
    EXPECT_EQ(api().get("/api/jobs?page_token=" + page_token("Ada")).status, 400)
        << "of another list: it would begin anew, for ever";
}

TEST_F(manners, a_listing_is_not_empty_while_there_is_something_behind) {
    const auto first = api().post_photo("/api/recognize");
    const auto path = first.field("location");
    ASSERT_EQ(api().call("DELETE", path).status, 200);
    redis_blocking redis(api().redis.address());
    const store_context store;
    for (int i = 0; i < 1'100; ++i) {
        new_job job;
        job.id = new_job_id(unix_now(), 0);
        job.collection = "default";
        job.options = "{}";
        job.images = {"x"};
        ASSERT_TRUE(
            redis.call(submission_store(store).accept(std::move(job), 10'000, limits::mib)));
    }
    const auto found = api().get("/api/jobs?state=cancelled&page_size=1");
    EXPECT_FALSE(member(found.body, "id").empty()) << found.body;
}

TEST_F(manners, a_value_is_refused_by_the_name_of_its_option) {
    for (const auto& [target, name] : std::vector<std::pair<std::string, std::string>>{
             {"/api/jobs?state=faild", "state"},
             {"/api/jobs?type=", "type"},
             {"/api/jobs?page_size=ten", "page_size"},
             {"/api/faces?page_size=0", "page_size"},
             {"/api/collections?page_size=1.5", "page_size"},
             {"/api/jobs/00000000-0000-7000-8000-000000000000?wait=long", "wait"}}) {
        const auto told = api().get(target);
        EXPECT_EQ(told.status, 400) << target;
        EXPECT_NE(told.body.find(name + " must be "), std::string::npos) << told.body;
    }
    const auto days = api().call("POST", "/api/collections/x/retention", "days=many", url_type);
    EXPECT_NE(days.body.find("days must be an integer"), std::string::npos) << days.body;
    const auto none = api().call("POST", "/api/collections/x/retention");
    EXPECT_NE(none.body.find("days is missing"), std::string::npos) << none.body;
}

}  // namespace
}  // namespace vultus::api::testing
