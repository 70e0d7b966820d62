// Encryption at rest: a vector moved to another name or collection cannot be decrypted, values of
// earlier versions can, and `vultusctl encrypt` and `fsck` distinguish them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_setup.hpp"
#include "tests/clients/ctl/data_folder.hpp"
#include "tests/clients/ctl/process_support.hpp"

using namespace vultus;
using namespace vultus::ctl;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

exported_face face(const std::string& id, const std::string& label) {
    return {id, label, "{\"label\":\"" + label + "\",\"job_id\":\"j\"}", std::string(512, id[0])};
}

class sealed : public testing::Test {
 protected:
    void SetUp() override {
        key_ = make_secret_file(key_file()).value();
        store_ = std::make_unique<store_context>(0, sealing(key_));
        redis_ = std::make_unique<redis_blocking>(server_.address());
        ASSERT_TRUE(prepare_store(*redis_, *store_));
        for (const char* collection : {"staff", "guests"}) {
            const std::string id = collection + std::string("-0");
            ASSERT_TRUE(redis_->call(
                gallery_admin(*store_).restore(collection, "net/plain", {face(id, "Ada")})));
        }
    }
    std::string key_file() const { return keys_.path() + "/key"; }
    std::uint64_t epoch_of(const std::string& collection) {
        return redis_->call(gallery_reader(*store_).gallery(collection)).value().version /
               epoch_factor;
    }
    std::string vectors_of(const std::string& collection) {
        return store_->prefix() + "gallery:" + collection + ":" +
               std::to_string(epoch_of(collection)) + ":vectors";
    }
    std::string stored(const std::string& collection, const std::string& id) {
        return redis_->call({"HGET", vectors_of(collection), id}).value().text;
    }
    void put(const std::string& collection, const std::string& id, const std::string& bytes) {
        ASSERT_TRUE(redis_->call({"HSET", vectors_of(collection), id, bytes}));
    }
    gallery_chunk scan(const std::string& collection) {
        const auto call = gallery_reader(*store_).scan(collection, epoch_of(collection),
                                                       gallery_value::vector, "0");
        return redis_->call(call).value();
    }
    outcome ctl(std::vector<std::string> words) const {
        words.insert(words.begin(),
                     {VULTUS_CTL, "--data", folder_.path(), "--encryption-key", key_file()});
        return run_program(words);
    }

    data_folder folder_, keys_;
    redis_server server_{folder_.redis()};
    std::string key_;
    std::unique_ptr<store_context> store_;
    std::unique_ptr<redis_blocking> redis_;
};

}  // namespace

TEST_F(sealed, a_vector_opens_in_its_own_place_only) {
    EXPECT_THAT(scan("staff").foreign, IsEmpty());
    EXPECT_THAT(scan("staff").unbound, IsEmpty());
    const std::string mine = stored("staff", "staff-0");
    put("guests", "staff-0", mine);   // the same id in another collection
    put("guests", "guests-0", mine);  // another id
    EXPECT_THAT(scan("guests").fields, IsEmpty());
    EXPECT_EQ(scan("guests").foreign.size(), 2U);
    const auto vectors = [&](const std::string& collection, const std::string& id) {
        return redis_->call(gallery_reader(*store_).vectors(collection, epoch_of(collection), {id}))
            .value();
    };
    EXPECT_THAT(vectors("guests", "staff-0"), ElementsAre(""));
    EXPECT_THAT(vectors("guests", "guests-0"), ElementsAre(""));
    EXPECT_THAT(vectors("staff", "staff-0"), ElementsAre(std::string(512, 's')));
}

TEST_F(sealed, without_the_key_it_is_out_of_reach_and_not_damaged) {
    const store_context plain(0, sealing(""));
    const auto epoch = epoch_of("staff");
    EXPECT_FALSE(
        redis_->call(gallery_reader(plain).scan("staff", epoch, gallery_value::vector, "0")));
    EXPECT_FALSE(redis_->call(gallery_reader(plain).vectors("staff", epoch, {"staff-0"})));
}

TEST_F(sealed, an_older_seal_opens_and_is_bound_by_encrypt) {
    const sealing seals(key_);
    const std::string older = seals.close(std::string(512, 's'), "vector staff-0");
    put("staff", "staff-0", older);
    EXPECT_EQ(scan("staff").fields.at(0).second, std::string(512, 's'));
    EXPECT_THAT(scan("staff").unbound, ElementsAre(0));
    const outcome bound = ctl({"encrypt"});
    EXPECT_EQ(bound.code, 0) << bound.err;
    EXPECT_THAT(bound.out, HasSubstr("1 of 2"));
    EXPECT_NE(stored("staff", "staff-0"), older);
    EXPECT_THAT(scan("staff").unbound, IsEmpty());
    EXPECT_THAT(ctl({"encrypt"}).out, HasSubstr("0 of 2"));
    put("guests", "staff-0", stored("staff", "staff-0"));
    EXPECT_THAT(scan("guests").foreign, ElementsAre("staff-0"));
}

TEST_F(sealed, what_does_not_open_is_named_and_the_rest_goes_on) {
    EXPECT_EQ(ctl({"fsck"}).code, 0);
    ASSERT_TRUE(redis_->call(
        gallery_admin(*store_).restore("guests", "net/plain", {face("other-0", "Bob")})));
    put("guests", "guests-0", stored("staff", "staff-0"));
    const outcome found = ctl({"fsck"});
    EXPECT_EQ(found.code, 1);
    EXPECT_THAT(found.out, HasSubstr("gallery guests: the vector of face guests-0 does not open"));
    const outcome encrypted = ctl({"encrypt"});
    EXPECT_EQ(encrypted.code, 1);
    EXPECT_THAT(encrypted.out, HasSubstr("face guests-0 does not open"));
    const std::string file = keys_.path() + "/out";
    const outcome saved = ctl({"export", file, "--collection", "guests"});
    EXPECT_EQ(saved.code, 1);
    EXPECT_THAT(saved.out, HasSubstr("guests: 1 faces"));
    EXPECT_THAT(saved.out, HasSubstr("skipped: the vector of face guests-0"));
}

TEST_F(sealed, a_restore_seals_for_the_collection_that_it_fills) {
    const std::string file = keys_.path() + "/out";
    ASSERT_EQ(ctl({"export", file, "--collection", "staff"}).code, 0);
    ASSERT_EQ(ctl({"restore", file, "--collection", "copy"}).code, 0);
    EXPECT_THAT(scan("copy").unbound, IsEmpty());
    EXPECT_EQ(scan("copy").fields.size(), 1U);
    EXPECT_EQ(ctl({"fsck"}).code, 0);
}
