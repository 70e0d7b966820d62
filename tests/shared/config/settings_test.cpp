// The settings: config/vultus.toml has exactly the defaults, and an error names its file and line.
#include "shared/config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "shared/base/limits.hpp"
#include "shared/config/effective_settings.hpp"
#include "tests/support/temporary_folder.hpp"

namespace vultus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::UnorderedElementsAreArray;

const std::string own_file = std::string(VULTUS_SOURCE_DIR) + "/config/vultus.toml";

class written_file {
 public:
    explicit written_file(const std::string& text) { std::ofstream(path_) << text; }
    const std::string& path() const { return path_; }

 private:
    temporary_folder folder_;
    const std::string path_ = folder_.path() + "/vultus.toml";
};

std::string refusal(const settings_source& source) {
    const auto read = read_api_settings(source);
    return read ? "accepted" : read.error().detail;
}

std::string refusal_of(const std::string& text) {
    const written_file file(text);
    const std::string detail = refusal({file.path(), {}});
    return detail.starts_with(file.path()) ? detail.substr(file.path().size()) : detail;
}

/// All settings of the three programs, to compare two readings.
std::string printed(const settings_source& source) {
    std::string all;
    for (const char* program : {"vultus-broker", "vultus-worker", "vultus-api"}) {
        all += print_settings(source, program).value_or("refused: " + refusal(source));
    }
    return all;
}

/// section.key of each line `key = value` of the project's own file.
std::vector<std::string> keys_of_own_file() {
    std::ifstream file(own_file);
    std::vector<std::string> keys;
    std::string section;
    for (std::string line; std::getline(file, line);) {
        const std::size_t equals = line.find(" = ");
        if (line.starts_with('['))
            section = line.substr(1, line.size() - 2);
        else if (!line.starts_with('#') && equals != std::string::npos) {
            keys.push_back(section + "." + line.substr(0, equals));
        }
    }
    return keys;
}

TEST(settings, one_threshold_at_most) {
    for (const char* one : {"worker.distance_max=0.5", "worker.false_match_rate=0.001",
                            "worker.stranger_rate=0.05"}) {
        EXPECT_TRUE(read_worker_settings({own_file, {one}})) << one;
    }
    EXPECT_THAT(refusal({own_file, {"worker.distance_max=0.5", "worker.stranger_rate=0.05"}}),
                HasSubstr("only one of distance_max, false_match_rate and stranger_rate"));
    EXPECT_THAT(refusal({own_file, {"worker.false_match_rate=0.6"}}),
                HasSubstr("worker.false_match_rate"));
}

TEST(settings, the_projects_file_is_the_defaults) {
    EXPECT_EQ(printed({own_file, {}}), printed({}));
    for (const std::string& key : keys_of_own_file()) {
        EXPECT_THAT(printed({}), HasSubstr("\"" + key.substr(key.find('.') + 1) + "\": "));
    }
    EXPECT_THAT(printed({}), HasSubstr("data/run/redis.sock"));
}

/// section.key of each setting that settings.cpp reads.
std::vector<std::string> keys_of_the_code() {
    std::ifstream file(std::string(VULTUS_SOURCE_DIR) + "/shared/config/settings.cpp");
    std::vector<std::string> keys;
    std::string section;
    for (std::string line; std::getline(file, line);) {
        const std::size_t quote = line.find("(\"");
        const bool again =
            line.starts_with("    in.derived(") || line.starts_with("    in.secret(");
        if (!line.starts_with("    in.") || again || quote == std::string::npos) continue;
        const std::string name = line.substr(quote + 2, line.find('"', quote + 2) - quote - 2);
        if (line.starts_with("    in.section("))
            section = name;
        else
            keys.push_back(section + "." + name);
    }
    return keys;
}

TEST(settings, every_key_that_is_read_stands_in_the_file) {
    EXPECT_GT(keys_of_the_code().size(), 30U);
    EXPECT_THAT(keys_of_own_file(), UnorderedElementsAreArray(keys_of_the_code()));
}

TEST(settings, every_key_of_the_file_is_one_that_is_read) {
    // A value of the wrong kind is refused with the key's name only if the key is read.
    const auto keys = keys_of_own_file();
    for (const std::string& key : keys) {
        const std::string section = key.substr(0, key.find('.'));
        const std::string detail =
            refusal_of("[" + section + "]\n" + key.substr(section.size() + 1) + " = {x = 1}\n");
        EXPECT_THAT(detail, StartsWith(":2: " + key + ": must")) << key;
    }
}

