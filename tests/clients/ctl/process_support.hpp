// Runs a program and keeps what it wrote.
#pragma once

#include <string>
#include <vector>

namespace vultus::ctl {

struct outcome {
    int code = -1;  ///< exit code; 128 + n after signal n
    std::string out, err;
};

/// Runs the program to its end. `output`: where its standard output goes instead of `out`.
/// `input`: what it reads.
outcome run_program(const std::vector<std::string>& words, const std::string& output = "",
                    const std::string& input = "/dev/null");

}  // namespace vultus::ctl
