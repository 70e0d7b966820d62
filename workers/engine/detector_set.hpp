// The detectors that a worker has, by name. Which ones is decided at start: `hog` and `cnn` always,
// the others if their model files are there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/detector.hpp"

namespace vultus {

/// threads   one at a time; one object per thread (clone())
class detector_set {
 public:
    detector_set() = default;
    /// requires  names that differ
    explicit detector_set(std::vector<std::unique_ptr<detector>> all);
    detector_set clone() const;
    /// errors    bad_option: there is no such detector; the detail names it and what brings its
    /// file
    result<detector*> named(std::string_view name) const;
    std::vector<std::string> names() const;

 private:
    std::vector<std::unique_ptr<detector>> all_;
};

}  // namespace vultus