TEST(settings, unknown_keys_and_sections_are_named_with_their_line) {
    EXPECT_EQ(refusal_of("[api]\nport = 1\nprot = 2\n"), ":3: api.prot: unknown setting");
    EXPECT_EQ(refusal_of("[worker]\ncolour = 2\n"), ":2: worker.colour: unknown setting");
    EXPECT_EQ(refusal_of("\n[appi]\nport = 1\n"), ":2: appi: unknown setting");
    EXPECT_EQ(refusal_of("port = 1\n"), ":1: port: unknown setting");
    EXPECT_EQ(refusal_of("api = 1\n"), ":1: api: must be a [section]");
    EXPECT_EQ(refusal({"", {"api.prot=1"}}), "--set api.prot: unknown setting");
}

TEST(settings, values_out_of_range_are_named_with_it) {
    EXPECT_EQ(refusal_of("[api]\nport = 65536\n"),
              ":2: api.port: must be an integer from 0 to 65535");
    EXPECT_EQ(refusal_of("[api]\nport = \"5000\"\n"),
              ":2: api.port: must be an integer from 0 to 65535");
    EXPECT_EQ(refusal_of("[api]\nport = 5000.0\n"),
              ":2: api.port: must be an integer from 0 to 65535");
    EXPECT_EQ(refusal_of("[api]\nport = 0\n"), "accepted");
    EXPECT_EQ(refusal_of("[api]\nport = 65535\n"), "accepted");
    EXPECT_EQ(refusal_of("[worker]\nmargin_min = 1.01\n"),
              ":2: worker.margin_min: must be a number from 0 to 1");
    EXPECT_EQ(refusal_of("[worker]\nmargin_min = 1\n"), "accepted");
    EXPECT_EQ(refusal_of("[worker]\ndevice = \"cuda:x\"\n"),
              ":2: worker.device: must be auto, cpu or cuda:N");
    EXPECT_EQ(refusal_of("[worker]\nbackend = \"cuda\"\n"),
              ":2: worker.backend: must be onednn or reference");
    EXPECT_EQ(refusal_of("[worker]\nprecision = \"int8\"\n"),
              ":2: worker.precision: must be auto, fp32, bf16, fp16 or tf32");
    for (const std::string both : {"device = \"cpu\"\nprecision = \"fp16\"\n",
                                   "device = \"cuda:0\"\nprecision = \"bf16\"\n"}) {
        EXPECT_EQ(refusal_of("[worker]\n" + both),
                  ":3: worker.precision: must be auto, fp16 or tf32 on a GPU, auto, fp32 or "
                  "bf16 on a CPU");
    }
    EXPECT_EQ(refusal_of("[worker]\ndevice = \"cuda:1\"\nprecision = \"tf32\"\n"), "accepted");
    EXPECT_EQ(refusal_of("[worker]\ngpu_memory_mib = -1\n"),
              ":2: worker.gpu_memory_mib: must be an integer from 0 to 1000000");
    EXPECT_EQ(refusal_of("[worker]\nbackend = \"reference\"\nprecision = \"fp32\"\n"), "accepted");
    EXPECT_EQ(refusal_of("[worker]\nbackend = \"reference\"\nprecision = \"bf16\"\n"),
              ":3: worker.precision: must be auto or fp32 with backend = reference");
    EXPECT_EQ(refusal_of("[common]\nlog_level = \"loud\"\n"),
              ":2: common.log_level: must be one of debug, info, warning, error");
    for (const char* good : {"", "/faces", "/a/b-c_d.e~f"}) {
        EXPECT_EQ(refusal_of("[api]\nbase_path = \"" + std::string(good) + "\"\n"), "accepted");
    }
    for (const char* bad :
         {"a", "/", "/a/", "//a", "/a b", "/api", "/problems/x", "/../a", "/%41"}) {
        EXPECT_EQ(refusal_of("[api]\nbase_path = \"" + std::string(bad) + "\"\n"),
                  ":2: api.base_path: must be empty or a path such as /faces: letters, digits, "
                  "- . _ ~")
            << bad;
    }
    EXPECT_EQ(refusal_of("[api]\naccess = \"none\"\n"),
              ":2: api.access: must be one of auto, keys, open");
    EXPECT_EQ(refusal_of("[api]\ninsecure = 1\n"), ":2: api.insecure: must be true or false");
    EXPECT_EQ(refusal({"", {"api.queue_jobs_max=" + std::to_string(limits::queue_jobs + 1)}}),
              "--set api.queue_jobs_max: must be an integer from 1 to 10000");
}

