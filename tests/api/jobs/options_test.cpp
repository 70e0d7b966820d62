// Queries, pages and the options of a submission: ranges, names, defaults.
#include "api/jobs/options.hpp"

#include <gtest/gtest.h>

#include "api/live/live_options.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/page_token.hpp"

namespace vultus::api {
namespace {

TEST(query, reads_names_and_values) {
    const auto query = parse_query("k=3&name=J%C3%BCrgen+K&annotate", "k name annotate");
    ASSERT_TRUE(query);
    EXPECT_EQ(*query, (name_values{{"k", "3"}, {"name", "J\xC3\xBCrgen K"}, {"annotate", ""}}));
}

TEST(query, refuses_what_it_does_not_know_or_has_twice) {
    EXPECT_EQ(parse_query("x=1", "k").error().code, errc::bad_option);
    EXPECT_EQ(parse_query("k=1&k=2", "k").error().code, errc::malformed);
    EXPECT_EQ(parse_query("k=%zz", "k").error().code, errc::malformed);
    EXPECT_EQ(parse_query("k=%00", "k").error().code, errc::malformed);
    EXPECT_TRUE(parse_query("utm=%zz", "*")->empty());
    EXPECT_TRUE(parse_query("&&", "k")->empty());
}

TEST(query, the_first_mistake_is_named) {
    const auto detail = [](std::string_view query) {
        return parse_query(query, "k label").error().detail;
    };
    EXPECT_EQ(detail("k=1&kk=2&x=%zz"),
              R"(Unknown option "kk" in the query; known options: k, label)");
    EXPECT_EQ(detail("k=1&k=2"), R"("k" occurs twice in the query)");
    EXPECT_EQ(detail("label=%zz"),
              "label in the query: percent escape is not two hexadecimal digits");
    EXPECT_EQ(detail("label=%ff"), "label in the query: not UTF-8");
    EXPECT_EQ(detail("%ff=1"), R"(Unknown option "%ff" in the query; known options: k, label)");
    EXPECT_EQ(parse_query("a=1", "").error().detail,
              R"(Unknown option "a" in the query; it takes no options)");
    EXPECT_EQ(parse_query("a=1", "b", "the form").error().detail,
              R"(Unknown option "a" in the form; known options: b)");
}

TEST(query, what_is_quoted_is_short_and_whole_characters) {
    EXPECT_EQ(in_quotes("a\"\n"), R"("a\"\u000a")");
    EXPECT_EQ(in_quotes(std::string(40, 'x')), "\"" + std::string(40, 'x') + "\"");
    EXPECT_EQ(in_quotes(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
    EXPECT_EQ(in_quotes(std::string(39, 'x') + "\xC3\xBC"), "\"" + std::string(39, 'x') + "...\"");
}

TEST(query, a_page_token_is_one_that_was_given) {
    EXPECT_EQ(parse_page({{"page_token", page_token("17 x")}})->token, "17 x");
    for (const auto* bad : {"", "17 x", "Ada", "a+b"}) {
        EXPECT_EQ(parse_page({{"page_token", bad}}).error().code, errc::bad_option) << bad;
    }
}

TEST(query, page_size_is_bounded) {
    EXPECT_EQ(parse_page({})->size, 100u);
    EXPECT_EQ(parse_page({{"page_size", "1"}})->size, 1u);
    EXPECT_EQ(parse_page({{"page_size", "1000"}})->size, 1000u);
    for (const auto* bad : {"0", "1001", "-1", "", "1x", "99999999999999999999"}) {
        EXPECT_EQ(parse_page({{"page_size", bad}}).error().code, errc::bad_option) << bad;
    }
}

TEST(options, defaults_of_recognize) {
    const auto read = parse_options(job_type::recognize, {});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->collection, "default");
    EXPECT_EQ(read->options, job_options{});
    EXPECT_TRUE(read->durable);
    EXPECT_EQ(to_json(read->options),
              R"({"min_face_px":40,"distance_max":0,"k":0,"annotate":false,)"
              R"("embeddings":false,"num_jitters":1})");
}

TEST(options, the_default_detector_is_the_services_and_not_stored) {
    for (const auto type : {job_type::recognize, job_type::train}) {
        name_values fields{{"detector", "default"}};
        if (type == job_type::train) fields["name"] = "Ada";
        const auto read = parse_options(type, fields);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->options.detector, "");
    }
    const auto turned = parse_options(job_type::recognize, {{"rotate", "true"}});
    ASSERT_TRUE(turned) << "the default decides, which is not known here";
    EXPECT_TRUE(check_rotate(turned->options, "centerface"));
    EXPECT_TRUE(check_rotate(turned->options, ""));
    EXPECT_EQ(check_rotate(turned->options, "hog").error().detail,
              "rotate requires detector=centerface or detector=yunet; the default of this service "
              "is hog");
    EXPECT_TRUE(check_rotate(job_options{}, "hog"));
}

TEST(options, everything_of_recognize) {
    const auto read = parse_options(job_type::recognize, {{"collection", "team-1"},
                                                          {"k", "100"},
                                                          {"distance_max", "0.6"},
                                                          {"min_face_px", "10"},
                                                          {"detector", "cnn"},
                                                          {"annotate", "1"},
                                                          {"embeddings", "true"},
                                                          {"durable", "true"}});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->collection, "team-1");
    job_options wanted;
    wanted.k = 100;
    wanted.distance_max = 0.6;
    wanted.min_face_px = 10;
    wanted.detector = "cnn";
    wanted.annotate = wanted.embeddings = true;
    EXPECT_EQ(read->options, wanted);
}

TEST(options, ranges_and_kinds) {
    const std::pair<const char*, const char*> cases[] = {
        {"k", "0"},
        {"k", "101"},
        {"k", "1.5"},
        {"k", ""},
        {"k", "+1"},
        {"distance_max", "0"},
        {"distance_max", "2.1"},
        {"distance_max", "nan"},
        {"distance_max", "inf"},
        {"distance_max", "-1"},
        {"similarity_min", "0"},
        {"similarity_min", "0.009"},
        {"similarity_min", "0.991"},
        {"similarity_min", "1"},
        {"similarity_min", "nan"},
        {"similarity_min", "high"},
        {"min_face_px", "9"},
        {"min_face_px", "2001"},
        {"detector", "HOG"},
        {"rotate", "90"},
        {"annotate", "maybe"},
        {"embeddings", ""},
        {"durable", "2"},
        {"num_jitters", "1"},
        {"name", "ada"},
        {"nonsense", "1"},
    };
    for (const auto& [name, value] : cases) {
        const auto read = parse_options(job_type::recognize, {{name, value}});
        ASSERT_FALSE(read) << name << "=" << value;
        EXPECT_EQ(read.error().code, errc::bad_option) << name << "=" << value;
        EXPECT_NE(read.error().detail.find(name), std::string::npos) << read.error().detail;
    }
    EXPECT_TRUE(parse_options(job_type::recognize, {{"distance_max", "2"}}));
    EXPECT_TRUE(parse_options(job_type::recognize, {{"similarity_min", "0.01"}}));
    EXPECT_TRUE(parse_options(job_type::recognize, {{"similarity_min", "0.99"}}));
    EXPECT_TRUE(parse_options(job_type::recognize, {{"k", "1"}}));
    EXPECT_TRUE(parse_options(job_type::recognize, {{"min_face_px", "2000"}}));
    EXPECT_EQ(parse_options(job_type::recognize, {{"collection", "a:b"}}).error().code,
              errc::bad_collection);
}

TEST(options, four_detectors_of_which_two_turn_pictures) {
    for (const std::string name : {"hog", "cnn", "centerface", "yunet"}) {
        EXPECT_EQ(
            parse_options(job_type::train, {{"name", "a"}, {"detector", name}})->options.detector,
            name);
        const auto turned =
            parse_options(job_type::recognize, {{"detector", name}, {"rotate", "true"}});
        EXPECT_EQ(turned.has_value(), name == "centerface" || name == "yunet") << name;
        EXPECT_TRUE(parse_options(job_type::recognize, {{"detector", name}, {"rotate", "no"}}));
    }
    EXPECT_EQ(parse_options(job_type::recognize, {{"detector", "yolo"}}).error().detail,
              "detector must be hog, cnn, centerface or yunet, not \"yolo\"");
    const auto turned =
        parse_options(job_type::recognize, {{"detector", "yunet"}, {"rotate", "true"}});
    EXPECT_NE(to_json(turned->options).find(R"("num_jitters":1,"rotate":true})"),
              std::string::npos);
}

TEST(options, a_similarity_instead_of_a_distance) {
    const auto read = parse_options(job_type::recognize, {{"similarity_min", "0.75"}});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->options.similarity_min, 0.75);
    EXPECT_EQ(to_json(read->options),
              R"({"min_face_px":40,"distance_max":0,"similarity_min":0.75,"k":0,)"
              R"("annotate":false,"embeddings":false,"num_jitters":1})");
    EXPECT_EQ(
        parse_options(job_type::recognize, {{"similarity_min", "0.5"}, {"distance_max", "0.5"}})
            .error()
            .detail,
        "distance_max and similarity_min exclude each other");
    EXPECT_NE(parse_options(job_type::recognize, {{"similarity_min", "2"}})
                  .error()
                  .detail.find("from 0.01 to 0.99"),
              std::string::npos);
    EXPECT_FALSE(parse_options(job_type::train, {{"name", "Ada"}, {"similarity_min", "0.5"}}));
}

