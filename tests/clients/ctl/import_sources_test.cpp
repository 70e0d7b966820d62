// What `vultusctl import` lists from folders of other programs and from CSV files, and its journal.
// Zip files and CompreFace: tests/e2e/clients/test_import_sources.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "clients/ctl/sources/photo_source.hpp"
#include "clients/ctl/transfer/import_journal.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class import_sources : public testing::Test {
 protected:
    std::string make(const std::string& path, const std::string& text = "x") const {
        const std::filesystem::path file = folder_.path() + "/" + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }

    /// What a source lists: "label: path", "path - why", and the error that ended it.
    std::vector<std::string> listed_by(const std::string& from, const std::string& place) const {
        auto source = open_source({from, folder_.path() + "/" + place, "", ""});
        if (!source) return {source.error().detail};
        std::vector<std::string> lines;
        while (true) {
            const auto one = (*source)->next();
            if (!one) lines.push_back("error: " + one.error().detail);
            if (!one || !*one) return lines;
            if (const auto* photo = std::get_if<found_photo>(&**one)) {
                lines.push_back(photo->label + ": " + photo->path);
            } else {
                const auto& skipped = std::get<skipped_path>(**one);
                lines.push_back(skipped.path + " - " + skipped.why);
            }
        }
    }

    temporary_folder folder_;
};

}  // namespace

TEST_F(import_sources, folders_of_other_programs) {
    make("dt/.storage/train/Ada/1.jpg");
    make("dt/.storage/matches/2.jpg");
    EXPECT_THAT(listed_by("double-take", "dt"), ElementsAre("Ada: Ada/1.jpg"));
    EXPECT_THAT(listed_by("double-take", "dt/.storage"), ElementsAre("Ada: Ada/1.jpg"));
    make("frigate/clips/faces/Ada/1.webp");
    make("frigate/clips/faces/train/2.webp");
    const auto of_frigate = ElementsAre("train - faces without a name", "Ada: Ada/1.webp");
    EXPECT_THAT(listed_by("frigate", "frigate"), of_frigate);
    EXPECT_THAT(listed_by("frigate", "frigate/clips/faces/"), of_frigate);
    make("db/Ada/2024/may/1.jpg");
    make("db/ds_model.pkl");
    make("db/train/1.jpg");
    EXPECT_THAT(listed_by("deepface", "db"),
                ElementsAre("ds_model.pkl - not in the folder of a person",
                            "Ada: Ada/2024/may/1.jpg", "train: train/1.jpg"));
}

TEST_F(import_sources, links_to_folders_are_not_followed) {
    make("db/Ada/1.jpg");
    std::filesystem::create_directory_symlink(folder_.path() + "/db", folder_.path() + "/db/Ada/l");
    EXPECT_THAT(listed_by("deepface", "db"),
                ElementsAre("Ada/l - nested folder", "Ada: Ada/1.jpg"));
}

TEST_F(import_sources, rows_of_a_csv_file) {
    make("a.csv",
         "\xEF\xBB\xBFPhoto;Person\r\n\"a;b.jpg\";Ada\r\n\r\nc.jpg;\"Bob \"\"B\"\" C\"\r\n");
    EXPECT_THAT(listed_by("csv", "a.csv"), ElementsAre("Ada: a;b.jpg", "Bob \"B\" C: c.jpg"));
    make("b.csv", "Ada,1.jpg\nBob\nCarl,\n\"two\nlines\",2.jpg");
    EXPECT_THAT(listed_by("csv", "b.csv"),
                ElementsAre("Ada: 1.jpg", "line 2 - has no name or no file",
                            "line 3 - names no file", "two\nlines: 2.jpg"));
    make("c.csv", "");
    EXPECT_THAT(listed_by("csv", "c.csv"), ElementsAre());
    make("d.csv", "name,file\n\"Ada,1.jpg");
    EXPECT_THAT(listed_by("csv", "d.csv"), ElementsAre(HasSubstr("a quoted field does not end")));
    make("e.csv", "Ada,1.jpg\n" + std::string(70'000, 'x'));
    EXPECT_THAT(listed_by("csv", "e.csv"), ElementsAre("Ada: 1.jpg", HasSubstr("64 KiB")));
    make("f.csv", std::string(100, ','));
    EXPECT_THAT(listed_by("csv", "f.csv"), ElementsAre(HasSubstr("64 columns")));
}

TEST_F(import_sources, a_journal_is_found_again) {
    const std::string path = folder_.path() + "/journal";
    const found_photo one{"Ada/1.jpg", "Ada", "7:1"}, other{"Ada/1.jpg", "Ada", "8:1"};
    {
        import_journal journal;
        ASSERT_TRUE(journal.open(path, "folder x"));
        EXPECT_EQ(journal.find(one), nullptr);
        ASSERT_TRUE(journal.add(one, {file_state::imported, "", "", "c0", "f-0"}));
        ASSERT_TRUE(
            journal.add({"b\n\"", "Bob", "1"}, {file_state::refused, "no_face", "d", "c1", ""}));
        import_journal second;
        EXPECT_THAT(second.open(path, "folder x").error().detail, HasSubstr("another import"));
    }
    std::ofstream(path, std::ios::app) << R"({"file":"Ada/1.jpg","label":"Ada","vers)";
    for (int round = 0; round < 2; ++round) {
        import_journal journal;
        ASSERT_TRUE(journal.open(path, "folder x"));
        ASSERT_NE(journal.find(one), nullptr);
        EXPECT_EQ(journal.find(one)->face_id, "f-0");
        EXPECT_EQ(journal.find(other), nullptr) << "the file has changed";
        EXPECT_EQ(journal.find({"Ada/1.jpg", "Ada", ""}), nullptr);
        ASSERT_NE(journal.find({"b\n\"", "Bob", "1"}), nullptr);
        EXPECT_EQ(journal.find({"b\n\"", "Bob", "1"})->reason, "no_face");
        ASSERT_TRUE(journal.add({"c", "C", "1"}, {file_state::known, "", "", "", "f"}));
    }
    import_journal journal;
    EXPECT_EQ(journal.open(path, "folder y").error().code, errc::wrong_state);
}

TEST_F(import_sources, a_journal_is_private_and_a_journal) {
    import_journal made;
    const std::string path = folder_.path() + "/new";
    ASSERT_TRUE(made.open(path, "x"));
    struct stat about {};
    ASSERT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600U);
    const std::string open_to_all = make("open", "{\"vultus_import\":\"x\"}\n");
    ::chmod(open_to_all.c_str(), 0644);
    const std::string text = make("text", "hello\n");
    ::chmod(text.c_str(), 0600);
    for (const auto& [file, why] : {std::pair{open_to_all, "chmod 600"},
                                    {text, "no journal"},
                                    {std::string("/dev/null"), "not a file"},
                                    {folder_.path(), "directory"},
                                    {folder_.path() + "/none/x", "No such file"}}) {
        import_journal journal;
        EXPECT_THAT(journal.open(file, "x").error().detail, HasSubstr(why)) << file;
    }
}
