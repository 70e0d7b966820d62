// Random sequences of calls, stale tokens among them, against a model in plain C++: after each call
// the reply, the state of every job and the people of every collection must be those of the model,
// and fsck must find nothing. rapidcheck shrinks a failing sequence and prints its seed.
#include <rapidcheck.h>

#include <cstdint>
#include <cstdlib>
#include <map>

#include "tests/redis/redis_support.hpp"
#include "tests/redis/reference_model_steps.hpp"

namespace vultus::test {
namespace {

TEST(model, random_sequences_with_stale_tokens) {
    // The size is the length of a sequence; `./test full` asks for more of them, and all words
    // come.
    const bool many = std::getenv("RC_PARAMS") != nullptr;
    setenv("RC_PARAMS", "max_success=120 max_size=150", 0);
    loaded_redis server({"--appendonly", "no"});
    redis_calls f(server);
    std::map<std::string, int> seen;
    const bool held = rc::check("Redis and the model agree", [&] {
        const auto any = rc::gen::resize(100, rc::gen::arbitrary<std::uint32_t>());
        const auto draws = *rc::gen::container<std::vector<std::uint32_t>>(any);
        f.plain({"FLUSHALL"});
        f("reap", {"0", "1", "1000"});  // this Redis is known from now on
        reference_model_steps both(f, seen);
        both.run({5, 0, 0, 0});  // two workers to begin with
        both.run({5, 1, 0, 0});
        for (const std::uint32_t d : draws) {
            const step s{static_cast<std::uint8_t>(d), static_cast<std::uint8_t>(d >> 8),
                         static_cast<std::uint8_t>(d >> 16), static_cast<std::uint8_t>(d >> 24)};
            RC_LOG() << "op " << s.op % 29 << " " << int{s.a} << " " << int{s.b} << " " << int{s.c}
                     << " ";
            both.run(s);
        }
    });
    EXPECT_TRUE(held);
    std::vector<std::string> missing;  // some come in one of a hundred sequences only
    for (const char* word :
         {"pending",     "running",     "delayed",  "publishing",   "succeeded",   "failed",
          "cancelled",   "dead",        "dup",      "stale",        "old_version", "superseded",
          "gone",        "serve",       "catch_up", "not_found",    "requested",   "terminal",
          "wrong_state", "passed over", "spilled",  "label_exists", "unseen",      "seen",
          "parked",      "woken"}) {
        if (!seen.contains(word)) missing.emplace_back(word);
    }
    EXPECT_LE(missing.size(), many ? 0u : 4u)
        << "the sequences are too tame, these never came: " << ::testing::PrintToString(missing);
}

}  // namespace
}  // namespace vultus::test
