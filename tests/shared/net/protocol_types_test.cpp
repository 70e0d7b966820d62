// Which messages may name no collection, and what an older program makes of a frame's type.
#include <gtest/gtest.h>

#include "shared/net/protocol.hpp"

namespace vultus::protocol {
namespace {

result<message> again(direction which, const message& what) {
    return decode(which, encode(what));
}

TEST(protocol_types, only_what_reads_no_gallery_may_lack_a_collection) {
    for (const std::string type :
         {"", "recognize", "vectors", "train", "detect", "embed", "verify", "some_day"}) {
        frame one;
        one.frame_id = "f";
        one.type = type;
        const bool may = type == "detect" || type == "embed" || type == "verify";
        EXPECT_EQ(again(direction::to_broker, one).has_value(), may) << type;
        one.collection = "people";
        EXPECT_TRUE(again(direction::to_broker, one)) << type;
        one.collection = "no name";
        EXPECT_FALSE(again(direction::to_broker, one)) << type;
    }
    leased_job one;  // its type is a hint: an older broker does not know all of them
    one.job_id = "j";
    one.attempt = 1;
    EXPECT_TRUE(again(direction::from_broker, job{1, {one}}));
    one.collection = "no name";
    EXPECT_FALSE(again(direction::from_broker, job{1, {one}}));
}

TEST(protocol_types, a_type_is_a_plain_word) {
    frame one;
    one.frame_id = "f";
    one.collection = "people";
    one.type = "de tect";
    EXPECT_FALSE(again(direction::to_broker, one));
    answer reply;
    reply.frame_id = "f";
    reply.type = "a\nb";
    EXPECT_FALSE(again(direction::to_broker, reply));
}

}  // namespace
}  // namespace vultus::protocol
