// The key in a request, the access mode of the settings, and the rules of all routes as text.
#include "api/http/access_rule.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "api/access/access_control.hpp"
#include "shared/security/secret.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

TEST(presented_key, stands_in_one_of_two_fields) {
    EXPECT_EQ(*presented_key({{"Host", "x"}}), "");
    EXPECT_EQ(*presented_key({{"Authorization", "Bearer k"}}), "k");
    EXPECT_EQ(*presented_key({{"authorization", "bearer  k "}}), "k");
    EXPECT_EQ(*presented_key({{"X-API-Key", "k"}}), "k");
    struct row {
        headers fields;
        errc code;
    };
    for (const auto& [fields, code] :
         {row{{{"Authorization", "Basic a"}}, errc::unauthorized},
          row{{{"Authorization", "k"}}, errc::unauthorized},
          row{{{"Authorization", "Bearer"}}, errc::unauthorized},
          row{{{"Authorization", "Bearer k"}, {"X-Api-Key", "k"}}, errc::malformed},
          row{{{"X-Api-Key", "k"}, {"x-api-key", "k"}}, errc::malformed}}) {
        const auto key = presented_key(fields);
        ASSERT_FALSE(key) << fields[0].second;
        EXPECT_EQ(key.error().code, code) << fields[0].second;
    }
}

std::string reach_text(reach how) {
    switch (how) {
        case reach::nothing:
            return "-";
        case reach::by_field:
            return "collection: 403";
        case reach::by_path:
            return "collection in the path: 403";
        case reach::by_job:
            return "collection of the job: 404";
        case reach::listing:
            return "left out";
    }
    return "?";
}

TEST(routes, every_rule_is_as_it_was_agreed) {
    std::string now;
    std::vector<route_row> rows(route_table().begin(), route_table().end());
    rows.insert(rows.end(), compat_table().begin(), compat_table().end());
    for (const auto& row : rows) {
        for (const auto* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
            const auto& rule = rule_for(row, method);
            if (!rule.is_there()) continue;
            now += std::string(method) + " " + std::string(row.pattern) + " | " + text_of(rule) +
                   " | " + reach_text(row.collection) + "\n";
        }
    }
    const std::string path = std::string(VULTUS_SOURCE_DIR) + "/tests/golden/access.txt";
    if (std::getenv("VULTUS_UPDATE_GOLDENS") != nullptr) std::ofstream(path) << now;
    std::ifstream file(path);
    EXPECT_EQ(now, std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST(choose_access, by_address_and_settings) {
    temporary_folder folder;
    struct row {
        const char* bind;
        const char* access;
        bool insecure;
        const char* wanted;  ///< open, must (keys, and one must be there), refused
    };
    const auto chosen = [&](const row& one) -> std::string {
        api_settings settings;
        settings.bind = one.bind;
        settings.access = one.access;
        settings.insecure = one.insecure;
        settings.secret_file = folder.path() + "/access.secret";
        const auto choice = choose_access(settings);
        if (!choice) return choice.error().code == errc::bad_option ? "refused" : "?";
        return choice->open ? "open" : choice->must_have_keys ? "must" : "?";
    };
    const auto check = [&](const std::vector<row>& rows) {
        for (const auto& one : rows) {
            EXPECT_EQ(chosen(one), one.wanted) << one.bind << " " << one.access << one.insecure;
        }
    };
    check({{"127.0.0.1", "auto", false, "open"},
           {"127.1.2.3", "auto", false, "open"},
           {"::1", "auto", false, "open"},
           {"localhost", "open", false, "open"},
           {"127.0.0.1", "keys", false, "refused"},
           {"0.0.0.0", "auto", false, "refused"},
           {"::", "auto", false, "refused"},
           {"10.0.0.1", "keys", false, "refused"},
           {"10.0.0.1", "keys", true, "refused"},
           {"photos.example", "auto", false, "refused"},
           {"0.0.0.0", "open", false, "refused"},
           {"0.0.0.0", "open", true, "open"},
           {"0.0.0.0", "auto", true, "open"}});
    ASSERT_TRUE(make_secret_file(folder.path() + "/access.secret"));
    check({{"0.0.0.0", "auto", false, "must"},
           {"0.0.0.0", "open", false, "refused"},
           {"127.0.0.1", "keys", false, "must"}});
    std::ofstream(folder.path() + "/access.secret") << "cut";
    check({{"127.0.0.1", "keys", false, "refused"}, {"127.0.0.1", "auto", false, "open"}});
}

TEST(choose_access, a_refusal_names_the_command) {
    api_settings settings;
    settings.bind = "0.0.0.0";
    settings.secret_file = "/nowhere/access.secret";
    const auto choice = choose_access(settings);
    ASSERT_FALSE(choice);
    for (const char* command : {"./run --ctl key create --scopes ", "./run --ctl user add ",
                                "vultusctl --data DATA key create "}) {
        EXPECT_NE(choice.error().detail.find(command), std::string::npos) << command;
    }
    EXPECT_EQ(choice.error().detail.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace vultus::api::testing
