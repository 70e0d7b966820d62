// Which of cuDNN's ways computes each convolution: asked once for each shape, tried against each
// other where a network is made ready, and kept as long as a program uses it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workers/engine/cuda/gpu_context.hpp"
#include "workers/engine/cuda/program.hpp"

namespace vultus::cuda {

/// Memory that a plan may use beside the values, where there is a choice. A larger need is met by a
/// way that is slower and needs less.
constexpr std::size_t workspace_most = std::size_t{64} << 20;

/// Ways that are measured for a shape, and how often each runs.
constexpr int ways_timed = 6, rounds_timed = 4;

/// A plan, dropped with the last program that has it.
/// requires  the turn when it is dropped
struct chosen_plan {
    chosen_plan(const table& calls, convolution_plan* made, const plan_info& needs)
        : way(made), info(needs), calls_(calls) {}
    chosen_plan(const chosen_plan&) = delete;
    chosen_plan& operator=(const chosen_plan&) = delete;
    ~chosen_plan() { calls_.drop_plan(way); }

    convolution_plan* const way;
    const plan_info info;

 private:
    const table& calls_;
};
using shared_plan = std::shared_ptr<const chosen_plan>;

/// requires  the turn in every call
class plan_choice {
 public:
    explicit plan_choice(std::shared_ptr<gpu_context> device) : device_(std::move(device)) {}

    /// The library's favourite way that needs at most that workspace, or the one in use.
    /// errors    bad_option: too little memory; device_fault: no way, or the GPU fails
    result<shared_plan> plan_for(const convolution&, std::size_t workspace_max);

    /// The fastest of the first ways_timed on this GPU, now and whenever the shape comes again
    /// while something keeps it. `where` has no workspace yet; what lies in y is overwritten.
    /// errors    as above
    result<shared_plan> fastest_for(const convolution&, convolution_memory where,
                                    const memory& workspace);

 private:
    shared_plan kept(const convolution&, std::size_t workspace_max);
    /// The first way from `rank` on that needs at most that workspace; empty: there is none.
    result<shared_plan> next(const convolution&, int& rank, std::size_t workspace_max);

    std::shared_ptr<gpu_context> device_;
    std::vector<std::pair<convolution, std::weak_ptr<const chosen_plan>>> known_;
};

/// How often each engine, by its number alone, computes one of these: "32 x 3, 41 x 9".
std::string engines_of(const std::vector<shared_plan>&);

}  // namespace vultus::cuda
