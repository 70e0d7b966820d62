// What the surfaces of other services are made of: ids, similarities, forms, JSON, routes, and the
// answers of a server that requests are handed on to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "api/compat/common/measures.hpp"
#include "api/compat/common/native.hpp"
#include "api/compat/common/upstream.hpp"
#include "api/compat/compreface/empty_subjects.hpp"
#include "api/compat/compreface/image_id.hpp"
#include "api/compat/compreface/input.hpp"
#include "api/compat/immich/calls.hpp"
#include "shared/base/ids.hpp"

namespace vultus::api::compat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(image_id, goes_there_and_back_for_every_photo_of_a_train) {
    std::set<std::string> ids;
    for (int job = 0; job < 20; ++job) {
        const auto id = new_job_id(unix_now(), 0);
        for (int n = 0; n < 16; ++n) {
            const auto face = id + "-" + std::to_string(n);
            const auto made = image_id_of(face);
            ASSERT_TRUE(made) << face;
            EXPECT_TRUE(is_uuid(*made)) << *made;
            EXPECT_EQ(face_id_of(*made), face);
            ids.insert(*made);
        }
        EXPECT_EQ(image_id_of(id + "-0"), id);
    }
    EXPECT_EQ(ids.size(), 20u * 16);
}

TEST(image_id, of_what_is_none_is_none) {
    const std::string id = "01a22d48-b913-7000-9efb-e88c77ab7414";
    for (const std::string& face :
         std::vector<std::string>{"", id, id + "-", id + "-16", id + "-99", id + "-01", id + "-x",
                                  id + "-1x", id + "-100", "x" + id.substr(1) + "-0"}) {
        EXPECT_FALSE(image_id_of(face)) << face;
    }
    for (const char* uuid :
         {"", "1-2", "01a22d48-b913-7000-7efb-e88c77ab7414", "01a22d48-b913-7000-9efb-e88c77ab741",
          "01a22d48b91370009efbe88c77ab7414"}) {
        EXPECT_FALSE(face_id_of(uuid)) << uuid;
    }
    EXPECT_EQ(face_id_of("01A22D48-B913-8000-9EFB-E88C77AB7414"), id + "-1");
}

TEST(similarity, is_half_at_the_services_own_distance) {
    EXPECT_NEAR(logistic_similarity(0.38, 0.38), 0.5, 1e-9);
    EXPECT_NEAR(logistic_similarity(0.30, 0.38), 0.95, 0.01);
    EXPECT_NEAR(logistic_similarity(0.45, 0.38), 0.07, 0.01);
    EXPECT_NEAR(logistic_similarity(0.38, 0.38, 0.7082), 0.67, 0.001);
    EXPECT_GT(logistic_similarity(0.38 * 0.999, 0.38, 0.7082), 0.67);
    EXPECT_EQ(logistic_similarity(1, 0), 0);
    EXPECT_EQ(rounded(0.123455), 0.12346);
}

TEST(similarity, of_vectors_that_cannot_be_compared_is_none) {
    EXPECT_EQ(logistic_similarity(distance_between({}, {}), 1), 0);
    EXPECT_EQ(logistic_similarity(distance_between({1}, {1, 2}), 1), 0);
    EXPECT_NEAR(distance_between({0, 3}, {4, 0}), 5, 1e-9);
}

TEST(probability, of_a_score_without_an_end_is_between_0_and_1) {
    EXPECT_NEAR(probability_of(0, "hog"), 0.7, 0.001);
    EXPECT_GT(probability_of(1, "hog"), 0.9);
    EXPECT_LE(probability_of(50, "cnn"), 1);
    EXPECT_EQ(probability_of(0.8, "centerface"), 0.8);
    EXPECT_EQ(probability_of(1.8, "yunet"), 1);
}

TEST(json_value, holds_what_nobody_knows) {
    const auto read = parse_json(R"({"a":null,"b":[1,2.5],"c":["x",1],"d":{"e":true}})");
    ASSERT_TRUE(read);
    EXPECT_THAT(read->find("b")->numbers, ElementsAre(1, 2.5));
    EXPECT_EQ(read->find("c")->items[0].text, "x");
    EXPECT_TRUE(read->find("d")->find("e")->truth);
    EXPECT_EQ(read->find("x"), nullptr);
    EXPECT_FALSE(parse_json("{"));
    EXPECT_FALSE(parse_json("[[[[[[[[[[1]]]]]]]]]]"));
    std::string many = "{";
    for (int i = 0; i < 70; ++i) many += "\"k" + std::to_string(i) + "\":1,";
    EXPECT_FALSE(parse_json(many + "\"z\":1}"));
    const auto list = [](std::ptrdiff_t values) {
        std::string text = "[1";
        for (std::ptrdiff_t i = 1; i < values; ++i) text += ",1";
        return text + "]";
    };
    EXPECT_TRUE(parse_body(list(json_values_max)));
    EXPECT_EQ(parse_body(list(json_values_max + 1)).error().code, errc::too_large);
    EXPECT_EQ(json_list({0.5, 1, -2}), "[0.5,1,-2]");
}

