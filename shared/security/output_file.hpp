// A file that a program writes for its user: an export, a table, a drawing, a key. Every program
// writes such files through this class: an existing file is replaced atomically or stays unchanged,
// a file with faces or secrets is never readable by others, and a full disk is an error.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

enum class readers {
    owner,  ///< 0600 from its creation: faces, secrets
    all     ///< 0644 less the umask: figures, public keys
};
enum class if_there {
    replace,  ///< a regular file atomically; a device, FIFO or socket is written into
    refuse    ///< wrong_state; of several concurrent writers one succeeds
};

/// "-" is the standard output. A device, FIFO or socket is written into, as by a shell's `>`. In
/// all other cases the bytes go to an unnamed (or temporarily named) file in the same folder, which
/// gets the final name in commit(). A symbolic link stays; the file it points to is written.
/// threads   one owner
class output_file {
 public:
    /// errors    wrong_state: it exists and must not be replaced; malformed: it cannot be written,
    ///           with the system's error text
    static result<output_file> open(const std::string& path, readers, if_there = if_there::replace);
    output_file(output_file&&) noexcept;
    output_file& operator=(output_file&&) noexcept;
    ~output_file();  ///< without commit() no file is left

    /// The contents. Errors of writing are returned by commit().
    std::ostream& stream();
    output_file& operator<<(std::string_view text);

    /// Writes the rest, syncs file and folder, and gives the file its name.
    /// errors    those of open(), for any error since then
    result<void> commit();

    /// Whether the bytes go to the standard output; then nothing else may be printed there.
    bool is_standard_output() const noexcept;

 private:
    struct state;
    explicit output_file(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

/// All of `text`, committed.
result<void> write_output_file(const std::string& path, std::string_view text, readers,
                               if_there = if_there::replace);

/// The name under which another library should write the file: a temporary one in the same folder,
/// or `path` itself if that is not a regular file. `suffix`: of the temporary name, such as ".avi"
/// requires  path is not "-"
struct output_place {
    std::string path;        ///< to be written
    std::string final_path;  ///< empty: `path` is the final one
};
result<output_place> place_for_output(const std::string& path, readers, const std::string& suffix);
/// Syncs the temporary file and gives it its name. errors malformed; then it is removed
result<void> commit_place(const output_place&);

/// Flushes std::cout and stdout; false if anything printed was lost. Every program calls it before
/// it exits with 0.
bool output_was_written();

}  // namespace vultus
