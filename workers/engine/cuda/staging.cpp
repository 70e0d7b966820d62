#include "workers/engine/cuda/staging.hpp"

#include <cstring>

namespace vultus::cuda {

result<std::unique_ptr<staging>> staging::make(const std::shared_ptr<gpu_context>& device,
                                               std::size_t pieces, std::size_t picture_bytes,
                                               std::size_t number_bytes) {
    std::unique_ptr<staging> made(new staging);
    for (std::size_t i = 0; i < pieces; ++i) {
        auto one = std::make_unique<piece>();
        for (const auto& [to, bytes, what_for] :
             {std::tuple{&one->pictures, picture_bytes, "the pictures"},
              std::tuple{&one->numbers, number_bytes, "the results"}}) {
            auto taken = memory::take(device, memory::place::host, bytes, what_for);
            if (!taken) return fail(taken.error());
            std::memset(taken->data(), 0, bytes);
            *to = std::move(*taken);
        }
        event* arrived = nullptr;
        const int status = device->calls().make_event(device->gpu(), &arrived);
        if (const auto asked = device->tried(status, "an event"); !asked)
            return fail(asked.error());
        one->arrived = {arrived, drop_event{&device->calls()}};
        made->free_.push_back(one.get());
        made->all_.push_back(std::move(one));
    }
    return made;
}

staging::lent staging::lend() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !free_.empty(); });
    piece* one = free_.back();
    free_.pop_back();
    return lent(one, give_back{this});
}

void staging::give_back::operator()(piece* one) const noexcept {
    {
        const std::scoped_lock lock(to->mutex_);
        to->free_.push_back(one);  // there is room: it was in there
    }
    to->returned_.notify_one();
}

}  // namespace vultus::cuda
