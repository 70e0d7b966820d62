// A dialog to choose a photo: the desktop's program (zenity or kdialog), because OpenCV has no
// dialogs. It runs as a child process without blocking the caller.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace vultus::camera {

/// threads   one owner
class chooser {
 public:
    chooser() = default;
    ~chooser();  ///< closes the dialog
    chooser(const chooser&) = delete;
    chooser& operator=(const chooser&) = delete;

    /// Opens the dialog, unless it is open. False: neither program is installed.
    bool open();
    /// The chosen file, once; nothing while the dialog is open and after a cancel.
    std::optional<std::string> chosen();

 private:
    pid_t child_ = -1;
    int pipe_ = -1;
    std::string said_;
};

}  // namespace vultus::camera
