// One live channel (LIVE.md): receives frames from a message_channel, sends the newest to a worker
// and reports who is in it. Three coroutines: read() keeps one frame, the newest; look() processes
// one frame at a time, after the previous answer was written; write() sends. So memory is bounded,
// whatever the client does.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/http/message.hpp"
#include "api/live/json_live.hpp"
#include "api/live/live_options.hpp"
#include "api/live/live_tracks.hpp"
#include "api/services/services.hpp"
#include "shared/base/clock.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api {

class live_channel : public live_channels::member,
                     public std::enable_shared_from_this<live_channel> {
 public:
    /// `key`     of the client; null: access is open
    /// `holder`  whose share of the channels it uses
    live_channel(message_channel& channel, services& ctx, live_options options,
                 std::shared_ptr<const access_key> key, std::string holder);
    ~live_channel() override;

    /// Runs until the client leaves or the process stops.
    asio::awaitable<void> run();
    void stop(const error& why, int code) override;

 private:
    struct frame {
        std::uint64_t seq = 0;
        boot_time arrived{0};
        shared_bytes jpeg;
    };
    using problems = std::deque<std::string>;

    asio::awaitable<void> read();
    asio::awaitable<void> look();
    asio::awaitable<void> write();
    void read_frame(message_channel::message what);
    void read_settings(const message_channel::message& what);

    /// The version of the collection as it was read for an earlier frame, or for the first one.
    struct read_version {
        std::string collection;
        gallery_version version = 0;
        boot_time asked{0};   ///< before the call of Redis
        model_choice models;  ///< of a frame that names no detector
    };

    asio::awaitable<void> answer(const frame& one);
    /// Sends the frame to a worker and reads the gallery once, after the answer: what it reads
    /// decides about this answer and is what the next frame requires.
    /// returns   false if the answer must not be used, or if the collection was made anew with
    ///           another model, the first time that this frame is asked for: ask again
    asio::awaitable<result<bool>> ask(const frame& one, bool first_time);
    /// Reads the gallery, and keeps its version in newest_.
    asio::awaitable<result<watched_gallery>> read_gallery(const std::string& collection,
                                                          std::vector<std::string> people = {});
    /// The people whom the answer or a track may name, each once.
    std::vector<std::string> people_in(const live_answer& told) const;
    void note_names(const std::vector<named_face>& faces);
    std::vector<named_face> named(const live_answer& told, const std::vector<known_track>& known,
                                  boot_time now);
    void refuse(std::uint64_t seq, const error& why);
    void tell(std::string problem);
    void wake();
    void over();

    message_channel& channel_;
    services& ctx_;
    const std::string id_;
    const std::shared_ptr<const access_key> key_;
    live_options options_;
    std::uint64_t options_number_ = 0;  ///< increases with each change
    live_tracks tracks_;
    std::uint64_t seq_ = 0, dropped_ = 0;
    std::optional<frame> waiting_;
    std::optional<std::string> settings_, answer_;  ///< to be written
    std::uint64_t answered_ = 0;                    ///< seq of the frame that answer_ is about
    boot_time looked_{0};                           ///< when answer_ was checked
    problems problems_;                             ///< to be written
    std::map<errc, boot_time> said_;                ///< when an error of the service was last sent
    read_version newest_;                           ///< no collection: none was read
    asio::steady_timer look_, write_, ended_;
    int running_ = 0;
    bool stopping_ = false, over_ = false;
    error stop_why_;
    int stop_code_ = 0;
};

}  // namespace vultus::api