TEST(settings, a_file_that_is_no_toml_is_refused_with_its_line) {
    EXPECT_THAT(refusal_of("[api]\nport = = 3\n"), StartsWith(":2: "));
    EXPECT_THAT(refusal({"/nowhere/vultus.toml", {}}), StartsWith("/nowhere/vultus.toml"));
}

TEST(settings, a_character_that_is_not_ascii_stands_in_quotes_or_a_comment) {
    const std::string rule = "non-ASCII character outside quotes";
    EXPECT_EQ(refusal_of("[common]\ndata\xC3\xA4 = 1\n"), ":2: " + rule);
    EXPECT_EQ(refusal_of("\xEF\xBB\xBF[api]\n# \xC3\xA4\na\xEF\xBB\xBF; = 1\n"), ":3: " + rule);
    EXPECT_EQ(refusal_of("[common]\ndata = \"\\\"x\" \xC3\xA4\n"), ":2: " + rule);
    EXPECT_EQ(refusal_of("[common]\ndata = \"\"\"\\\xC3\xA4\"\"\"\n"), ":2: " + rule);
    const written_file good(
        "\xEF\xBB\xBF# gr\xC3\xBC\xC3\x9F\n[common]\n"
        "data = \"m\xC3\xBCller\"  # \xE2\x80\x83\n[redis]\nuser = '\xC3\xA9'\n");
    const auto api = read_api_settings({good.path(), {"redis.password=gr\xC3\xBC\xC3\x9F"}});
    ASSERT_TRUE(api) << api.error().detail;
    EXPECT_EQ(api->common.data, "m\xC3\xBCller");
    EXPECT_EQ(api->common.redis.user, "\xC3\xA9");
    EXPECT_EQ(api->common.redis.password, "gr\xC3\xBC\xC3\x9F");
}

TEST(settings, a_file_that_is_no_file_or_endless_is_refused) {
    EXPECT_THAT(refusal({testing::TempDir(), {}}), HasSubstr("cannot be read"));
    EXPECT_THAT(refusal({"/dev/zero", {}}), HasSubstr("is larger than 1 MiB"));
}

TEST(settings, set_goes_over_the_file_and_needs_no_quotes) {
    const written_file file("[api]\nport = 1\nbind = \"::1\"\n");
    const auto api = read_api_settings(
        {file.path(),
         {"api.port=2", "api.port=3", "common.data=/tmp/x y", "api.allowed_hosts=[\"a\", \"b\"]",
          "redis.password=12345", "redis.port=7000"}});
    ASSERT_TRUE(api) << api.error().detail;
    EXPECT_EQ(api->port, 3);
    EXPECT_EQ(api->bind, "::1");
    EXPECT_EQ(api->common.data, "/tmp/x y");
    EXPECT_EQ(api->common.redis.password, "12345");
    EXPECT_EQ(api->common.redis.unix_socket, "") << "a port says TCP";
    EXPECT_THAT(api->allowed_hosts, ElementsAre("a", "b"));
    EXPECT_THAT(api->common.broker_api_endpoints,
                ElementsAre("ipc:///tmp/x y/run/broker-api.sock"));
    for (const std::string bad : {"", "port=1", "api.=1", ".port=1", "api.port"}) {
        EXPECT_THAT(refusal({"", {bad}}), HasSubstr("section.key=value")) << bad;
    }
}

TEST(settings, paths_too_long_for_a_socket_are_refused) {
    EXPECT_THAT(refusal({"", {"common.data=" + std::string(100, 'd')}}), HasSubstr("107"));
    EXPECT_EQ(refusal({"", {"common.data=" + std::string(80, 'd')}}), "accepted");
}

TEST(settings, the_password_may_come_from_a_file) {
    const written_file secret("s3cret\nmore\n");
    EXPECT_THAT(refusal({"", {"redis.password_file=" + secret.path()}}),
                HasSubstr("is readable by others"));
    chmod(secret.path().c_str(), 0600);
    const auto api = read_api_settings({"", {"redis.password_file=" + secret.path()}});
    ASSERT_TRUE(api) << api.error().detail;
    EXPECT_EQ(api->common.redis.password, "s3cret");
    EXPECT_THAT(refusal({"", {"redis.password_file=/nowhere"}}), HasSubstr("does not exist"));
    EXPECT_THAT(refusal({"", {"redis.password_file=" + secret.path(), "redis.password=x"}}),
                HasSubstr("cannot be combined with"));
}

