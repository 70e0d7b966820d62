// A page for each problem that the service reports: the `type` of a problem is its address. What
// each means and what to do about it is one list here.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/error.hpp"

namespace vultus::api {

struct problem_advice {
    errc code;
    std::string_view means;  ///< for whoever has the problem and never saw this program
    std::string_view to_do;
};

const problem_advice& advice_on(errc code) noexcept;

/// The page of a problem as HTML; empty for an unknown name. An empty name: the list of all.
std::string problem_page(std::string_view name);

}  // namespace vultus::api
