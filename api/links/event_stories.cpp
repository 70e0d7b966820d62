// See event_stories.hpp.
#include "api/links/event_stories.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "api/links/event_story.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

constexpr std::chrono::milliseconds patience{5'000};  // each call of Redis has a shorter one

}  // namespace

asio::awaitable<std::shared_ptr<const event_stories::stories>> event_stories::of(
    std::vector<std::string> job_ids) {
    using shared_stories = std::shared_ptr<const stories>;
    if (job_ids.empty()) co_return std::make_shared<const stories>();
    if (!open_) {
        open_ = std::make_shared<round>();
        asio::co_spawn(io_, read(open_), asio::detached);
    }
    open_->ids.insert(std::make_move_iterator(job_ids.begin()),
                      std::make_move_iterator(job_ids.end()));
    const auto mine = std::make_shared<promise<shared_stories>>(io_.get_executor());
    open_->waiting.push_back(mine);
    auto told = co_await mine->wait(patience);
    if (told) co_return std::move(*told);
    co_return std::make_shared<const stories>();
}

asio::awaitable<void> event_stories::read(std::shared_ptr<round> mine) {
    co_await asio::post(io_, asio::use_awaitable);  // the others who were woken by the same event
    open_.reset();
    const auto told = std::make_shared<stories>();
    std::vector<std::string> ids;
    for (auto at = mine->ids.begin(); at != mine->ids.end();) {
        ids.clear();
        while (at != mine->ids.end() && ids.size() < limits::jobs_per_message) ids.push_back(*at++);
        const auto found = co_await redis_.call(jobs_.outcomes(ids));
        measured_.count("vultus_event_reads_total");
        if (!found) break;  // the events come without
        for (const job_outcome& one : *found) told->emplace(one.job.id, story_json(one));
    }
    for (const auto& who : mine->waiting) who->set(told);
}

}  // namespace vultus::api
