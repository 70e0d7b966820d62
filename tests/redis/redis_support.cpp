// See redis_support.hpp. The tests call hiredis directly, so they do not depend on the client that
// they may have to blame.
#include "tests/redis/redis_support.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

namespace vultus::test {

namespace {

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "redis of the test: %s\n", why.c_str());
    std::abort();
}

void flatten(const redisReply& reply, words& out) {
    switch (reply.type) {
        case REDIS_REPLY_ARRAY:
            for (std::size_t i = 0; i < reply.elements; ++i) flatten(*reply.element[i], out);
            break;
        case REDIS_REPLY_INTEGER:
            out.push_back(std::to_string(reply.integer));
            break;
        case REDIS_REPLY_NIL:
            out.emplace_back();
            break;
        case REDIS_REPLY_ERROR:
            out.push_back("ERROR " + std::string(reply.str, reply.len));
            break;
        default:
            out.emplace_back(reply.str, reply.len);
    }
}

/// The library as the build joins it: the files in the order of their names.
std::string library() {
    std::vector<std::filesystem::path> files;
    const std::filesystem::path folder = VULTUS_SOURCE_DIR "/shared/store/functions";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".lua") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::string text;
    for (const auto& file : files) {
        std::ifstream in(file);
        text.append(std::istreambuf_iterator<char>(in), {});
    }
    return text;
}

std::unique_ptr<loaded_redis>& shared_server() {
    static std::unique_ptr<loaded_redis> server;
    return server;
}

}  // namespace

loaded_redis::loaded_redis(words more_settings) : server_({.more = std::move(more_settings)}) {
    connect();
    const std::string loaded = call({"FUNCTION", "LOAD", library()}).at(0);
    if (loaded != "vultus1") give_up(loaded);
}

loaded_redis::~loaded_redis() {
    kill();
}

void loaded_redis::start() {
    server_.start();
    connect();
}

void loaded_redis::connect() {
    context_ = redisConnectUnix(server_.address().unix_socket.c_str());
    if (context_ == nullptr || context_->err != 0) give_up("no connection");
}

void loaded_redis::kill() {
    if (context_ != nullptr) redisFree(context_);
    context_ = nullptr;
    server_.kill();
}

words loaded_redis::call(const words& command) {
    std::vector<const char*> texts;
    std::vector<std::size_t> lengths;
    for (const std::string& word : command) {
        texts.push_back(word.data());
        lengths.push_back(word.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(texts.size()), texts.data(), lengths.data()));
    if (reply == nullptr) return {"ERROR connection"};
    words out;
    flatten(*reply, out);
    freeReplyObject(reply);
    return out;
}