TEST(settings, links_that_leave_the_machine_need_keys) {
    const auto with = [](const char* list, const std::string& endpoint) {
        return refusal({"", {std::string("common.") + list + "=[\"" + endpoint + "\"]"}});
    };
    for (const char* list : {"broker_api_endpoints", "broker_worker_endpoints"}) {
        for (const char* near : {"ipc:///x", "tcp://127.0.0.1:1", "tcp://127.8.9.1:1",
                                 "tcp://localhost:1", "tcp://[::1]:1", "tcp://127.0.0.1:*"}) {
            EXPECT_EQ(with(list, near), "accepted") << near;
        }
        for (const char* far : {"tcp://10.0.0.1:1", "tcp://*:1", "tcp://0.0.0.0:1", "tcp://eth0:1",
                                "tcp://[::]:1", "tcp://128.0.0.1:1", "tcp://localhost.evil:1",
                                "tcp://127.0.0.1.evil:1", "tcp://[fe80::1]:1", "tcp://::1"}) {
            EXPECT_EQ(with(list, far),
                      "--set curve.key_file: must be set for tcp endpoints on other machines: "
                      "create keys with `vultusctl curve make` (shared/CURVE.md)")
                << far;
        }
    }
    EXPECT_EQ(refusal({"",
                       {"common.broker_api_endpoints=[\"ipc:///x\", \"tcp://10.0.0.1:1\"]",
                        "curve.insecure=true"}}),
              "accepted");
}

TEST(settings, keys_of_links_are_whole_or_absent) {
    const std::string digits(64, '7');
    const written_file secret(digits + "\n");
    chmod(secret.path().c_str(), 0600);
    const std::string key = "curve.key_file=" + secret.path(), list = "curve.allow_list=/x";
    const std::string broker = "curve.broker_key=" + digits, far = "tcp://10.0.0.1:1";
    const auto api =
        read_api_settings({"", {key, broker, "common.broker_api_endpoints=[\"" + far + "\"]"}});
    ASSERT_TRUE(api) << api.error().detail;
    EXPECT_EQ(api->common.curve.own, std::string(32, '\x77'));
    EXPECT_EQ(api->common.curve.broker_key, std::string(32, '\x77'));
    EXPECT_THAT(refusal({"", {key}}), StartsWith("--set curve.broker_key: must be"));
    EXPECT_THAT(refusal({"", {key, "curve.broker_key=77"}}), HasSubstr("64 hexadecimal digits"));
    EXPECT_THAT(refusal({"", {broker}}), StartsWith("--set curve.key_file: must be set"));
    EXPECT_THAT(refusal({"", {"curve.key_file=/nowhere", broker}}),
                HasSubstr("/nowhere does not exist"));
    const auto of_broker = [](std::vector<std::string> words) {
        const auto read = read_broker_settings({"", std::move(words)});
        return read ? "accepted " + read->common.curve.allow_list : read.error().detail;
    };
    EXPECT_EQ(of_broker({key, list}), "accepted /x");
    EXPECT_EQ(of_broker({key, list, broker}), "accepted /x") << "one file for all processes";
    EXPECT_THAT(of_broker({key}), StartsWith("--set curve.allow_list: must be set"));
    EXPECT_THAT(of_broker({key, broker}), StartsWith("--set curve.allow_list: must be set"));
    EXPECT_THAT(of_broker({list}), StartsWith("--set curve.key_file: must be set"));
    chmod(secret.path().c_str(), 0604);
    EXPECT_THAT(of_broker({key, list}), HasSubstr("is readable by others: chmod 600"));
    EXPECT_THAT(of_broker({key, list}), testing::Not(HasSubstr("7777")));
}

command_line parsed(std::vector<std::string> words) {
    words.insert(words.begin(), "vultus-api");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return parse_command_line(static_cast<int>(argv.size()), argv.data(), "vultus-api");
}

TEST(command_line, gives_the_source_or_the_exit_code) {
    const auto plain = parsed({"--config", "f.toml", "--set", "a.b=1", "--set", "c.d=2"});
    EXPECT_EQ(plain.exit_code, -1);
    EXPECT_EQ(plain.source.file, "f.toml");
    EXPECT_THAT(plain.source.overrides, ElementsAre("a.b=1", "c.d=2"));
    EXPECT_EQ(parsed({"--version"}).exit_code, 0);
    EXPECT_EQ(parsed({"--help"}).exit_code, 0);
    EXPECT_EQ(parsed({"--colour"}).exit_code, 2);
    EXPECT_EQ(parsed({"--check-config", "--config", own_file}).exit_code, 0);
    EXPECT_EQ(parsed({"--check-config", "--set", "api.prot=1"}).exit_code, 2);
}

}  // namespace
}  // namespace vultus
