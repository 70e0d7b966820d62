// Files that hold a secret, or that decide who may do what, are checked before they are read. One
// that somebody else could read, change or exchange is refused, with the command that mends it.
#pragma once

#include <cstddef>
#include <string>

#include "shared/base/result.hpp"

namespace vultus {

/// A file with a secret: a regular file of this process' user or of root, which nobody else may
/// change or read. (A file of root may be readable for its group, the usual way to give a key to a
/// service.) Its folder is that user's or root's, and others may not exchange what is in it.
/// errors    not_found: there is no such file; malformed: what is wrong with it, and the command
///           that mends it
result<void> check_private_file(const std::string& path);

/// The same, and the bytes. The file that was checked is the file that is read.
/// errors    those of check_private_file(); malformed also if it has more than `bytes_max`
result<std::string> read_private_file(const std::string& path, std::size_t bytes_max);

/// A file that everybody may read, but nobody else may change.
/// errors    those of read_private_file()
result<std::string> read_trusted_file(const std::string& path, std::size_t bytes_max);

}  // namespace vultus