TEST(options, yes_and_no_as_languages_and_forms_write_them) {
    for (const auto* yes : {"true", "True", "TRUE", "1", "yes", "on"}) {
        EXPECT_TRUE(parse_options(job_type::recognize, {{"embeddings", yes}})->options.embeddings);
    }
    for (const auto* no : {"false", "False", "0", "no", "off"}) {
        EXPECT_FALSE(parse_options(job_type::recognize, {{"durable", no}})->durable) << no;
    }
}

TEST(options, a_train_says_whom_it_teaches) {
    const auto by_id = parse_options(job_type::train, {{"person_id", "hr/2"}});
    ASSERT_TRUE(by_id) << "an id is enough";
    EXPECT_EQ(by_id->person.person_id, "hr/2");
    const auto made = parse_options(
        job_type::train, {{"name", "Ada"}, {"new_person", "true"}, {"external_id", "crm 1"}});
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->person.is_new);
    EXPECT_EQ(made->person.external_id, "crm 1");
    for (const auto& [name, value] : name_values{{"person_id", "a b"},
                                                 {"person_id", ""},
                                                 {"external_id", "a\n"},
                                                 {"new_person", "perhaps"}}) {
        const auto bad = parse_options(job_type::train, {{"name", "Ada"}, {name, value}});
        ASSERT_FALSE(bad) << name;
        EXPECT_EQ(bad.error().code, errc::bad_option);
    }
    EXPECT_FALSE(parse_options(job_type::recognize, {{"person_id", "hr/2"}}));
    EXPECT_EQ(to_json(by_id->options).find("person_ids"), std::string::npos)
        << "of no effect on what a repeated request is compared with";
}

