// The output of vultusctl: on a full device each command exits with 1, a key that could not be
// printed is revoked, an export goes to its destination, and a restore refuses what workers would.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "clients/ctl/transfer/export_file.hpp"
#include "clients/ctl/transfer/face_check.hpp"
#include "shared/base/ids.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/key_store.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_setup.hpp"
#include "shared/store/submission_store.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::HasSubstr;
using testing::Not;

namespace {

std::string vector_of(float first, std::size_t dimension = 128) {
    std::vector<float> numbers(dimension);
    numbers[0] = first;
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

exported_face face(const std::string& id, const std::string& label, std::string vector) {
    return {id, label, "{\"label\":\"" + label + "\",\"job_id\":\"j\"}", std::move(vector)};
}

class written : public testing::Test {
 protected:
    void SetUp() override {
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(prepare_store(*redis_, store_));
        ASSERT_TRUE(redis_->call(gallery_admin(store_).restore(
            "team", "net/unit",
            {face("a-0", "Ada", vector_of(1)), face("b-0", "Bob", vector_of(-1))})));
    }
    std::vector<std::string> command(std::vector<std::string> words) const {
        words.insert(words.begin(), {VULTUS_CTL, "--data", folder_.path()});
        return words;
    }
    outcome ctl(std::vector<std::string> words, const std::string& output = "",
                const std::string& input = "/dev/null") const {
        return run_program(command(std::move(words)), output, input);
    }
    std::string at(const std::string& name) const { return folder_.path() + "/" + name; }
    static std::string text_of(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string export_of(const std::string& model, const std::vector<exported_face>& faces,
                          std::size_t dimension = 128) const {
        std::ofstream to(at("made.export"), std::ios::binary);
        export_writer writer(to, {"made", model, 1, dimension});
        for (const auto& one : faces) writer.add(one);
        EXPECT_TRUE(writer.finish());
        return at("made.export");
    }
    std::size_t keys() { return redis_->call(key_store(store_).keys("")).value().keys.size(); }

    data_folder folder_;
    redis_server server_{folder_.redis()};
    store_context store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(written, each_command_that_cannot_print_ends_with_1) {
    new_job job;
    job.id = new_job_id(unix_now(), 0);
    job.collection = "default";
    job.options = "{}";
    job.images = {"x"};
    const std::string id = job.id;
    ASSERT_TRUE(redis_->call(submission_store(store_).accept(std::move(job), 100, limits::mib)));
    std::filesystem::create_directories(at("people/Ada"));
    const std::vector<std::vector<std::string>> commands{
        {"--help"},
        {"key", "--help"},
        {"status"},
        {"status", "--json"},
        {"status", "--explain"},
        {"jobs"},
        {"faces", "team"},
        {"audit"},
        {"job", id},
        {"cancel", id},
        {"tail", "--from", "0-0", "--count", "1"},
        {"fsck"},
        {"key", "list"},
        {"user", "list"},
        {"retention", "team"},
        {"erasure", "Nobody"},
        {"export", at("x"), "--collection", "team"},
        {"restore", at("x")},
        {"import", at("people")},
        {"encryption-key", at("key")},
        {"curve", "make", "broker", "--role", "broker"},
        {"curve", "list"}};
    for (const auto& words : commands) {
        const outcome seen = ctl(words, "/dev/full");
        EXPECT_EQ(seen.code, 1) << words[0];
        EXPECT_THAT(seen.err, HasSubstr("cannot be written")) << words[0];
    }
}

TEST_F(written, a_key_that_could_not_be_printed_does_not_stay) {
    const outcome lost = ctl({"key", "create", "--scopes", "read"}, "/dev/full");
    EXPECT_EQ(lost.code, 1);
    EXPECT_THAT(lost.err, HasSubstr("was revoked: it could not be printed"));
    EXPECT_EQ(keys(), 0U);
    const outcome made = ctl({"key", "create", "--scopes", "read", "--json"});
    ASSERT_EQ(made.code, 0) << made.err;
    const std::string id = made.out.substr(made.out.find("\"id\":\"") + 6, 12);
    const outcome rotated = ctl({"key", "rotate", id}, "/dev/full");
    EXPECT_EQ(rotated.code, 1);
    EXPECT_THAT(rotated.err, HasSubstr("was not printed"));
}

TEST_F(written, an_export_is_for_its_owner_only_and_goes_where_it_is_sent) {
    ASSERT_EQ(ctl({"export", at("team"), "--collection", "team"}).code, 0);
    struct stat what {};
    ASSERT_EQ(::stat(at("team").c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777, 0600U);
    const std::string whole = text_of(at("team"));

    const outcome out = ctl({"export", "-", "--collection", "team"});
    EXPECT_EQ(out.code, 0);
    EXPECT_EQ(out.out.size(), whole.size());
    EXPECT_THAT(out.out, testing::StartsWith("vultus-export 3\nteam\n"));
    EXPECT_THAT(out.err, HasSubstr("team: 2 faces")) << "the report goes beside it";

    ASSERT_EQ(ctl({"export", "/dev/null", "--collection", "team"}).code, 0);
    ASSERT_EQ(::stat("/dev/null", &what), 0);
    EXPECT_TRUE(S_ISCHR(what.st_mode));
    std::filesystem::create_symlink("real", at("link"));
    ASSERT_EQ(ctl({"export", at("link"), "--collection", "team"}).code, 0);
    EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
    EXPECT_EQ(text_of(at("real")).size(), whole.size());
    const outcome full = ctl({"export", "/dev/full", "--collection", "team"});
    EXPECT_EQ(full.code, 1);
    EXPECT_THAT(full.err, HasSubstr("No space left"));
    EXPECT_EQ(ctl({"export", at("none/x"), "--collection", "team"}).code, 1);
    for (const auto& one : std::filesystem::directory_iterator(folder_.path())) {
        EXPECT_THAT(one.path().string(), Not(testing::EndsWith(".new")));
    }
}

TEST_F(written, an_export_goes_through_a_pipe_and_comes_back_through_one) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    std::string heard;
    std::thread reader([&] { heard = text_of(at("pipe")); });
    EXPECT_EQ(ctl({"export", at("pipe"), "--collection", "team"}).code, 0);
    reader.join();
    EXPECT_TRUE(std::filesystem::is_fifo(at("pipe")));
    std::ofstream(at("copy"), std::ios::binary) << heard;
    const outcome back = ctl({"restore", "-", "--collection", "copy"}, "", at("copy"));
    EXPECT_EQ(back.code, 0) << back.err;
    EXPECT_THAT(back.out, HasSubstr("copy: 2 added"));
    std::thread writer([&] { std::ofstream(at("pipe"), std::ios::binary) << heard; });
    EXPECT_THAT(ctl({"restore", at("pipe"), "--collection", "third"}).out, HasSubstr("2 added"));
    writer.join();
}

TEST_F(written, a_restore_refuses_what_workers_would) {
    const float none = std::numeric_limits<float>::quiet_NaN();
    const float much = std::numeric_limits<float>::infinity();
    struct wrong {
        std::string model;
        exported_face one;
        const char* why;
    };
    const std::vector<wrong> cases{
        {"net/plain", face("x-1", "Eve", vector_of(none)), "not finite"},
        {"net/plain", face("x-1", "Eve", vector_of(much)), "not finite"},
        {"net/unit", face("x-1", "Eve", vector_of(2)), "length 2"},
        {"net/mirror_unit", face("x-1", "Eve", vector_of(0)), "length 0"},
        {"net/plain", {"x-1", "Eve", R"({"label":"Ada"})", vector_of(1)}, "JSON of its label"},
        {"net/plain", {"x-1", "Eve", R"({"label":"Eve")", vector_of(1)}, "JSON of its label"},
        {"other", face("x-1", "Eve", vector_of(1)), "unknown embedding model"},
        {"net/strange", face("x-1", "Eve", vector_of(1)), "unknown embedding model"}};
    for (const wrong& one : cases) {
        const std::string file = export_of(one.model, {face("x-0", "Ann", vector_of(1)), one.one});
        const outcome seen = ctl({"restore", file});
        EXPECT_EQ(seen.code, 1) << one.why;
        EXPECT_THAT(seen.err, HasSubstr(one.why));
        EXPECT_THAT(seen.err, HasSubstr("nothing was restored"));
        EXPECT_EQ(redis_->call(gallery_reader(store_).gallery("made"))->faces, 0U) << one.why;
    }
    EXPECT_EQ(ctl({"restore", export_of("net/plain", {face("x-0", "Ann", vector_of(7))})}).code, 0);
}

TEST_F(written, faces_of_each_dimension_leave_and_come_back) {
    for (const std::size_t dimension : limits::embedding_dimensions) {
        const std::string made = "made" + std::to_string(dimension);
        const auto ann = face("x-0", "Ann", vector_of(1, dimension));
        const auto file = export_of("net/unit", {ann}, dimension);
        const outcome put = ctl({"restore", file, "--collection", made});
        ASSERT_EQ(put.code, 0) << put.err;
        EXPECT_EQ(redis_->call(gallery_reader(store_).gallery(made))->dimension, dimension);
        ASSERT_EQ(ctl({"export", at("again"), "--collection", made}).code, 0);
        const std::string first = text_of(at("made.export")), again = text_of(at("again"));
        const std::size_t person = 1 + 13 + 3 + 1;  // Ann, whose id is x
        EXPECT_EQ(again.size(), first.size() + made.size() - 4 + 12 + person)
            << "its name, a later time, and the person";
        EXPECT_THAT(again, HasSubstr(ann.vector));
        const std::string faces = ctl({"faces", made, "--json"}).out;
        EXPECT_THAT(faces, HasSubstr("\"dimension\":" + std::to_string(dimension)));
        const outcome check = ctl({"fsck"});
        EXPECT_EQ(check.code, 0) << check.out;
    }
}

TEST_F(written, a_restore_into_faces_of_another_dimension_is_refused) {
    const auto file = export_of("net/unit", {face("x-0", "Ann", vector_of(1, 512))}, 512);
    const outcome seen = ctl({"restore", file, "--collection", "team"});
    EXPECT_EQ(seen.code, 1);
    EXPECT_THAT(seen.err, HasSubstr("collection was trained with net/unit of 128 floats"));
    EXPECT_EQ(redis_->call(gallery_reader(store_).gallery("team"))->faces, 2U);
}

TEST_F(written, an_export_refuses_a_vector_that_was_damaged_in_redis) {
    redis_call<void> cut{{"HSET", store_.prefix() + "gallery:team:1:vectors", "a-0", "short"},
                         [](redis_reply&&) -> result<void> { return {}; }};
    ASSERT_TRUE(redis_->call(std::move(cut)));
    const outcome seen = ctl({"export", at("x"), "--collection", "team"});
    EXPECT_EQ(seen.code, 1);
    EXPECT_THAT(seen.err, HasSubstr("vector of face a-0 has 5 bytes, not 512"));
    EXPECT_FALSE(std::filesystem::exists(at("x")));
}

TEST_F(written, one_photo_of_two_people_is_not_dropped_in_silence) {
    // A picture of one pixel, so that it is taken for a photo; no worker is there to look at it.
    const std::string png(
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx"
        "\x9c"
        "c\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xae"
        "B`\x82",
        69);
    for (const char* person : {"Ada", "Bob"}) {
        std::filesystem::create_directories(at("people/" + std::string(person)));
        std::ofstream(at("people/" + std::string(person) + "/1.png"), std::ios::binary) << png;
    }
    std::thread canceller([&] {  // so that the import has an end
        while (true) {
            const auto page =
                redis_->call(job_reader(store_).jobs(job_state::pending, std::nullopt, 10, ""));
            if (page && !page->jobs.empty()) {
                ASSERT_TRUE(redis_->call(submission_store(store_).cancel(page->jobs[0].id)));
                return;
            }
            std::this_thread::yield();
        }
    });
    const outcome seen = ctl({"import", at("people"), "--json"});
    canceller.join();
    EXPECT_EQ(seen.code, 1);
    EXPECT_THAT(seen.out, HasSubstr("same_photo_of_two_people"));
    EXPECT_THAT(seen.out, HasSubstr("same bytes as Ada/1.png"));
}

TEST_F(written, erasure_finds_the_name_in_another_form_and_names_those_much_like_it) {
    ASSERT_TRUE(redis_->call(gallery_admin(store_).restore(
        "team", "net/unit",
        {face("z-0", "Zoe\xCC\x88", vector_of(1)), face("z-1", "ZOE\xCC\x88 ", vector_of(1))})));
    const outcome composed = ctl({"erasure", "Zo\xC3\xAB", "--json"});
    EXPECT_EQ(composed.code, 1);
    EXPECT_THAT(composed.out, HasSubstr("\"clean\":false"));
    EXPECT_THAT(composed.out, HasSubstr("\"similar\":[\"team: ZOE"));
    EXPECT_EQ(ctl({"erasure", "Zoe\xCC\x88"}).code, 1) << "its own bytes";
    EXPECT_EQ(ctl({"erasure", "Zo"}).code, 0);
    EXPECT_THAT(ctl({"erasure", "zo\xC3\xAB\xE2\x80\x8B"}).out, HasSubstr("Similar"));
}
