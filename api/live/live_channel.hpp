// One live session (LIVE.md): takes frames from a message_channel, has the newest looked at by a
// worker, and tells who is on it. Three coroutines that never wait for one another longer than they
// must: reading (keeps one frame, the newest), looking (one frame at a time, and only when the
// answer before it is written), and writing. So memory is bounded whatever the client does.
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

namespace vultus::api {

class live_channel : public live_channels::member,
                     public std::enable_shared_from_this<live_channel> {
 public:
    /// `key`     whose session it is; null: access is open
    /// `holder`  whose share of the places it counts for
    live_channel(message_channel& channel, services& ctx, live_options options,
                 std::shared_ptr<const access_key> key, std::string holder);
    ~live_channel() override;

    /// Until the client leaves, or the process stops.
    asio::awaitable<void> run();
    void stop(const error& why, int code) override;

 private:
    struct frame {
        std::uint64_t seq = 0;
        boot_time arrived{0};
        std::string jpeg;
    };
    using problems = std::deque<std::string>;

    asio::awaitable<void> read();
    asio::awaitable<void> look();
    asio::awaitable<void> write();
    void read_frame(message_channel::message what);
    void read_settings(const message_channel::message& what);

    asio::awaitable<void> answer(const frame& one);
    /// Asks a worker about the frame.
    /// returns   false if a removal overtook the answer, which is then worth nothing
    asio::awaitable<result<bool>> ask(const frame& one);
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
    std::uint64_t options_number_ = 0;  ///< grows with each change
    live_tracks tracks_;
    std::uint64_t seq_ = 0, dropped_ = 0;
    std::optional<frame> waiting_;
    std::optional<std::string> settings_, answer_;  ///< to be written
    std::uint64_t answered_ = 0;                    ///< seq of the frame that answer_ is about
    boot_time looked_{0};                           ///< when answer_ was right
    problems problems_;                             ///< to be written
    std::map<errc, boot_time> said_;                ///< when a trouble of the service was last told
    asio::steady_timer look_, write_, ended_;
    int running_ = 0;
    bool stopping_ = false, over_ = false;
    error stop_why_;
    int stop_code_ = 0;
};

}  // namespace vultus::api
