// Frames that are no recognize of a photo: only a worker that announced their type gets them.
#include <gmock/gmock.h>

#include "tests/broker/core_support.hpp"

namespace vultus::broker::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

protocol::ready knowing(const std::string& id, std::vector<std::string> types) {
    protocol::ready who;
    who.worker_id = id;
    who.types = std::move(types);
    who.window = 8;
    who.frame_window = 4;
    return who;
}

protocol::frame of_type(const std::string& type, const std::string& id) {
    protocol::frame one = frame_named(id);
    one.type = type;
    one.collection.clear();
    return one;
}

std::vector<protocol::frame> frames_at(const std::string& connection, const effects& all) {
    return sent_to<protocol::frame>(connection, all);
}

TEST(frame_types, go_to_a_worker_that_announced_them) {
    bench b;
    b.from_worker("old.1", knowing("old", {"recognize", "train"}));
    b.from_worker("new.1", knowing("new", {"recognize", "train", "detect", "vectors"}));
    for (const std::string type : {"detect", "vectors"}) {
        for (int i = 0; i < 2; ++i) {
            const auto sent = b.from_api(of_type(type, type + std::to_string(i)));
            EXPECT_THAT(frames_at("new.1", sent), SizeIs(1)) << type;
        }
    }
    // Its window of four is used: the next one waits, and a recognize goes to the other.
    EXPECT_THAT(frames_at("old.1", b.from_api(of_type("detect", "waits"))), IsEmpty());
    EXPECT_THAT(frames_at("old.1", b.from_api(frame_named("photo"))), SizeIs(1));
    EXPECT_EQ(b.it.frames().waiting(), 1u);
}

TEST(frame_types, that_nobody_announced_are_refused_at_once) {
    bench b;
    b.from_worker("old.1", knowing("old", {"recognize", "train"}));
    const auto told =
        sent_to<protocol::answer, to_api>("api.1", b.from_api(of_type("verify", "v")));
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].error, "no_worker");
    EXPECT_THAT(told[0].detail, HasSubstr("runs verify"));
}

TEST(frame_types, without_a_collection_name_no_gallery_to_hold) {
    bench b;
    b.from_worker("new.1", knowing("new", {"recognize", "detect"}));
    b.from_api(of_type("detect", "d"));
    EXPECT_THAT(b.at("new.1").galleries, IsEmpty());
    b.from_api(frame_named("photo"));
    EXPECT_THAT(b.at("new.1").galleries, SizeIs(1));
}

}  // namespace
}  // namespace vultus::broker::testing