TEST(lenient_query, takes_what_the_original_takes) {
    const auto read = lenient_query("/p?&limit=&a=1&a=2&b&c=%C3%AB+x");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->at("limit"), "");
    EXPECT_EQ(read->at("a"), "1");
    EXPECT_EQ(read->at("c"), "\xC3\xAB x");
    EXPECT_EQ(read->size(), 4u);
    EXPECT_FALSE(lenient_query("/p?a=%zz"));
    EXPECT_TRUE(lenient_query("/p")->empty());
}

request with_form(const std::string& parts) {
    request made;
    made.fields = {{"Content-Type", "multipart/form-data; boundary=b"}};
    made.body = shared_bytes(parts + "--b--\r\n");
    return made;
}

std::string part(const std::string& head, const std::string& body) {
    return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
}

TEST(form, has_files_under_any_name_and_fields) {
    const auto read =
        read_form(with_form(part("name=\"x\"; filename=\"a\"", "1") + part("name=\"image\"", "2") +
                            part("name=\"userid\"", "Ada") + part("name=\"userid\"", "Bea")),
                  "image");
    ASSERT_TRUE(read);
    ASSERT_EQ(read->files.size(), 2u);
    EXPECT_EQ(read->fields.at("userid"), "Ada");
    EXPECT_FALSE(read_form(with_form(part("name=\"a\"", std::string(5000, 'x'))), ""));
    EXPECT_FALSE(read_form(with_form(part("name=\"a\"", "\xff")), ""));
}

TEST(form, is_handed_on_without_its_keys) {
    const auto read =
        read_form(with_form(part("name=\"api_key\"", "secret") + part("name=\"min\"", "0.4") +
                            part("name=\"image\"; filename=\"secret\"", "bytes")),
                  "image");
    ASSERT_TRUE(read);
    std::string boundary;
    const auto text = form_without(*read, "api_key admin_key", boundary);
    EXPECT_THAT(text, Not(HasSubstr("secret")));
    EXPECT_THAT(text, HasSubstr("bytes"));
    EXPECT_THAT(text, HasSubstr("0.4"));
    request again;
    again.fields = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
    again.body = shared_bytes(text);
    EXPECT_EQ(read_form(again, "")->fields.size(), 1u);
}

TEST(upstream, is_believed_only_json_that_is_whole) {
    const std::string json = "Content-Type: application/json\r\n";
    const auto good = read_upstream("HTTP/1.1 200 OK\r\n" + json + "Content-Length: 2\r\n\r\n{}");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->status, 200);
    EXPECT_EQ(good->body, "{}");
    EXPECT_EQ(read_upstream("HTTP/1.0 404 X\r\n" + json + "\r\n{}")->status, 404);
    for (const std::string& sent : std::vector<std::string>{
             "", "HTTP/1.0 200 OK", "HTTP/1.0 200 OK\r\n\r\n{}",
             "HTTP/1.0 302 OK\r\n" + json + "\r\n{}", "HTTP/1.0 x OK\r\n" + json + "\r\n{}",
             "HTTP/1.0 99\r\n" + json + "\r\n{}", "HTTP/2 200 OK\r\n" + json + "\r\n{}",
             "HTTP/1.0 200 OK\r\n" + json + "Content-Length: 3\r\n\r\n{}",
             "HTTP/1.0 200 OK\r\n" + json + "Content-Length: -1\r\n\r\n{}",
             "HTTP/1.0 200 OK\r\n" + json + "Transfer-Encoding: chunked\r\n\r\n{}",
             "HTTP/1.0 200 OK\r\n" + json + "\r\n{"}) {
        EXPECT_FALSE(read_upstream(sent)) << sent;
    }
}

TEST(immich_embedding, has_512_numbers) {
    const auto made = immich::padded(std::vector<double>(256, 0.0625));
    ASSERT_EQ(made.size(), 512u);
    EXPECT_EQ(made[255], 0.0625);
    EXPECT_EQ(made[256], 0);
}

