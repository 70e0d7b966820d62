// See output_file.hpp.
#include "shared/security/output_file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <streambuf>
#include <vector>

#include "shared/base/require.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr int names_tried = 100;
constexpr int links_followed = 40;  // as Linux

tl::unexpected<error> unwritable(const std::string& path, int why) {
    return fail(why == EEXIST ? errc::wrong_state : errc::malformed,
                path + (why == EEXIST ? " already exists"
                                      : std::string(" cannot be written: ") + std::strerror(why)));
}

/// Writes to a descriptor and keeps the first error.
class descriptor_buffer : public std::streambuf {
 public:
    explicit descriptor_buffer(int descriptor) : descriptor_(descriptor), bytes_(buffer_bytes) {
        setp(bytes_.data(), bytes_.data() + bytes_.size());
    }
    int why() const { return why_; }

 protected:
    int_type overflow(int_type next) override {
        if (!flushed()) return traits_type::eof();
        if (!traits_type::eq_int_type(next, traits_type::eof())) {
            sputc(traits_type::to_char_type(next));
        }
        return traits_type::not_eof(next);
    }
    int sync() override { return flushed() ? 0 : -1; }

 private:
    bool flushed() {
        const char* at = pbase();
        while (why_ == 0 && at < pptr()) {
            const ssize_t n = ::write(descriptor_, at, static_cast<std::size_t>(pptr() - at));
            if (n >= 0) at += n;
            if (n < 0 && errno != EINTR) why_ = errno;
        }
        setp(bytes_.data(), bytes_.data() + bytes_.size());
        return why_ == 0;
    }

    const int descriptor_;
    int why_ = 0;
    std::vector<char> bytes_;
};

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// The target of a chain of symbolic links, which need not exist. Empty if they form a loop.
std::string end_of_links(std::string path) {
    for (int i = 0; i < links_followed; ++i) {
        std::array<char, PATH_MAX> target{};
        const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
        if (n < 0) return path;
        const std::string next(target.data(), static_cast<std::size_t>(n));
        path = next.starts_with('/') ? next : folder_of(path) + "/" + next;
    }
    return {};
}

/// The mode with which the file is created.
mode_t mode_of(readers whose) {
    return whose == readers::owner ? 0600 : 0644;
}

/// On the disk, as far as what it is can be.
int synced(int descriptor) {
    if (::fsync(descriptor) == 0) return 0;
    const bool cannot = errno == EINVAL || errno == ENOTSUP || errno == EROFS;
    return cannot ? 0 : errno;
}

int folder_synced(const std::string& path) {
    const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == EACCES ? 0 : errno;  // a folder may be writable and not readable
    const int why = synced(folder);
    ::close(folder);
    return why;
}

std::string temporary_name(const std::string& path, const std::string& suffix = "") {
    return path + "." + random_hex(6) + ".new" + suffix;
}

/// Makes a file under a new temporary name. Gives the descriptor, or -1 and errno.
int make_named(const std::string& path, const std::string& suffix, readers whose,
               std::string& name) {
    for (int i = 0; i < names_tried; ++i) {
        name = temporary_name(path, suffix);
        const int made =
            ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_of(whose));
        if (made >= 0 || errno != EEXIST) return made;
    }
    return -1;
}

/// What exists at a path before it is written.
struct what_is_there {
    bool something = false, regular = false, standard_output = false;
    std::string place;  ///< the file to make or replace
    int why = 0;
};

what_is_there look_at(const std::string& path) {
    what_is_there found;
    struct stat what {
    }, out{};
    if (path.empty()) {
        found.why = ENOENT;
    } else if (::stat(path.c_str(), &what) == 0) {
        found.something = true;
        found.regular = S_ISREG(what.st_mode);
        if (S_ISDIR(what.st_mode)) found.why = EISDIR;
        found.standard_output = ::fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == what.st_dev &&
                                out.st_ino == what.st_ino && S_ISREG(what.st_mode);
    } else if (errno != ENOENT) {
        found.why = errno;
    } else {
        found.regular = true;
    }
    if (found.why != 0 || !found.regular) return found;
    std::array<char, PATH_MAX> real{};
    found.place = found.something && ::realpath(path.c_str(), real.data()) != nullptr
                      ? std::string(real.data())
                      : end_of_links(path);
    if (found.place.empty()) found.why = ELOOP;
    return found;
}

}  // namespace

struct output_file::state {
    explicit state(std::string to) : path(std::move(to)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        if (descriptor > STDERR_FILENO) ::close(descriptor);
        if (!temporary.empty()) ::unlink(temporary.c_str());
    }

