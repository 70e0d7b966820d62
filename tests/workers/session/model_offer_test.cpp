// What a worker proposes as the defaults of a new service, and in which order it lists its models.
#include "workers/session/model_offer.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

const std::vector<offered_embedder> all_embedders{
    {"dlib_resnet_v1/plain", 128}, {"dlib_resnet_v1/mirror_unit", 128}, {"omz_0095/unit", 256}};

model_choice proposed(std::vector<std::string> detectors, std::vector<offered_embedder> embedders,
                      const model_wishes& wishes = {}) {
    return offer_of(std::move(detectors), std::move(embedders), wishes).proposed;
}

TEST(model_offer, proposes_the_best_that_is_there) {
    const model_choice both{"centerface", "omz_0095/unit"};
    EXPECT_EQ(proposed({"hog", "cnn", "centerface", "yunet"}, all_embedders), both);
    EXPECT_EQ(proposed({"hog", "yunet"}, all_embedders), (model_choice{"hog", "omz_0095/unit"}));
    EXPECT_EQ(proposed({"hog", "cnn"}, all_embedders),
              (model_choice{"hog", "dlib_resnet_v1/mirror_unit"}))
        << "the network was measured with the other detectors";
    EXPECT_EQ(proposed({"hog", "centerface"}, {all_embedders[0], all_embedders[1]}),
              (model_choice{"centerface", "dlib_resnet_v1/mirror_unit"}));
}

TEST(model_offer, the_settings_name_others_if_they_are_there) {
    const std::vector<std::string> detectors{"hog", "cnn", "centerface"};
    EXPECT_EQ(proposed(detectors, all_embedders, {"mirror_unit", "hog", "dlib_resnet_v1/plain"}),
              (model_choice{"hog", "dlib_resnet_v1/plain"}));
    EXPECT_EQ(proposed(detectors, all_embedders, {"mirror_unit", "yunet", "my/unit"}),
              (model_choice{"centerface", "omz_0095/unit"}));
}

TEST(model_offer, the_kind_of_the_settings_is_listed_first) {
    const model_offer made = offer_of({"hog"}, all_embedders, {"mirror_unit"});
    EXPECT_EQ(names_of(made.embedders),
              (std::vector<std::string>{"dlib_resnet_v1/mirror_unit", "dlib_resnet_v1/plain",
                                        "omz_0095/unit"}));
    EXPECT_EQ(made.detectors, std::vector<std::string>{"hog"});
    EXPECT_EQ(offer_of({"hog"}, all_embedders, {"plain"}).proposed.embedder,
              "dlib_resnet_v1/plain");
    EXPECT_EQ(offer_of({"hog"}, {all_embedders[2]}, {"plain"}).proposed.embedder, "omz_0095/unit");
}

}  // namespace
}  // namespace vultus