TEST(options, an_unknown_one_is_named_with_those_that_are_known) {
    EXPECT_EQ(parse_options(job_type::train, {{"name", "a"}, {"k", "1"}}).error().detail,
              "Unknown option \"k\" in train; known options: collection, name, person_id, "
              "external_id, new_person, num_jitters, "
              "quality, min_face_px, upsample, detector, rotate, embeddings, model, url, "
              "urls");
    EXPECT_NE(changed({}, {{"annotate", "true"}}).error().detail.find("\"annotate\""),
              std::string::npos);
}

TEST(options, the_quality_gate_of_a_train_has_three_levels) {
    const auto train = [](const char* level) {
        return parse_options(job_type::train, {{"name", "a"}, {"quality", level}});
    };
    EXPECT_EQ(train("off")->options, job_options{});
    EXPECT_EQ(to_json(train("off")->options).find("quality"), std::string::npos)
        << "older workers would not know it";
    EXPECT_EQ(train("standard")->options.quality, quality_gate::standard);
    EXPECT_NE(to_json(train("strict")->options).find(R"("num_jitters":1,"quality":"strict"})"),
              std::string::npos);
    for (const char* bad : {"", "high", "Strict", "true", "1"}) {
        const auto read = train(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, errc::bad_option);
        EXPECT_EQ(read.error().detail.find("quality must be off, standard or strict, not \""), 0u)
            << read.error().detail;
    }
    EXPECT_EQ(parse_options(job_type::recognize, {{"quality", "strict"}}).error().code,
              errc::bad_option);
}

TEST(options, nothing_is_annotated_without_storage) {
    EXPECT_TRUE(parse_options(job_type::recognize, {{"durable", "false"}}));
    const auto both = parse_options(job_type::recognize, {{"durable", "false"}, {"annotate", "1"}});
    EXPECT_EQ(both.error().code, errc::bad_option);
}

TEST(options, train_wants_a_good_name) {
    EXPECT_EQ(parse_options(job_type::train, {{"name", "a/b:{*}\xF0\x9F\x98\x80"}})->label,
              "a/b:{*}\xF0\x9F\x98\x80");
    EXPECT_TRUE(parse_options(job_type::train, {{"name", std::string(199, 'a')}}));
    EXPECT_TRUE(parse_options(job_type::train, {{"name", std::string(200, 'a')}}));
    for (const auto& bad : {std::string(), std::string(201, 'a'), std::string("a\nb"),
                            std::string("\xff"), std::string(".."), std::string("\xE2\x80\xAE")}) {
        EXPECT_EQ(parse_options(job_type::train, {{"name", bad}}).error().code, errc::bad_label);
    }
    EXPECT_EQ(parse_options(job_type::train, {}).error().code, errc::bad_label);
    EXPECT_EQ(parse_options(job_type::train, {{"name", "a"}, {"k", "1"}}).error().code,
              errc::bad_option);
}

}  // namespace
}  // namespace vultus::api
