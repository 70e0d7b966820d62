// See curve.hpp.
#include "clients/ctl/keys/curve.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "clients/ctl/output/json_text.hpp"
#include "shared/base/clock.hpp"
#include "shared/net/allow_list.hpp"
#include "shared/security/output_file.hpp"
#include "shared/security/secret.hpp"

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* head =
    "# name role key: peers that may connect to the broker (shared/CURVE.md)\n";
constexpr const char* broker_role = "broker";
constexpr std::chrono::milliseconds lock_patience{10'000}, lock_step{20};

std::string file_in(const arguments& asked, const std::string& name) {
    return asked.curve.folder + "/" + name;
}

std::string list_file(const arguments& asked) {
    return file_in(asked, "allowed");
}

std::string text_of_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// errors    malformed: no permission
result<bool> is_there(const std::string& path) {
    std::error_code why;
    const bool there = fs::exists(path, why);
    if (why) return fail(errc::malformed, path + " cannot be read: " + why.message());
    return there;
}

/// Locks the list for one change at a time on this machine; flock on the folder, released when the
/// process ends.
class list_lock {
 public:
    list_lock() = default;
    list_lock(const list_lock&) = delete;
    list_lock& operator=(const list_lock&) = delete;
    ~list_lock() {
        if (folder_ >= 0) ::close(folder_);
    }
    /// errors    wrong_state: another process holds it; malformed: the folder cannot be opened
    result<void> take(const std::string& folder) {
        folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_ < 0) {
            return fail(errno == ENOENT ? errc::not_found : errc::malformed,
                        folder + " cannot be opened: " + std::strerror(errno));
        }
        const boot_time end = boot_now() + lock_patience;
        while (::flock(folder_, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                return fail(errc::malformed, folder + " cannot be locked: " + std::strerror(errno));
            }
            if (boot_now() >= end) {
                return fail(errc::wrong_state, "another process is changing the list in " + folder);
            }
            ::poll(nullptr, 0, static_cast<int>(lock_step.count()));
        }
        return {};
    }

 private:
    int folder_ = -1;
};

/// errors    those of read_allow_list(); a missing file is an empty list
result<allow_list> present_list(const arguments& asked) {
    auto list = read_allow_list(list_file(asked));
    if (!list && list.error().code == errc::not_found) return allow_list{};
    return list;
}

result<void> put_on_list(const arguments& asked, const allowed_peer& peer) {
    list_lock lock;
    if (auto good = lock.take(asked.curve.folder); !good) return good;
    const auto list = present_list(asked);
    if (!list) return fail(list.error());
    const std::string before = text_of_file(list_file(asked));
    std::string after = before.empty() ? head : before;
    if (!after.ends_with('\n')) after += '\n';
    after += line_of(peer);
    if (const auto good = parse_allow_list(after); !good) {
        return fail(errc::wrong_state, "not added to the list: " + good.error().detail);
    }
    return write_output_file(list_file(asked), after, readers::all);
}

report key_report(const arguments& asked, const std::string& key, const std::string& more) {
    report answer;
    answer.sections.push_back({"", {}, key});
    answer.sections.push_back({"", {}, more});
    json_text out;
    out.open_object().key("name").text(asked.subject).key("role").text(asked.curve.role);
    out.key("public_key").text(key).close_object();
    answer.json = out.str();
    return answer;
}

result<report> make(const arguments& asked) {
    std::error_code bad;
    if (fs::create_directories(asked.curve.folder, bad)) {
        fs::permissions(asked.curve.folder, fs::perms::owner_all, bad);
    }
    if (bad) return fail(errc::malformed, asked.curve.folder + " cannot be created");
    const std::string secret_file = file_in(asked, asked.subject + ".secret");
    const auto secret = make_secret_file(secret_file);
    if (!secret) return fail(secret.error());
    const std::string key = public_key_of(*secret), text = hex_of(key);
    const auto written =
        write_output_file(file_in(asked, asked.subject + ".public"), text + "\n", readers::all);
    if (!written) return fail(written.error());
    const std::string own = "Secret key: " + secret_file + " (curve.key_file).";
    const auto listed = is_there(list_file(asked));
    if (!listed) return fail(listed.error());
    if (asked.curve.role == broker_role) {
        const auto begun =
            *listed ? result<void>()
                    : write_output_file(list_file(asked), head, readers::all, if_there::refuse);
        if (!begun && begun.error().code != errc::wrong_state) return fail(begun.error());
        return key_report(asked, text,
                          own + " List of the peers that may connect: " + list_file(asked) +
                              " (curve.allow_list). Apis and "
                              "workers need this key as curve.broker_key.");
    }
    if (!*listed) {
        return key_report(asked, text,
                          own + " Run on the broker's host: vultusctl curve allow " +
                              asked.subject + " " + text + " --role " + asked.curve.role);
    }
    const auto role = parse_peer_role(asked.curve.role);
    if (!role) return fail(role.error());
    if (auto good = put_on_list(asked, {asked.subject, *role, key}); !good) {
        return fail(good.error());
    }
    return key_report(asked, text, own + " The key is on the list " + list_file(asked) + ".");
}

