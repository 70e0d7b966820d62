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

std::string number_of(std::uint64_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
}

// Byte by byte what versions 1 and 2 of the program wrote.
std::string of_older_version(std::size_t dimension) {
    const exported_face one = face(0, dimension);
    std::string text = dimension == 128 ? "vultus-export 1\n" : "vultus-export 2\n";
    text += "team\nnet/mirror_unit\n1772443800120\n";
    if (dimension != 128) text += std::to_string(dimension) + "\n";
    text += "F" + number_of(one.face_id.size(), 1) + number_of(one.label.size(), 1) +
            number_of(one.json.size(), 2) + one.face_id + one.label + one.json + one.vector + "E" +
            number_of(1, 8);
    checksum sum;
    sum.add(text);
    return text + number_of(sum.value(), 8);
}

TEST(export_file, of_older_versions_is_read) {
    EXPECT_EQ(reading(of_older_version(128)), "1");
    EXPECT_EQ(reading(of_older_version(512)), "1");
    std::string with_person = of_older_version(128);
    with_person.replace(with_person.find("\nF") + 1, 1, "P");
    EXPECT_THAT(reading(with_person), HasSubstr("truncated or corrupt")) << "they had no people";
}

TEST(export_file, has_the_people_with_their_data) {
    std::ostringstream to;
    export_writer writer(to, {"team", "net/mirror_unit", 1, 128});
    exported_face one = face(1);
    one.label = "Ann\x1f" + std::string(128, 'p');
    writer.add(one);
    writer.add(exported_person{one.label, std::string(128, 'p'), 77, "1 2 0\nab"});
    writer.add(exported_person{"Bob", "b", 88, ""});
    ASSERT_TRUE(writer.finish());
    std::istringstream from(to.str());
    auto reader = export_reader::open(from);
    ASSERT_TRUE(reader);
    exported_face read;
    ASSERT_TRUE(reader->next(read).value());
    EXPECT_EQ(read.label, one.label);
    EXPECT_TRUE(reader->take_people().empty());
    ASSERT_FALSE(reader->next(read).value());
    const auto people = reader->take_people();
    ASSERT_EQ(people.size(), 2U);
    EXPECT_EQ(people[0].key, one.label);
    EXPECT_EQ(people[0].person_id, std::string(128, 'p'));
    EXPECT_EQ(people[0].created_ms, 77U);
    EXPECT_EQ(people[0].data, "1 2 0\nab");
    EXPECT_EQ(people[1].key, "Bob");
    EXPECT_EQ(label_of(R"({"label":"Ann\u001fp\"\\","x":1})"),
              "Ann\x1f"
              "p\"\\");
}

TEST(export_file, says_its_dimension) {
    EXPECT_TRUE(written(1, 256).starts_with(
        "vultus-export 3\nteam\nnet/mirror_unit\n1772443800120\n256\nF"));
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
    EXPECT_THAT(reading("vultus-export 4\nteam\nnet\n1\nE"), HasSubstr("another version"));
    EXPECT_THAT(reading("photo of a cat"), HasSubstr("not an export"));
}

TEST(export_file, the_label_of_a_stored_face) {
    EXPECT_EQ(label_of(face(1).json), face(1).label);
    EXPECT_EQ(label_of(R"({"label":"a\\b","x":1})"), "a\\b");
    EXPECT_EQ(label_of(R"({"job_id":"j"})"), "");
    EXPECT_EQ(label_of(R"({"label":"no end)"), "");
}

}  // namespace
