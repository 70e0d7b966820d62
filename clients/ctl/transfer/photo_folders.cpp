// See photo_folders.hpp.
#include "clients/ctl/transfer/photo_folders.hpp"

#include <algorithm>
#include <filesystem>

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

/// Hidden files, and the folders that file servers and archives add.
bool is_hidden(const std::string& name) {
    return name.starts_with(".") || name == "@eaDir" || name == "__MACOSX";
}

/// The entries of a folder, sorted.
result<std::vector<fs::path>> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code why;
    for (fs::directory_iterator one(folder, why), end; !why && one != end; one.increment(why)) {
        entries.push_back(one->path());
    }
    if (why) return fail(errc::not_found, folder.string() + ": " + why.message());
    std::sort(entries.begin(), entries.end());
    return entries;
}

bool is_folder(const fs::path& path) {
    std::error_code why;
    return fs::is_directory(path, why);
}

bool is_file(const fs::path& path) {
    std::error_code why;
    return fs::is_regular_file(path, why);
}

bool holds_folders(const fs::path& folder) {
    const auto entries = entries_of(folder);
    return entries && std::any_of(entries->begin(), entries->end(), is_folder);
}

class looking {
 public:
    explicit looking(photo_folders& found) : found_(found) {}

    result<void> people() {
        const auto entries = entries_of(found_.root);
        if (!entries) return fail(entries.error());
        const bool of_frigate = fs::path(found_.root).filename() == "faces";
        for (const fs::path& path : *entries) {
            const std::string name = path.filename().string();
            if (is_hidden(name)) {
                skip(name, "hidden");
            } else if (!is_folder(path)) {
                skip(name, "not in the folder of a person");
            } else if (of_frigate && name == "train") {
                skip(name, "faces without a name");
            } else {
                person(path, name);
            }
        }
        return {};
    }

 private:
    void skip(std::string path, std::string why) {
        found_.skipped.push_back({std::move(path), std::move(why), false});
    }

    void person(const fs::path& folder, const std::string& label) {
        const auto entries = entries_of(folder);
        if (!entries) return found_.skipped.push_back({label, "cannot be read", true});
        const std::size_t before = found_.photos.size();
        for (const fs::path& path : *entries) {
            const std::string name = path.filename().string(), below = label + "/" + name;
            if (is_hidden(name)) {
                skip(below, "hidden");
            } else if (is_folder(path)) {
                skip(below, "nested folder");
            } else if (!is_file(path)) {
                skip(below, "not a file");
            } else {
                found_.photos.push_back({below, label});
            }
        }
        if (found_.photos.size() == before) skip(label, "contains no photo");
    }

    photo_folders& found_;
};

}  // namespace

result<photo_folders> photos_below(const std::string& folder) {
    fs::path root(folder);
    if (!root.has_filename()) root = root.parent_path();  // "people/"
    for (const char* name : {"train", "faces"}) {
        if (root.filename() != "faces" && holds_folders(root / name)) {
            root /= name;
            break;
        }
    }
    photo_folders found;
    found.root = root.string();
    if (auto good = looking(found).people(); !good) return fail(good.error());
    return found;
}

}  // namespace vultus::ctl