result<report> allow(const arguments& asked) {
    const auto role = parse_peer_role(asked.curve.role);
    if (!role) return fail(role.error());
    auto key = key_from_hex(asked.curve.key);
    if (!key) return fail(errc::malformed, "a public key must be 64 hexadecimal digits");
    if (auto good = put_on_list(asked, {asked.subject, *role, *key}); !good) {
        return fail(good.error());
    }
    return change_report(asked.subject, "allowed");
}

result<report> remove(const arguments& asked) {
    list_lock lock;
    if (auto good = lock.take(asked.curve.folder); !good) return fail(good.error());
    if (const auto list = present_list(asked); !list) return fail(list.error());
    std::istringstream before(text_of_file(list_file(asked)));
    std::string after, line;
    bool found = false;
    while (std::getline(before, line)) {
        std::string name;
        std::istringstream(line) >> name;
        if (name == asked.subject) {
            found = true;
        } else {
            after += line + "\n";
        }
    }
    if (!found) return fail(errc::not_found, asked.subject + " is not on the list");
    if (auto good = write_output_file(list_file(asked), after, readers::all); !good) {
        return fail(good.error());
    }
    return change_report(asked.subject, "removed");
}

/// Empty if the folder does not exist. errors malformed: it cannot be read
result<std::vector<fs::path>> secrets_in(const std::string& folder) {
    std::vector<fs::path> paths;
    std::error_code why;
    for (fs::directory_iterator one(folder, why), end; !why && one != end; one.increment(why)) {
        if (one->path().extension() == ".secret") paths.push_back(one->path());
    }
    if (why && why != std::errc::no_such_file_or_directory) {
        return fail(errc::malformed, folder + " cannot be read: " + why.message());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

result<report> list(const arguments& asked) {
    const auto allowed = present_list(asked);
    if (!allowed) return fail(allowed.error());
    report made;
    table rows{{{"allowed peer"}, {"role"}, {"public key"}}, {}};
    table files{{{"local secret key"}, {"public key"}}, {}};
    json_text out;
    out.open_object().key("allowed").open_array();
    for (const allowed_peer& one : *allowed) {
        const std::string role(name_of(one.role)), key = hex_of(one.key);
        rows.rows.push_back({one.name, role, key});
        out.open_object().key("name").text(one.name).key("role").text(role);
        out.key("public_key").text(key).close_object();
    }
    out.close_array().key("secrets").open_array();
    const auto paths = secrets_in(asked.curve.folder);
    if (!paths) return fail(paths.error());
    for (const fs::path& path : *paths) {
        const auto secret = read_secret_file(path.string());
        const std::string name = path.stem().string();
        const std::string key = secret ? hex_of(public_key_of(*secret)) : secret.error().detail;
        made.bad = made.bad || !secret;
        files.rows.push_back({name, key});
        out.open_object().key("name").text(name).key(secret ? "public_key" : "trouble").text(key);
        out.close_object();
    }
    made.sections.push_back({"", std::move(rows), ""});
    made.sections.push_back({"", std::move(files), ""});
    made.json = out.close_array().close_object().str();
    return made;
}

}  // namespace

bool is_curve(command what) noexcept {
    return what == command::curve_make || what == command::curve_allow ||
           what == command::curve_remove || what == command::curve_list;
}

result<report> curve(const arguments& asked) {
    switch (asked.what) {
        case command::curve_make:
            return make(asked);
        case command::curve_allow:
            return allow(asked);
        case command::curve_remove:
            return remove(asked);
        default:
            return list(asked);
    }
}

result<curve_keys> keys_for_broker(const arguments& asked) {
    std::string secret_file = asked.curve.own_file, open = asked.curve.broker_key;
    if (secret_file.empty() && open.empty()) {
        secret_file = file_in(asked, "ctl.secret");
        const std::string open_file = file_in(asked, "broker.public");
        for (const std::string& file : {secret_file, open_file}) {
            const auto there = is_there(file);
            if (!there) return fail(there.error());
            if (!*there) return curve_keys{};
        }
        std::ifstream(open_file) >> open;
    }
    if (secret_file.empty() || open.empty()) {
        return fail(errc::malformed, "--curve-key and --broker-key must be set together");
    }
    const auto secret = read_secret_file(secret_file);
    if (!secret) return fail(errc::malformed, secret.error().detail);
    auto broker = key_from_hex(open);
    if (!broker) return fail(errc::malformed, "the broker's key must be 64 hexadecimal digits");
    return curve_keys{*secret, std::move(*broker), {}};
}

}  // namespace vultus::ctl
