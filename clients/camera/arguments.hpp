// The command line of vultus-camera.
#pragma once

#include <string>

#include "clients/net/service_url.hpp"

namespace vultus::camera {

struct arguments {
    std::string source = "0";  ///< index of a camera, video file, URL, folder of pictures, or photo
    net::service_url url;
    std::string authorities;  ///< PEM file; empty: the system's
    std::string key;          ///< from $VULTUS_KEY, never from the command line
    std::string collection = "default", blur = "none";
    std::string detector;  ///< empty: the default of the service
    int min_face_px = 80;
    bool tracks = true;
    bool headless = false;  ///< no window
    bool json = false;      ///< one line for each answered frame
    std::string out;        ///< annotated video to write, .avi or .mp4
    double rate = 0;        ///< frames a second of a file or folder; 0: the file's own, or 2
    int exit_code = -1;     ///< >= 0: exit now with this code
};

/// Prints help, the version or an error, and sets exit_code then.
arguments parse_arguments(int argc, char** argv);

}  // namespace vultus::camera
