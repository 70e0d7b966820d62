// Forms as browsers, curl and Python send them, malformed forms, and the limits.
#include "api/http/multipart.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace vultus::api {
namespace {

using parts = std::vector<form_part>;

result<parts> parse(std::string_view boundary, const std::string& form) {
    return parse_multipart(boundary, form);
}

std::string with_header(const std::string& header, const std::string& body = "x") {
    return "--b\r\n" + header + "\r\n\r\n" + body + "\r\n--b--\r\n";
}

TEST(multipart, as_curl_sends_it) {
    const auto form = parse("------------------------d74496d66958873e",
                            "--------------------------d74496d66958873e\r\n"
                            "Content-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n"
                            "Content-Type: image/jpeg\r\n\r\n"
                            "\xff\xd8\r\n--\r\n\xff\xd9\r\n"
                            "--------------------------d74496d66958873e\r\n"
                            "Content-Disposition: form-data; name=\"name\"\r\n\r\n"
                            "Ada\r\n"
                            "--------------------------d74496d66958873e--\r\n");
    ASSERT_TRUE(form);
    EXPECT_EQ(*form, (parts{{"file", "a.jpg", true, "image/jpeg", "\xff\xd8\r\n--\r\n\xff\xd9"},
                            {"name", "", false, "", "Ada"}}));
}

TEST(multipart, as_python_requests_sends_it) {
    const auto form = parse("0c5ff1a3",
                            "--0c5ff1a3\r\n"
                            "Content-Disposition: form-data; name=\"name\"\r\n\r\n"
                            "J\xC3\xBCrgen\r\n--0c5ff1a3\r\n"
                            "Content-Disposition: form-data; name=\"file\"; "
                            "filename*=utf-8''%C3%BC.png\r\n\r\n"
                            "PNG\r\n--0c5ff1a3--\r\n");
    ASSERT_TRUE(form);
    EXPECT_EQ(form->at(0).body, "J\xC3\xBCrgen");
    EXPECT_EQ(form->at(1).filename, "\xC3\xBC.png");
    EXPECT_TRUE(form->at(1).has_filename);
}

TEST(multipart, as_browsers_send_it) {
    const auto form = parse("----WebKitFormBoundaryX",
                            "------WebKitFormBoundaryX\r\n"
                            "Content-Disposition: form-data; name=\"file\"; "
                            "filename=\"a%22b;\\\"c.jpg\"\r\n"
                            "Content-Type: image/jpeg\r\n\r\n\r\n"
                            "------WebKitFormBoundaryX--");
    ASSERT_TRUE(form);
    EXPECT_EQ(*form, (parts{{"file", "a\"b;\"c.jpg", true, "image/jpeg", ""}}));
    const auto path = parse("b", with_header("Content-Disposition: form-data; name=\"file\"; "
                                             "filename=\"C:\\dir\\a.jpg\""));
    ASSERT_TRUE(path);
    EXPECT_EQ(path->at(0).filename, "C:\\dir\\a.jpg");
}

TEST(multipart, odd_but_allowed) {
    const auto form = parse("b",
                            "preamble\r\n--b \t\r\ncontent-disposition:form-data;name=a\r\n"
                            "X-Other: 1\r\nContent-Transfer-Encoding: binary\r\n\r\n"
                            "\r\n--c\r\n\r\n--b--epilogue");
    ASSERT_TRUE(form);
    EXPECT_EQ(*form, (parts{{"a", "", false, "", "\r\n--c\r\n"}}));
    EXPECT_TRUE(parse("b", "--b--")->empty());
    // The delimiter right after the empty line: an empty body.
    const auto none = parse("b", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--");
    ASSERT_TRUE(none);
    EXPECT_EQ(none->at(0).body, "");
}

TEST(multipart, malformed) {
    const std::string part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx";
    for (const auto& bad : {
             std::string(""),
             std::string("no boundary at all"),
             part,
             part + "\r\n--b",
             part + "\r\n--b-",
             part + "\r\n--c--",
             std::string("--b\r\n\r\nx\r\n--b--"),
             std::string("--bx\r\n\r\nx\r\n--b--"),
             with_header("Content-Type: text/plain"),
             with_header("Content-Disposition: attachment; name=a"),
             with_header("Content-Disposition: form-data; name=\"a"),
             with_header("Content-Disposition: form-data; junk"),
             with_header("Content-Disposition: form-data; name=a\nX: y"),
             with_header("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed"),
             with_header("Content-Disposition: form-data; name=a\r\n"
                         "Content-Transfer-Encoding: base64"),
             with_header("Content-Disposition: form-data; name=a\r\n"
                         "Content-Disposition: form-data; name=b"),
         }) {
        const auto form = parse("b", bad);
        ASSERT_FALSE(form) << bad;
        EXPECT_EQ(form.error().code, errc::malformed) << bad;
    }
}

TEST(multipart, what_is_not_needed_is_not_judged) {
    const std::string file = "Content-Disposition: form-data; name=\"file\"; filename";
    for (const auto& header : {
             file + "=\"caf\xe9.jpg\"",           // Latin-1
             file + "=\"\x8e\x8a\x90\x5e.jpg\"",  // Shift-JIS
             file + "=\"\x97\x5c\x95\x5c\"",      // Shift-JIS, a backslash before the quote
             file + "=\"\xff\xfe\"",
             file + "=a b.jpg",
             file + "=\"a.jpg\"; junk",
             file + "=\"not ended.jpg",
             file + "*=utf-8''%zz",
             file + "*=latin1''x",
             file + "=\"a.jpg\"\r\nno colon in this line",
             file + "=\"a.jpg\"\r\n: no name",
             file + "=\"a.jpg\"\r\nX-Odd: \xff\xfe",
             file + "=\"a.jpg\"\r\nContent-Type: nonsense",
             "Content-Type: image/jpeg\r\n" + file + "=\"a.jpg\"",
             std::string("Content-Disposition: form-data;\r\n name=\"file\";\r\n\tfilename=\"a\""),
         }) {
        const auto form = parse("b", with_header(header));
        ASSERT_TRUE(form) << header << ": " << form.error().detail;
        ASSERT_EQ(form->size(), 1u) << header;
        EXPECT_EQ(form->at(0).name, "file") << header;
        EXPECT_EQ(form->at(0).body, "x") << header;
    }
    const auto odd = parse("b", with_header("Content-Disposition: form-data; name=\"\xff\""));
    ASSERT_TRUE(odd) << "whoever takes the form knows no field of that name";
    EXPECT_EQ(odd->at(0).name, "\xff");
}

TEST(multipart, what_is_wrong_is_said) {
    const auto detail = [](std::string_view boundary, const std::string& body) {
        return parse(boundary, body).error().detail;
    };
    EXPECT_NE(detail("", "x").find("boundary"), std::string::npos);
    EXPECT_NE(detail("b", "--c\r\n").find("boundary"), std::string::npos);
    EXPECT_NE(detail("b", "--b\nContent-Disposition: form-data; name=a\n\nx\n--b--").find("CR LF"),
              std::string::npos);
    EXPECT_NE(detail("b", with_header("Content-Disposition: form-data; name=a\r\n"
                                      "Content-Transfer-Encoding: base64"))
                  .find("\"base64\""),
              std::string::npos);
}

TEST(multipart, a_large_body_ends_at_its_delimiter) {
    const std::string head = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n";
    for (std::size_t before = 65'536 - 12; before <= 65'536 + 2; ++before) {
        const std::string first(before - head.size(), 'x');
        const auto form = parse("b", head + first + "\r\n" + head + "y\r\n--b--");
        ASSERT_TRUE(form) << before;
        ASSERT_EQ(form->size(), 2u) << before;
        EXPECT_EQ(form->at(0).body, first);
        EXPECT_EQ(form->at(1).body, "y");
    }
}

TEST(multipart, a_photo_is_a_view_of_the_form_and_keeps_it) {
    auto form = std::make_unique<shared_bytes>(
        with_header("Content-Disposition: form-data; name=a", std::string(100'000, 'x')));
    const char* const from = form->data();
    const std::size_t size = form->size();
    const auto found = parse_multipart("b", *form);
    ASSERT_TRUE(found);
    form.reset();
    const shared_bytes& body = found->at(0).body;
    EXPECT_GE(body.data(), from);
    EXPECT_LE(body.data() + body.size(), from + size);
    EXPECT_EQ(body.view(), std::string(100'000, 'x'));
    EXPECT_EQ(body.owner().use_count(), 1) << "nothing else keeps the form";
}

TEST(multipart, a_form_of_half_delimiters_takes_linear_time) {
    const std::string boundary(70, '-');
    std::string form = "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\n";
    const std::string nearly = "\r\n--" + std::string(69, '-') + "x";
    while (form.size() < limits::body_bytes) form += nearly;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(parse(boundary, form));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(multipart, boundary_rule) {
    const auto body = [](const std::string& b) { return "--" + b + "--"; };
    for (const std::size_t size : {69u, 70u}) {
        const std::string boundary(size, 'a');
        EXPECT_TRUE(parse(boundary, body(boundary)));
    }
    for (const auto& bad :
         {std::string(71, 'a'), std::string(), std::string("a "), std::string("a\nb")}) {
        EXPECT_FALSE(parse(bad, body(bad)));
    }
}

TEST(multipart, number_of_parts) {
    const auto form = [](std::size_t n) {
        std::string body;
        for (std::size_t i = 0; i < n; ++i) {
            body += "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
        }
        return body + "--b--";
    };
    EXPECT_EQ(parse("b", form(limits::multipart_parts - 1))->size(), limits::multipart_parts - 1);
    EXPECT_EQ(parse("b", form(limits::multipart_parts))->size(), limits::multipart_parts);
    EXPECT_EQ(parse("b", form(limits::multipart_parts + 1)).error().code, errc::too_large);
    EXPECT_EQ(parse("b", form(10'000)).error().code, errc::too_large);
}

TEST(multipart, header_length) {
    const std::string start = "\r\nContent-Disposition: form-data; name=a\r\nX: ";
    const auto form = [&](std::size_t size) {
        return "--b" + start + std::string(size - start.size(), 'x') + "\r\n\r\n\r\n--b--";
    };
    EXPECT_TRUE(parse("b", form(limits::multipart_header_bytes - 1)));
    EXPECT_TRUE(parse("b", form(limits::multipart_header_bytes)));
    EXPECT_EQ(parse("b", form(limits::multipart_header_bytes + 1)).error().code, errc::too_large);
}

TEST(multipart, at_most_64_spaces_follow_a_boundary) {
    const std::string rest = "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n";
    for (const std::size_t spaces : {0u, 1u, 63u, 64u, 65u}) {
        const auto found = parse("b", "--b" + std::string(spaces, ' ') + rest);
        EXPECT_EQ(found.has_value(), spaces <= 64) << spaces;
    }
}

}  // namespace
}  // namespace vultus::api
