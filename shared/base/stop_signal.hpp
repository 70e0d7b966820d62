// SIGINT and SIGTERM as a file descriptor: after the first signal the process drains, the second
// ends it at once with exit code 130. Blocks both signals in the calling thread; construct it
// before other threads start.
#pragma once

namespace vultus {

class stop_signal {
 public:
    stop_signal();
    ~stop_signal();
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    int fd() const noexcept { return fd_; }  ///< readable once a signal came
    bool asked();                            ///< reads the descriptor; true after the first signal

 private:
    int fd_;
    bool asked_ = false;
};

}  // namespace vultus
