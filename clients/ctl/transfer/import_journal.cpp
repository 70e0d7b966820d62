// See import_journal.hpp.
#include "clients/ctl/transfer/import_journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "clients/ctl/output/json_text.hpp"

namespace vultus::ctl {
namespace {

constexpr const char* binding_member = "vultus_import";  // of the first line

std::optional<file_state> state_named(const std::string& word) {
    for (const file_state one : {file_state::imported, file_state::known, file_state::refused}) {
        if (name_of(one) == word) return one;
    }
    return std::nullopt;
}

}  // namespace

import_journal::~import_journal() {
    if (file_ >= 0) ::close(file_);
}

result<void> import_journal::open(const std::string& path, const std::string& binding) {
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
    struct stat about {};
    if (file_ < 0 || ::fstat(file_, &about) != 0) {
        return fail(errc::malformed, path + ": " + std::strerror(errno));
    }
    if (!S_ISREG(about.st_mode)) return fail(errc::malformed, path + ": not a file");
    if ((about.st_mode & 077) != 0 || about.st_uid != ::geteuid()) {
        return fail(errc::malformed,
                    path + " has names and must be yours alone; run: chmod 600 " + path);
    }
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
        return fail(errc::wrong_state, path + ": another import writes this journal");
    }
    if (about.st_size == 0) {
        json_text first;
        first.open_object().key(binding_member).text(binding).close_object();
        return append(first.str());
    }
    return load(path, binding);
}

result<void> import_journal::load(const std::string& path, const std::string& binding) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    const std::string of = json_member(line, binding_member);
    if (of.empty()) return fail(errc::malformed, path + " is no journal of an import");
    if (of != binding) {
        return fail(
            errc::wrong_state,
            path + " is the journal of another import, or of one with other options: " + of);
    }
    bool whole = !in.eof();
    while (std::getline(in, line)) {
        whole = !in.eof();
        const auto state = state_named(json_member(line, "state"));
        if (!whole || !state) continue;
        const auto word = [&](const char* name) { return json_member(line, name); };
        entries_[key_of(word("file"), word("label"), word("version"))] = {
            *state, word("reason"), word("detail"), word("content"), word("face_id")};
    }
    // What a kill cut off ends where the next line begins.
    if (!whole && ::write(file_, "\n", 1) != 1) {
        return fail(errc::malformed, path + ": " + std::strerror(errno));
    }
    return {};
}

const journal_entry* import_journal::find(const found_photo& photo) const {
    if (photo.version.empty()) return nullptr;
    const auto found = entries_.find(key_of(photo.path, photo.label, photo.version));
    return found == entries_.end() ? nullptr : &found->second;
}

result<void> import_journal::add(const found_photo& photo, const journal_entry& entry) {
    if (file_ < 0 || photo.version.empty()) return {};
    json_text line;
    line.open_object().key("file").text(photo.path).key("label").text(photo.label);
    line.key("version").text(photo.version).key("state").text(name_of(entry.state));
    line.key("reason").text(entry.reason).key("detail").text(entry.detail);
    line.key("content").text(entry.content).key("face_id").text(entry.face_id);
    return append(line.close_object().str());
}

result<void> import_journal::append(const std::string& line) {
    const std::string text = line + "\n";
    for (std::size_t done = 0; done < text.size();) {
        const auto n = ::write(file_, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(errc::malformed, "journal: " + std::string(std::strerror(errno)));
        done += static_cast<std::size_t>(n);
    }
    return {};
}

std::string import_journal::key_of(const std::string& path, const std::string& label,
                                   const std::string& version) {
    return label + "\n" + version + "\n" + path;
}

}  // namespace vultus::ctl