    void begin(int opened) {
        descriptor = opened;
        buffer = std::make_unique<descriptor_buffer>(opened);
        stream = std::make_unique<std::ostream>(buffer.get());
    }
    /// An unnamed file (O_TMPFILE) where the file system supports it, so that SIGKILL leaves
    /// nothing.
    bool begin_beside() {
        int made =
            ::open(folder_of(place).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode_of(whose));
        if (made < 0) made = make_named(place, "", whose, temporary);
        if (made < 0) {
            temporary.clear();
            return false;
        }
        begin(made);
        return true;
    }
    /// Gives the unnamed file a name. 0, or errno
    int name_it(const std::string& name) const {
        const std::string mine = "/proc/self/fd/" + std::to_string(descriptor);
        return ::linkat(AT_FDCWD, mine.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0
                   ? 0
                   : errno;
    }
    int publish();

    const std::string path;
    std::string place;      ///< the file to make or replace; empty: written into directly
    std::string temporary;  ///< its name until commit()
    readers whose = readers::owner;
    if_there then = if_there::replace;
    int descriptor = -1;
    std::unique_ptr<descriptor_buffer> buffer;
    std::unique_ptr<std::ostream> stream;
};

/// Gives the finished file its final name. 0, or errno
int output_file::state::publish() {
    int why = synced(descriptor);
    if (why != 0) return why;
    if (then == if_there::refuse) {
        why = temporary.empty()                               ? name_it(place)
              : ::link(temporary.c_str(), place.c_str()) == 0 ? 0
                                                              : errno;
    } else {
        for (int i = 0; temporary.empty() && i < names_tried; ++i) {
            const std::string name = temporary_name(place);
            why = name_it(name);
            if (why == 0) temporary = name;
            if (why != 0 && why != EEXIST) return why;
        }
        if (temporary.empty()) return EEXIST;
        why = ::rename(temporary.c_str(), place.c_str()) == 0 ? 0 : errno;
        if (why == 0) temporary.clear();
    }
    return why != 0 ? why : folder_synced(place);
}

output_file::output_file(std::unique_ptr<state> made) : state_(std::move(made)) {}
output_file::output_file(output_file&&) noexcept = default;
output_file& output_file::operator=(output_file&&) noexcept = default;
output_file::~output_file() = default;

result<output_file> output_file::open(const std::string& path, readers whose, if_there then) {
    auto made = std::make_unique<state>(path);
    made->whose = whose;
    made->then = then;
    if (path == "-") {
        made->begin(STDOUT_FILENO);
        return output_file(std::move(made));
    }
    auto there = look_at(path);
    if (there.something && then == if_there::refuse) return unwritable(path, EEXIST);
    if (there.why != 0) return unwritable(path, there.why);
    if (there.standard_output) {
        made->begin(STDOUT_FILENO);
    } else if (there.regular) {
        made->place = std::move(there.place);
        if (!made->begin_beside()) return unwritable(path, errno);
    } else {
        const int opened = ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
        if (opened < 0) return unwritable(path, errno);
        made->begin(opened);
    }
    return output_file(std::move(made));
}

std::ostream& output_file::stream() {
    return *state_->stream;
}

output_file& output_file::operator<<(std::string_view text) {
    state_->stream->write(text.data(), static_cast<std::streamsize>(text.size()));
    return *this;
}

bool output_file::is_standard_output() const noexcept {
    return state_->descriptor == STDOUT_FILENO;
}

result<void> output_file::commit() {
    VULTUS_REQUIRE(state_ && state_->descriptor >= 0, "a file is committed once");
    state_->stream->flush();
    int why = state_->buffer->why();
    if (why == 0 && !state_->stream->good()) why = EIO;
    if (why == 0) why = state_->place.empty() ? synced(state_->descriptor) : state_->publish();
    const int descriptor = std::exchange(state_->descriptor, -1);
    const bool closed = descriptor <= STDERR_FILENO || ::close(descriptor) == 0;
    if (why == 0 && !closed) why = errno;
    const auto outcome = why == 0 ? result<void>() : unwritable(state_->path, why);
    if (!state_->temporary.empty()) ::unlink(state_->temporary.c_str());
    state_->temporary.clear();
    return outcome;
}

result<void> write_output_file(const std::string& path, std::string_view text, readers whose,
                               if_there then) {
    auto file = output_file::open(path, whose, then);
    if (!file) return fail(file.error());
    *file << text;
    return file->commit();
}

result<output_place> place_for_output(const std::string& path, readers whose,
                                      const std::string& suffix) {
    VULTUS_REQUIRE(path != "-", "a file written by name is not the standard output");
    const auto there = look_at(path);
    if (there.why != 0) return unwritable(path, there.why);
    if (!there.regular) return output_place{path, ""};
    std::string name;
    const int made = make_named(there.place, suffix, whose, name);
    if (made < 0) return unwritable(path, errno);
    ::close(made);
    return output_place{name, there.place};
}

result<void> commit_place(const output_place& written) {
    if (written.final_path.empty()) return {};
    int why = 0;
    const int file = ::open(written.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        why = errno;
    } else {
        why = synced(file);
        ::close(file);
    }
    if (why == 0 && ::rename(written.path.c_str(), written.final_path.c_str()) != 0) why = errno;
    if (why == 0) why = folder_synced(written.final_path);
    if (why == 0) return {};
    ::unlink(written.path.c_str());
    return unwritable(written.final_path, why);
}

bool output_was_written() {
    std::cout.flush();
    return std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace vultus
