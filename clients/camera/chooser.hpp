// A dialog to choose a photo: the desktop's own program (zenity or kdialog), as OpenCV's windows
// have none. It runs beside; nobody waits for it.
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
    /// What the user chose, once; nothing as long as he looks, and if he chose none.
    std::optional<std::string> chosen();

 private:
    pid_t child_ = -1;
    int pipe_ = -1;
    std::string said_;
};

}  // namespace vultus::camera
