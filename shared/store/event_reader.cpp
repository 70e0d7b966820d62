// See event_reader.hpp.
#include "shared/store/event_reader.hpp"

#include <cstdlib>

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

/// The entries of a stream as XREAD and XRANGE give them: [id, [name, value, ...]].
event event_of(redis_reply entry) {
    event one;
    if (entry.items.size() != 2) return one;
    one.id = std::move(entry.items[0].text);
    auto& pairs = entry.items[1].items;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const std::string& name = pairs[i].text;
        std::string& value = pairs[i + 1].text;
        if (name == "job")
            one.job_id = std::move(value);
        else if (name == "from")
            one.from = std::move(value);
        else if (name == "to" || name == "state")
            one.to = std::move(value);
        else if (name == "why")
            one.why = std::move(value);
        else if (name == "worker")
            one.worker = std::move(value);
        else if (name == "type")
            one.type = std::move(value);
        else if (name == "collection")
            one.collection = std::move(value);
        else if (name == "attempt")
            one.attempt = std::strtoull(value.c_str(), nullptr, 10);
    }
    return one;
}

redis_call<std::string> one_id(std::vector<std::string> words) {
    return array_call<std::string>(std::move(words), [](fields& all) -> result<std::string> {
        if (all.items().empty()) return std::string("0-0");
        auto& entry = all.items().front();
        if (entry.items.empty()) return unexpected_reply("a stream's entry");
        return std::move(entry.items.front().text);
    });
}

}  // namespace

redis_call<std::vector<event>> event_reader::events_after(const std::string& last_id,
                                                          std::size_t count,
                                                          std::chrono::milliseconds block) const {
    std::vector<std::string> words{"XREAD", "COUNT", std::to_string(count)};
    if (block.count() > 0) {
        words.emplace_back("BLOCK");
        words.push_back(text_of(block));
    }
    words.insert(words.end(), {"STREAMS", context_.key("events"), last_id});
    return {std::move(words), [](redis_reply&& reply) -> result<std::vector<event>> {
                std::vector<event> events;
                if (reply.is_error()) return fail(error_of(reply.text));
                if (reply.type == redis_reply::kind::nil) return events;
                if (reply.items.size() != 1 || reply.items[0].items.size() != 2) {
                    return unexpected_reply("a stream");
                }
                for (redis_reply& entry : reply.items[0].items[1].items) {
                    events.push_back(event_of(std::move(entry)));
                }
                return events;
            }};
}

redis_call<std::string> event_reader::last_event_id() const {
    return one_id({"XREVRANGE", context_.key("events"), "+", "-", "COUNT", "1"});
}

redis_call<std::string> event_reader::oldest_event_id() const {
    return one_id({"XRANGE", context_.key("events"), "-", "+", "COUNT", "1"});
}

}  // namespace vultus
