// A redis-server with the library, a connection to it without any code of the product, and the
// fixture of all tests here.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "tests/support/redis_server_support.hpp"

struct redisContext;

namespace vultus::test {

using words = std::vector<std::string>;

/// threads   one. Any failure of the server itself ends the test program with a message.
class loaded_redis {
 public:
    explicit loaded_redis(words more_settings = {});
    ~loaded_redis();
    loaded_redis(const loaded_redis&) = delete;
    loaded_redis& operator=(const loaded_redis&) = delete;

    /// The reply, flattened to texts. An error is one text that starts with "ERROR ".
    words call(const words& command);
    void kill();   ///< SIGKILL, and wait for its end
    void start();  ///< on the same folder
    /// What the thread that carries out calls has spent of a CPU, milliseconds.
    double cpu_ms() const;

 private:
    void connect();
    redis_server server_;
    redisContext* context_ = nullptr;
};

/// Keys of shard 0 and calls of the library by their short names.
class redis_calls {
 public:
    explicit redis_calls(loaded_redis& server) : server_(server) {}
    words operator()(const std::string& name, const words& arguments = {});
    words plain(const words& command) { return server_.call(command); }
    std::string field(const std::string& id, const std::string& name);
    std::string state(const std::string& id) { return field(id, "state"); }
    std::uint64_t stat(const std::string& name);
    /// What fsck finds, sums compared; empty is good.
    words problems(int count = 100);
    /// "a>b why" for each event of a job.
    words events(const std::string& id);
    /// The faces of an epoch that have a picture.
    std::set<std::string> pictures(const std::string& collection, std::int64_t epoch);
    static std::string key(const std::string& name) { return "vultus:{0}:" + name; }

 private:
    loaded_redis& server_;
};

/// The n-th id: a UUIDv7 whose time grows with n.
std::string id_of(int n);
std::string vector_of(char filling);

struct accept_options {
    std::string type = "recognize", collection = "default", priority = "interactive", label;
    std::string deadline_ms = "3600000", hash, fingerprint = "f";
    std::string jobs_max = "10000", bytes_max = "1000000";
    words images = {"photo"};
    std::string options = R"({"k":[]})";
};
words accept_words(const std::string& id, const accept_options& options);

/// One server for all tests of a process, empty for each; fsck must find nothing after each.
class redis_test : public testing::Test {
 protected:
    static void SetUpTestSuite();
    static void TearDownTestSuite();
    void SetUp() override;
    void TearDown() override;

    words accept(int n, accept_options options = {}) {
        return f("accept", accept_words(id_of(n), options));
    }
    words train(int n, const std::string& label, const std::string& collection = "default");
    words change(int n, const std::string& op, const std::string& a = "", const std::string& b = "",
                 const std::string& collection = "default");
    words enlist(const std::string& worker, int registration_ms = 100000);
    /// Leases one job and says started; the id, or "" if none.
    std::string lease(const std::string& worker, int outstanding = 0, int lease_ms = 100000);
    words complete(int n, const std::string& worker, const std::string& version = "0",
                   int attempt = 1);
    words commit(int n, const std::string& worker, int attempt = 1, int faces = 1,
                 const std::string& model = "m");
    words fail(int n, const std::string& worker, const std::string& kind, int attempt = 1,
               int delay_ms = 0);
    /// Trains label n at once: accept, lease, commit.
    void teach(int n, const std::string& label, const std::string& collection = "default");
    std::string version(const std::string& collection = "default");
    words people(const std::string& collection = "default");

    static loaded_redis& server();
    redis_calls f{server()};
    bool consistent_at_end_ = true;
};

}  // namespace vultus::test
