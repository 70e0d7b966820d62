// Checks of files with secrets or access rules before they are read. A file that others could read,
// change or replace is refused, with the command that fixes it.
#pragma once

#include <cstddef>
#include <string>

#include "shared/base/result.hpp"

namespace vultus {

/// A file with a secret: a regular file of this process' user or of root, which nobody else may
/// write or read. (A file of root may be readable by its group, the usual way to give a key to a
/// service.) Its folder belongs to that user or to root, and others cannot replace files in it (it
/// is not writable by them, or sticky).
/// errors    not_found: there is no such file; malformed: what is wrong with it, and the command
///           that fixes it
result<void> check_private_file(const std::string& path);

/// The same, and returns the bytes. Check and read use one descriptor.
/// errors    those of check_private_file(); malformed also if it has more than `bytes_max`
result<std::string> read_private_file(const std::string& path, std::size_t bytes_max);

/// A file that everybody may read, but only this process' user or root may write.
/// errors    those of read_private_file()
result<std::string> read_trusted_file(const std::string& path, std::size_t bytes_max);

}  // namespace vultus
