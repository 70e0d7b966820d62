// How roles of the store build a call and parse its reply: every function of the Redis library
// replies with a flat array of strings, the first of which is a status word (REDIS.md,
// "Functions"). Included by the .cpp files of the roles only. Pure.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus {
struct job_record;
}

namespace vultus::store_reply {

/// The error code for an error reply of Redis: out of memory, unavailable, or a defect.
error error_of(std::string_view text);

/// "7" of the routing id "worker.7"; a text without a dot is taken as the number.
std::string connection_number(std::string_view routing_id);

std::string joined(const std::vector<std::string>& words, char between);

/// The fields of one reply, read in order. Reading past the end or a malformed number makes it bad
/// and returns "" or 0, so that a reader need not check each field.
class fields {
 public:
    explicit fields(std::vector<redis_reply> items) : items_(std::move(items)) {}

    std::string text() {
        if (at_ >= items_.size()) {
            bad_ = true;
            return {};
        }
        redis_reply& one = items_[at_++];
        if (one.type == redis_reply::kind::integer) return std::to_string(one.integer);
        return std::move(one.text);
    }
    template <class Number = std::uint64_t>
    Number number() {
        const std::string digits = text();
        Number value{};
        if (digits.empty()) return value;  // an absent field
        const auto end = digits.data() + digits.size();
        const auto [stop, code] = std::from_chars(digits.data(), end, value);
        if (code != std::errc() || stop != end) bad_ = true;
        return value;
    }
    unix_time time() { return unix_time(number<std::int64_t>()); }
    /// Whether text() would give a value and not a missing one.
    bool next_is_text() const noexcept {
        return at_ < items_.size() && items_[at_].type == redis_reply::kind::text;
    }
    bool more() const noexcept { return at_ < items_.size() && !bad_; }
    bool bad() const noexcept { return bad_; }
    void set_bad() noexcept { bad_ = true; }
    std::vector<redis_reply>& items() noexcept { return items_; }

 private:
    std::vector<redis_reply> items_;
    std::size_t at_ = 0;
    bool bad_ = false;
};

inline tl::unexpected<error> unexpected_reply(std::string_view status = "") {
    return fail(errc::internal, "unexpected reply from Redis: " + std::string(status));
}

/// A call whose reply is an array; `read` gets it and gives result<T>.
template <class T, class Read>
redis_call<T> array_call(std::vector<std::string> words, Read read) {
    return {std::move(words), [read = std::move(read)](redis_reply&& reply) -> result<T> {
                if (reply.is_error()) return fail(error_of(reply.text));
                if (reply.type != redis_reply::kind::array) return unexpected_reply("no array");
                fields all(std::move(reply.items));
                result<T> made = read(all);
                if (all.bad()) return unexpected_reply("a field is missing or no number");
                return made;
            }};
}

/// A call of a function; `read` gets the status word and what follows.
template <class T, class Read>
redis_call<T> function_call(std::string_view name, const std::string& prefix,
                            std::vector<std::string> arguments, Read read) {
    std::vector<std::string> words{"FCALL", "vultus1_" + std::string(name), "1", prefix};
    words.insert(words.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
    return array_call<T>(std::move(words), [read = std::move(read)](fields& all) -> result<T> {
        const std::string status = all.text();
        return read(status, all);
    });
}

inline std::string text_of(std::chrono::milliseconds time) {
    return std::to_string(time.count());
}

/// Whether a SCAN may continue at this cursor: a number other than `before`, or "0", the end. A
/// peer that is not Redis could otherwise keep the caller in a loop.
bool is_next_cursor(std::string_view cursor, std::string_view before) noexcept;

/// The error for a job that does not exist: not_found or collected.
tl::unexpected<error> no_such_job(std::string_view status);

/// Of a collection: '1' keeps pictures, '0' does not, '' has made no choice.
inline std::optional<bool> picture_choice(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return text == "1";
}

/// A job from its fields, name and value in turns, up to the end of the reply (job_reader.cpp).
job_record record_of(std::string id, fields& all);

}  // namespace vultus::store_reply
