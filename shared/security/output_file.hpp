// A file that a program writes for its user: an export, a table, a drawing, a key. Every program
// writes such files through this, so that what is there is whole or as it was, what holds faces or
// secrets is never readable by others, and a full disk is noticed.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

enum class readers {
    owner,  ///< 0600 from the beginning: faces, secrets
    all     ///< 0644 less the umask: figures, public keys
};
enum class if_there {
    replace,  ///< a regular file, in one step; what is no file is written into
    refuse    ///< wrong_state; of several that begin at once one wins
};

/// The path decides how: "-" is the standard output. A device, FIFO or socket is written into, as
/// a shell's `>` does. Else a file without a name (or with a temporary one) beside the place takes
/// the bytes, and gets its name when it is whole; behind a symbolic link the file that it names.
/// threads   one owner
class output_file {
 public:
    /// errors    wrong_state: it is there and is not to be replaced; malformed: it cannot be
    ///           written, with the reason of the system
    static result<output_file> open(const std::string& path, readers, if_there = if_there::replace);
    output_file(output_file&&) noexcept;
    output_file& operator=(output_file&&) noexcept;
    ~output_file();  ///< what was not committed leaves nothing

    /// What goes into the file. Errors of writing stay until commit().
    std::ostream& stream();
    output_file& operator<<(std::string_view text);

    /// Writes the rest, has file and folder on the disk, and gives the file its name.
    /// errors    as open(): any error since then
    result<void> commit();

    /// Whether the bytes go to the standard output, where nothing else may be printed then.
    bool is_standard_output() const noexcept;

 private:
    struct state;
    explicit output_file(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

/// All of `text`, committed.
result<void> write_output_file(const std::string& path, std::string_view text, readers,
                               if_there = if_there::replace);

/// Where another library writes a file by its name: a temporary one beside `path`, or `path` itself
/// if that is no regular file. `suffix`  of the temporary name, such as ".avi"
/// requires  path is not "-"
struct output_place {
    std::string path;        ///< to be written
    std::string final_path;  ///< empty: they are the same
};
result<output_place> place_for_output(const std::string& path, readers, const std::string& suffix);
/// Has the temporary file on the disk and gives it its name. errors malformed; then it is removed
result<void> commit_place(const output_place&);

/// Whether all that was printed (std::cout, stdout) has reached its file, pipe or terminal; every
/// program asks before it says by its exit code that all is well.
bool output_was_written();

}  // namespace vultus
