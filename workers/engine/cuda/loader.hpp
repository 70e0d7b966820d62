// Loads the shared object vultus-cuda, and with it CUDA and cuDNN, into a worker that was told to
// use a GPU. Nothing else of the worker needs them.
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// libvultus-cuda.so beside this program, or as the system's loader finds it.
std::string library_file();

/// The table of that library; it stays loaded.
/// errors    bad_option, one line: no such library, or one that it needs; no driver, or too old a
///           one; another version
result<const table*> load_table(const std::string& file);

}  // namespace vultus::cuda
