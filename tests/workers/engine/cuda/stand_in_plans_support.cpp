// Ways to compute a convolution, as a library has them: each needs another workspace, the favourite
// the most, and which is the fastest differs from shape to shape.
#include <cstdio>
#include <cstring>

#include "tests/workers/engine/cuda/stand_in_calls_support.hpp"
#include "tests/workers/engine/cuda/stand_in_convolution_support.hpp"

namespace vultus::testing {
namespace {

using cuda::convolution;
using cuda::convolution_memory;
using cuda::plan_info;

constexpr int ways = 4;

std::size_t workspace_of(const stand_in_state& all, const convolution& what, int rank) {
    const auto each = all.options.workspace_step +
                      static_cast<std::size_t>(what.batch * what.window_rows * what.window_columns);
    return static_cast<std::size_t>(ways - 1 - rank) * each;
}

int fastest(const convolution& what) {
    return (what.rows + what.inputs + what.stride) % ways;
}

piece_of_work looked_at_plan(const stand_in_state& all, const convolution_plan& by,
                             const convolution_memory& where) {
    piece_of_work looked = looked_at(by.what, where, workspace_of(all, by.what, by.rank));
    looked.kind += " by " + std::to_string(by.rank);
    return looked;
}

int make_plan(stream* line, const convolution& what, int rank, convolution_plan** made,
              plan_info* info) {
    return on_stream(line, true, [&](stand_in_state& all) {
        if (rank >= ways) return cuda::ways_ended;
        if (rank < all.options.ways_refused) return cuda::way_refused;
        *made = new convolution_plan{line, what, rank};
        all.plans.insert(*made);
        std::snprintf(info->engine, sizeof info->engine, "%d 2=5", rank);
        info->workspace_bytes = workspace_of(all, what, rank);
        return 0;
    });
}

void drop_plan(convolution_plan* made) {
    stand_in_state& all = *made->line->on->of;
    const std::lock_guard lock(all.mutex);
    all.finish(made->line);
    all.plans.erase(made);
    delete made;
}

int run_plan(stream* line, convolution_plan* by, const convolution_memory& where) {
    return on_stream(line, false, [&](stand_in_state& all) {
        if (!all.plans.contains(by)) return all.refuse("a plan that is not there");
        if (by->line != line) return all.refuse("a plan of another stream");
        const convolution what = by->what;
        const std::size_t workspace = workspace_of(all, what, by->rank);
        const bool is_fastest = by->rank == fastest(what);
        const auto run = [=, &all] {
            all.by_the_fastest += is_fastest;
            if (workspace > 0) std::memset(where.workspace, 0xFF, workspace);
            convolve_in_loops(what, where);
        };
        return enqueue(all, line, looked_at_plan(all, *by, where), run, by);
    });
}

int time_plan(stream* line, convolution_plan* by, const convolution_memory& where, int rounds,
              float* milliseconds) {
    return on_stream(line, true, [&](stand_in_state& all) {
        if (!all.plans.contains(by)) return all.refuse("a plan that is not there");
        const piece_of_work looked = looked_at_plan(all, *by, where);
        if (!looked.wrong.empty()) return all.refuse(looked.wrong);
        if (!all.all_there(looked.touches, line->on)) return all.refuse("memory that is not there");
        if (rounds < 1) return all.refuse("no rounds");
        all.finish(line);
        all.loaded.insert({line->on, looked.kind});
        ++all.ways_timed;
        *milliseconds = by->rank == fastest(by->what) ? 0.5f : 1.0f;
        return all.broken;
    });
}

}  // namespace

void put_plan_calls(cuda::table& t) {
    t.make_plan = make_plan;
    t.drop_plan = drop_plan;
    t.convolve = run_plan;
    t.time_plan = time_plan;
}

}  // namespace vultus::testing
