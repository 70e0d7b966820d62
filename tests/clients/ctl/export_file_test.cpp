// The export file: intact files are read, all others are refused.
#include "clients/ctl/transfer/export_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;

namespace {

exported_face face(int number, std::size_t dimension = 128) {
    return {"job-" + std::to_string(number), "Ann \"x\" \xC3\xA9",
            R"({"label":"Ann \"x\" )"
            "\xC3\xA9"
            R"(","job_id":"job"})",
            std::string(dimension * 4, static_cast<char>(number))};
}

std::string written(int faces, std::size_t dimension = 128) {
    std::ostringstream to;
    export_writer writer(to, {"team", "net/mirror_unit", 1'772'443'800'120, dimension});
    for (int i = 0; i < faces; ++i) writer.add(face(i, dimension));
    EXPECT_TRUE(writer.finish());
    return to.str();
}

/// How many faces were read, or why it is refused.
std::string reading(const std::string& text) {
    std::istringstream from(text);
    auto reader = export_reader::open(from);
    if (!reader) return reader.error().detail;
    exported_face one;
    for (int faces = 0;; ++faces) {
        const auto more = reader->next(one);
        if (!more) return more.error().detail;
        if (!*more) return std::to_string(faces);
    }
}

TEST(export_file, is_read_as_it_was_written) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        std::istringstream from(written(3, dimension));
        auto reader = export_reader::open(from);
        ASSERT_TRUE(reader);
        EXPECT_EQ(reader->head().dimension, dimension);
        exported_face one;
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(reader->next(one).value());
            EXPECT_EQ(one.vector, face(i, dimension).vector);
            EXPECT_EQ(one.json, face(i).json);
        }
        EXPECT_FALSE(reader->next(one).value());
        EXPECT_EQ(reading(written(0, dimension)), "0");
    }
}

// Byte by byte what the first version of the program wrote.
TEST(export_file, of_128_floats_is_that_of_older_versions) {
    const std::string text = written(1);
    const std::string head = "vultus-export 1\nteam\nnet/mirror_unit\n1772443800120\n";
    ASSERT_TRUE(text.starts_with(head));
    const exported_face one = face(0);
    const std::string lengths{char(one.face_id.size()), char(one.label.size()),
                              char(one.json.size()), 0};
    const std::string body =
        "F" + lengths + one.face_id + one.label + one.json + one.vector + "E" + "\1";
    EXPECT_EQ(text.substr(head.size(), body.size()), body);
    EXPECT_EQ(text.size(), head.size() + body.size() + 7 + 8) << "the number, and the checksum";
}

TEST(export_file, of_other_dimensions_says_so_to_older_versions) {
    EXPECT_TRUE(written(1, 256).starts_with(
        "vultus-export 2\nteam\nnet/mirror_unit\n1772443800120\n256\nF"));
    const auto with = [](const std::string& dimension) {
        return reading("vultus-export 2\nteam\nnet\n1\n" + dimension + "\nE");
    };
    for (const char* dimension : {"0", "127", "129", "255", "257", "511", "513", "1024"}) {
        EXPECT_THAT(with(dimension), HasSubstr("as no model has")) << dimension;
    }
    for (const char* dimension : {"", "-256", "256 ", "2e2", "many"}) {
        EXPECT_THAT(with(dimension), HasSubstr("not an export")) << dimension;
    }
    EXPECT_THAT(with("256"), HasSubstr("corrupt")) << "read up to its end";
}

TEST(export_file, has_all_that_is_stored_of_a_face) {
    std::istringstream from(written(3));
    auto reader = export_reader::open(from);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->head().collection, "team");
    EXPECT_EQ(reader->head().embedding_model, "net/mirror_unit");
    EXPECT_EQ(reader->head().exported_ms, 1'772'443'800'120u);
    for (int i = 0; i < 3; ++i) {
        exported_face one;
        ASSERT_TRUE(reader->next(one).value());
        EXPECT_EQ(one.face_id, face(i).face_id);
        EXPECT_EQ(one.label, face(i).label);
        EXPECT_EQ(one.json, face(i).json);
        EXPECT_EQ(one.vector, face(i).vector);
    }
    exported_face none;
    EXPECT_FALSE(reader->next(none).value());
    EXPECT_EQ(reading(written(0)), "0");
}

TEST(export_file, cut_anywhere_it_is_refused) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        const std::string whole = written(2, dimension);
        ASSERT_EQ(reading(whole), "2");
        for (std::size_t length = 0; length < whole.size(); ++length) {
            const std::string said = reading(whole.substr(0, length));
            EXPECT_TRUE(said.find("truncated") != said.npos || said.find("corrupt") != said.npos ||
                        said.find("not an export") != said.npos)
                << length << ": " << said;
        }
    }
}

TEST(export_file, a_changed_byte_is_found) {
    const std::string whole = written(2);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string other = whole;
        other[at] = static_cast<char>(other[at] ^ 1);
        EXPECT_NE(reading(other), "2") << at;
    }
    EXPECT_THAT(reading(whole + "x"), HasSubstr("after the end"));
    EXPECT_THAT(reading("vultus-export 3\nteam\nnet\n1\nE"), HasSubstr("another version"));
    EXPECT_THAT(reading("photo of a cat"), HasSubstr("not an export"));
}

TEST(export_file, the_label_of_a_stored_face) {
    EXPECT_EQ(label_of(face(1).json), face(1).label);
    EXPECT_EQ(label_of(R"({"label":"a\\b","x":1})"), "a\\b");
    EXPECT_EQ(label_of(R"({"job_id":"j"})"), "");
    EXPECT_EQ(label_of(R"({"label":"no end)"), "");
}

}  // namespace