words redis_calls::operator()(const std::string& name, const words& arguments) {
    words command{"FCALL", "vultus1_" + name, "1", key("")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return server_.call(command);
}

std::string redis_calls::field(const std::string& id, const std::string& name) {
    return plain({"HGET", key("job:" + id), name}).at(0);
}

std::uint64_t redis_calls::stat(const std::string& name) {
    const words reply = (*this)("stats");
    for (std::size_t i = 2; i + 1 < reply.size(); i += 2) {
        if (reply[i] == name) return std::stoull(reply[i + 1]);
    }
    give_up("no counter " + name);
}

double loaded_redis::cpu_ms() const {
    std::ifstream file("/proc/" + std::to_string(server_.pid()) + "/schedstat");
    double nanoseconds = 0;
    if (!(file >> nanoseconds)) give_up("schedstat");
    return nanoseconds / 1e6;
}

words redis_calls::problems(int count) {
    words found;
    std::string cursor;
    for (int round = 0; round < 1'000'000; ++round) {
        const words reply = (*this)("fsck", {cursor, std::to_string(count), "1"});
        if (reply.at(0) != "more" && reply.at(0) != "ok") return {reply.at(0)};
        found.insert(found.end(), reply.begin() + 2, reply.end());
        if (reply[0] == "ok") return found;
        cursor = reply[1];
    }
    return {"fsck does not end"};
}

std::set<std::string> redis_calls::pictures(const std::string& collection, std::int64_t epoch) {
    const std::string name = "gallery:" + collection + ":" + std::to_string(epoch) + ":pictures";
    const words ids = plain({"HKEYS", key(name)});
    return {ids.begin(), ids.end()};
}

words redis_calls::events(const std::string& id) {
    const words all = plain({"XRANGE", key("events"), "-", "+"});
    words out;
    for (std::size_t i = 0; i + 16 < all.size(); i += 17) {
        if (all[i + 2] == id) out.push_back(all[i + 4] + ">" + all[i + 6] + " " + all[i + 10]);
    }
    return out;
}

std::string id_of(int n) {
    char text[40];
    std::snprintf(text, sizeof text, "01900000-%04x-7000-8000-%012x", static_cast<unsigned>(n),
                  static_cast<unsigned>(n));
    return text;
}

std::string vector_of(char filling) {
    return std::string(512, filling);
}

words accept_words(const std::string& id, const accept_options& o) {
    words all{id,          o.type,  o.collection,  o.priority, o.options,     o.label,
              "anonymous", "trace", o.deadline_ms, o.hash,     o.fingerprint, o.jobs_max,
              o.bytes_max};
    all.insert(all.end(), o.images.begin(), o.images.end());
    return all;
}

loaded_redis& redis_test::server() {
    return *shared_server();
}
void redis_test::SetUpTestSuite() {
    shared_server() = std::make_unique<loaded_redis>();
}
void redis_test::TearDownTestSuite() {
    shared_server().reset();
}

void redis_test::SetUp() {
    f.plain({"FLUSHALL"});
    f.plain({"SLOWLOG", "RESET"});
}

void redis_test::TearDown() {
    if (consistent_at_end_) {
        EXPECT_EQ(f.problems(), words{});
    }
}

words redis_test::train(int n, const std::string& label, const std::string& collection) {
    accept_options options;
    options.type = "train";
    options.label = label;
    options.collection = collection;
    return accept(n, options);
}

words redis_test::change(int n, const std::string& op, const std::string& a, const std::string& b,
                         const std::string& collection) {
    return f("change", {id_of(n), op, collection, a, b, "anonymous", "", "", ""});
}

words redis_test::enlist(const std::string& worker, int registration_ms) {
    return f("register", {worker, "1", std::to_string(registration_ms), "host", "1", "cpu", "b",
                          "recognize,train"});
}

std::string redis_test::lease(const std::string& worker, int outstanding, int lease_ms) {
    const words reply =
        f("lease", {worker, "1", std::to_string(outstanding), "1", std::to_string(lease_ms), ""});
    if (reply.at(0) != "ok" || reply.at(2) == "0") return {};
    f("started", {worker, reply.at(3), reply.at(4)});
    return reply.at(3);
}

words redis_test::complete(int n, const std::string& worker, const std::string& version,
                           int attempt) {
    return f("complete_recognize",
             {id_of(n), std::to_string(attempt), worker, version, "{\"faces\":[]}", ""});
}

words redis_test::commit(int n, const std::string& worker, int attempt, int faces,
                         const std::string& model) {
    words all{id_of(n), std::to_string(attempt), worker, model, "{\"files\":[]}"};
    for (int i = 0; i < faces; ++i) {
        all.push_back(id_of(n) + "-" + std::to_string(i));
        all.push_back("{\"job_id\":\"" + id_of(n) + "\",\"big\":1000000000000000}");
        all.push_back(vector_of('v'));
    }
    return f("complete_train", all);
}

words redis_test::fail(int n, const std::string& worker, const std::string& kind, int attempt,
                       int delay_ms) {
    return f("fail", {id_of(n), std::to_string(attempt), worker, kind, "{\"code\":\"no_face\"}",
                      std::to_string(delay_ms)});
}

void redis_test::teach(int n, const std::string& label, const std::string& collection) {
    enlist("teacher");
    ASSERT_EQ(train(n, label, collection).at(0), "ok");
    ASSERT_EQ(lease("teacher"), id_of(n));
    ASSERT_EQ(commit(n, "teacher").at(0), "succeeded");
    f("bye", {"teacher"});
}

std::string redis_test::version(const std::string& collection) {
    return f("version", {collection}).at(1);
}

words redis_test::people(const std::string& collection) {
    const words reply = f("faces", {collection, "", "100"});
    return {reply.begin() + 5, reply.end()};
}

}  // namespace vultus::test
