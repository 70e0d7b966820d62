// What g++ 12 compiles wrongly in coroutines is not written.
#include <gtest/gtest.h>

#include <string>

#include "tests/tidy/sources_support.hpp"

namespace vultus::testing {
namespace {

// g++ 12 destroys the value of `condition ? co_await a : b` twice. (By hand: its std::regex gives
// false warnings.)
bool branch_waits(const std::string& code, std::size_t await) {
    const auto before = code.find_last_not_of(" \n", await - 1);
    if (await == 0 || before == std::string::npos) return false;
    if (code[before] == '?') return true;
    const auto condition = code.find_last_of("?,;{}", before);
    return code[before] == ':' && condition != std::string::npos && code[condition] == '?';
}

// It also destroys twice what braces make among the arguments of a call that is awaited.
bool waits_for_braces(const std::string& code, std::size_t await) {
    const std::string call = code.substr(await, code.find(';', await) - await);
    for (auto at = call.find('{'); at != std::string::npos; at = call.find('{', at + 1)) {
        const auto before = call.find_last_not_of(" \n", at - 1);
        const auto after = call.find_first_not_of(" \n", at + 1);
        if (before == std::string::npos || after == std::string::npos) continue;
        if ((call[before] == '(' || call[before] == ',') && call[after] != '}') return true;
    }
    return false;
}

TEST(tidy, no_branch_of_a_condition_waits) {
    EXPECT_TRUE(branch_waits("a ? b() : c", 4));
    EXPECT_TRUE(branch_waits("a ? b :\n c()", 9));
    EXPECT_FALSE(branch_waits("a ? b : c; d()", 11));
    EXPECT_FALSE(branch_waits("for (a : b())", 9));
    for (const auto& file : sources()) {
        std::string text;
        for (const auto& line : file.lines) {
            text += line.substr(0, line.find("//")) + "\n";
        }
        for (auto at = text.find("co_await"); at != std::string::npos;
             at = text.find("co_await", at + 1)) {
            EXPECT_FALSE(branch_waits(text, at)) << file.name << ": " << text.substr(at, 40);
            EXPECT_FALSE(waits_for_braces(text, at)) << file.name << ": " << text.substr(at, 40);
        }
    }
}

}  // namespace
}  // namespace vultus::testing