TEST(empty_subjects, are_bounded_and_of_their_collection) {
    compreface::empty_subjects names;
    names.add("a", "Ada", 0);
    names.add("b", "Bea", 0);
    EXPECT_EQ(names.find("a", "ADA"), "Ada");
    EXPECT_EQ(names.find("b", "Ada"), "");
    EXPECT_TRUE(names.remove("a", "ada"));
    EXPECT_FALSE(names.remove("a", "ada"));
    for (std::size_t i = 0; i < names.most; ++i) names.add("a", std::to_string(i), 0);
    EXPECT_EQ(names.names("b").size(), 0u);
    EXPECT_EQ(names.clear("a"), names.most);
    names.add("a", "Ada", 0, boot_time(1));
    EXPECT_EQ(names.find("a", "Ada", boot_time(names.life)), "Ada");
    EXPECT_EQ(names.find("a", "Ada", boot_time(1) + names.life), "");
}

TEST(empty_subjects, end_with_a_removal_in_their_collection) {
    const gallery_version first = 1'000'000'000;
    compreface::empty_subjects names;
    const auto left = [&](gallery_version of, gallery_version now, gallery_version removed) {
        names.add("a", "Ada", of);
        names.add("b", "Bea", of);
        watched_gallery seen;
        seen.version = now;
        seen.removed_version = removed;
        names.drop_removed("a", seen);
        EXPECT_EQ(names.clear("b"), 1u);
        return names.clear("a");
    };
    EXPECT_EQ(left(first + 3, first + 3, first + 2), 1u);
    EXPECT_EQ(left(first + 3, first + 5, first + 2), 1u) << "only taught since";
    EXPECT_EQ(left(first + 3, first + 5, first + 4), 0u);
    EXPECT_EQ(left(first + 3, 2 * first, 0), 0u) << "cleared";
    EXPECT_EQ(left(0, 0, 0), 1u) << "there is no such collection";
    EXPECT_EQ(left(0, first + 2, 0), 1u);
    EXPECT_EQ(left(0, first + 2, first + 2), 0u);
    EXPECT_EQ(left(0, 2 * first, 0), 0u);
}

TEST(empty_subjects, know_a_name_in_each_of_its_forms) {
    compreface::empty_subjects names;
    names.add("a", "Andre\u0301", 0);
    EXPECT_EQ(names.find("a", "Andr\u00e9"), "Andr\u00e9");
    EXPECT_TRUE(names.remove("a", "Andre\u0301"));
}

TEST(compreface_options, are_read_from_what_clients_send) {
    const auto read = compreface::read_options({{"limit", ""},
                                                {"prediction_count", "1000"},
                                                {"status", "True"},
                                                {"face_plugins", " landmarks,calculator,unheard"},
                                                {"det_prob_threshold", "0.8"}});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->limit, 0u);
    EXPECT_EQ(read->predictions, 100);
    EXPECT_TRUE(read->status && read->landmarks && read->embedding);
    EXPECT_EQ(read->least, 0.8);
    for (const auto& [name, value] : {std::pair{"limit", "-1"},
                                      {"limit", "x"},
                                      {"prediction_count", "0"},
                                      {"status", "2"},
                                      {"det_prob_threshold", "-0.1"},
                                      {"det_prob_threshold", "nan"}}) {
        EXPECT_FALSE(compreface::read_options({{name, value}})) << name << value;
    }
}

TEST(surfaces, own_their_paths_only) {
    for (const auto& [path, of] : {std::pair{"/api/v1/recognition/x?a=/v1", surface::compreface},
                                   {"/v1/vision/face", surface::deepstack},
                                   {"/health", surface::nextcloud},
                                   {"/predict", surface::immich},
                                   {"/healthz/live", surface::native},
                                   {"/openapi.json", surface::native},
                                   {"/api/v1x", surface::native},
                                   {"/api/faces", surface::native},
                                   {"/", surface::native}}) {
        EXPECT_EQ(surface_of(path), of) << path;
    }
    for (const auto& row : compat_table()) {
        EXPECT_EQ(surface_of(row.pattern), row.of) << row.pattern;
        EXPECT_TRUE(row.name.starts_with(name_of(row.of))) << row.name;
    }
}

TEST(surfaces, are_there_only_while_they_are_on) {
    surface_set on;
    const std::vector<std::string> path{"api", "v1", "recognition", "recognize"};
    EXPECT_FALSE(match_path(path));
    on.add(surface::deepstack);
    EXPECT_FALSE(match_path(path, on));
    on.add(surface::compreface);
    EXPECT_EQ(match_path(path, on)->row->name, "compreface_recognize");
    EXPECT_EQ(match_path({"v1", "vision", "face"}, on)->row->name, "deepstack_detect");
    EXPECT_EQ(match_path({"v1", "vision", "face", "x"}, on)->row->name, "deepstack_other");
    EXPECT_EQ(match_path({"api", "faces"}, on)->row->to, route::faces);
    EXPECT_EQ(without_last_slash("/v1/vision/face/?a=/"), "/v1/vision/face?a=/");
    EXPECT_EQ(without_last_slash("/"), "/");
}

}  // namespace
}  // namespace vultus::api::compat
