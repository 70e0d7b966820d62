// See private_file.hpp.
#include "shared/security/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace vultus {
namespace {

enum class content { secret, open };

/// Closes the descriptor at the end.
class descriptor {
 public:
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& from) noexcept : number_(std::exchange(from.number_, -1)) {}
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const noexcept { return number_; }

 private:
    int number_;
};

tl::unexpected<error> refuse(const std::string& path, const std::string& why) {
    return fail(errc::malformed, path + " " + why);
}

bool is_trusted(uid_t owner) noexcept {
    return owner == ::geteuid() || owner == 0;
}

std::string belongs_to(uid_t owner) {
    return "belongs to another user (uid " + std::to_string(owner) + "): chown it to uid " +
           std::to_string(::geteuid()) + " or run this program as its owner";
}

/// Whoever may write to the folder can replace the file.
result<void> check_folder(const std::filesystem::path& file) {
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    struct stat what {};
    if (::stat(folder.c_str(), &what) != 0) return refuse(folder, std::strerror(errno));
    if (!is_trusted(what.st_uid)) return refuse(folder, belongs_to(what.st_uid));
    const bool shared = (what.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (shared && (what.st_mode & S_ISVTX) == 0) {
        return refuse(folder, "is writable by others, who could replace " +
                                  file.filename().string() + ": chmod go-w it");
    }
    return {};
}

result<void> check_mode(const std::string& path, const struct stat& what, content kind) {
    if (!S_ISREG(what.st_mode)) return refuse(path, "is not a regular file");
    if (!is_trusted(what.st_uid)) return refuse(path, belongs_to(what.st_uid));
    if ((what.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refuse(path, kind == content::secret ? "is writable by others: chmod 600 it"
                                                    : "is writable by others: chmod 644 it");
    }
    if (kind == content::open) return {};
    const bool given_by_root = what.st_uid == 0 && ::geteuid() != 0;
    const mode_t readers = given_by_root ? S_IROTH : S_IRGRP | S_IROTH;
    if ((what.st_mode & readers) != 0) {
        return refuse(path, "is readable by others: chmod 600 it");
    }
    return {};
}

result<descriptor> open_checked(const std::string& path, content kind) {
    // Non-blocking: opening a FIFO without a writer would block forever.
    descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (file.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return fail(errc::not_found, path + " does not exist");
    }
    if (file.get() < 0) return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
    struct stat what {};
    if (::fstat(file.get(), &what) != 0) return refuse(path, std::strerror(errno));
    if (auto good = check_mode(path, what, kind); !good) return fail(good.error());
    if (auto good = check_folder(path); !good) return fail(good.error());
    std::error_code bad;
    const auto real = std::filesystem::canonical(path, bad);  // where a symbolic link leads
    if (!bad && real != path) {
        if (auto good = check_folder(real); !good) return fail(good.error());
    }
    return file;
}

result<std::string> read_all(const std::string& path, std::size_t bytes_max, content kind) {
    const auto file = open_checked(path, kind);
    if (!file) return fail(file.error());
    std::string text(bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(file->get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > bytes_max) return refuse(path, "is too large");
    text.resize(size);
    return text;
}

}  // namespace

result<void> check_private_file(const std::string& path) {
    const auto file = open_checked(path, content::secret);
    if (!file) return fail(file.error());
    return {};
}

result<std::string> read_private_file(const std::string& path, std::size_t bytes_max) {
    return read_all(path, bytes_max, content::secret);
}

result<std::string> read_trusted_file(const std::string& path, std::size_t bytes_max) {
    return read_all(path, bytes_max, content::open);
}

}  // namespace vultus
