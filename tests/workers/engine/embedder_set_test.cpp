// The embedders of a worker by name; the kinds of one network share it.
#include "workers/engine/embedder_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Counts the networks that were made, itself and its clones, and their passes.
class counted final : public embedder {
 public:
    struct counts {
        int made = 0, passes = 0;
    };
    counted(std::string name, counts* all, std::size_t floats = 128)
        : name_(std::move(name)), all_(all), floats_(floats) {
        ++all_->made;
    }
    std::string_view name() const noexcept override { return name_; }
    std::size_t dimension() const noexcept override { return floats_; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<counted>(name_, all_, floats_);
    }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        ++all_->passes;
        embedding vector(floats_);
        vector[0] = 2;
        return std::vector<embedding>(chips.size(), vector);
    }

 private:
    std::string name_;
    counts* all_;
    std::size_t floats_;
};

embedder_set both(counted::counts* network, counted::counts* other) {
    std::vector<std::unique_ptr<embedder>> others;
    others.push_back(std::make_unique<counted>("other/unit", other, 256));
    return {std::make_unique<counted>("net/plain", network), std::move(others)};
}

TEST(embedder_set, has_the_four_kinds_of_a_network_and_others) {
    counted::counts network, other;
    const embedder_set all = both(&network, &other);
    EXPECT_THAT(all.names(), ElementsAre("net/plain", "net/mirror", "net/unit", "net/mirror_unit",
                                         "other/unit"));
    EXPECT_THAT(
        all.offers(),
        ElementsAre(offered_embedder{"net/plain", 128}, offered_embedder{"net/mirror", 128},
                    offered_embedder{"net/unit", 128}, offered_embedder{"net/mirror_unit", 128},
                    offered_embedder{"other/unit", 256}));
    const chip face{std::vector<std::uint8_t>(chip::bytes)};
    EXPECT_EQ(all.named("net/plain").value()->embed(std::span(&face, 1)).front()[0], 2);
    EXPECT_EQ(all.named("net/mirror_unit").value()->embed(std::span(&face, 1)).front()[0], 1);
    EXPECT_EQ(network.passes, 3);
    EXPECT_EQ(other.passes, 0);
    EXPECT_EQ(all.named("other/unit").value()->dimension(), 256u);
}

TEST(embedder_set, a_clone_has_one_network_of_its_own) {
    counted::counts network, other;
    const embedder_set all = both(&network, &other);
    EXPECT_EQ(network.made, 1) << "four kinds share it";
    const embedder_set copy = all.clone();
    EXPECT_EQ(network.made, 2);
    EXPECT_EQ(other.made, 2);
    EXPECT_EQ(copy.names(), all.names());
    EXPECT_NE(copy.named("net/unit").value(), all.named("net/unit").value());
}

TEST(embedder_set, one_that_is_not_there_is_named) {
    counted::counts network, other;
    const auto missing = both(&network, &other).named("sface/unit");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, errc::model_mismatch);
    EXPECT_THAT(missing.error().detail, HasSubstr("no embedder sface/unit"));
}

TEST(embedder_set, keeps_what_it_is_told_to_keep) {
    counted::counts network, other;
    embedder_set all = both(&network, &other);
    all.keep([](const embedder& one) { return !one.name().ends_with("/mirror"); });
    EXPECT_THAT(all.names(), ElementsAre("net/plain", "net/unit", "net/mirror_unit", "other/unit"));
    EXPECT_EQ(all.clone().names(), all.names());
}

TEST(embedder_set_death, a_name_twice_is_a_bug) {
    counted::counts network;
    std::vector<std::unique_ptr<embedder>> two;
    two.push_back(std::make_unique<counted>("a/unit", &network));
    two.push_back(std::make_unique<counted>("a/unit", &network));
    EXPECT_DEATH(embedder_set{std::move(two)}, "each embedder once");
}

}  // namespace
}  // namespace vultus
