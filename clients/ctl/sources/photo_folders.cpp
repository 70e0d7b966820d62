// See photo_folders.hpp.
#include "clients/ctl/sources/photo_folders.hpp"

#include <algorithm>
#include <filesystem>

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

constexpr int depth_max = 8;  // folders in folders, deepface only

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
    looking(photo_folders& found, const std::string& kind)
        : found_(found), deep_(kind == "deepface"), kind_(kind) {}

    result<void> people() {
        const auto entries = entries_of(found_.root);
        if (!entries) return fail(entries.error());
        const bool of_frigate =
            kind_ == "frigate" || (!deep_ && fs::path(found_.root).filename() == "faces");
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
        photos(*entries, label, label, 1);
        if (found_.photos.size() == before) skip(label, "contains no photo");
    }

    void photos(const std::vector<fs::path>& entries, const std::string& above,
                const std::string& label, int depth) {
        for (const fs::path& path : entries) {
            const std::string name = path.filename().string(), below = above + "/" + name;
            if (is_hidden(name)) {
                skip(below, "hidden");
            } else if (is_folder(path)) {
                nested(path, below, label, depth);
            } else if (!is_file(path)) {
                skip(below, "not a file");
            } else {
                found_.photos.push_back({below, label});
            }
        }
    }

    void nested(const fs::path& path, const std::string& below, const std::string& label,
                int depth) {
        std::error_code why;
        if (!deep_ || depth == depth_max || fs::is_symlink(path, why)) {
            return skip(below, "nested folder");
        }
        const auto entries = entries_of(path);
        if (!entries) return found_.skipped.push_back({below, "cannot be read", true});
        photos(*entries, below, label, depth + 1);
    }

    photo_folders& found_;
    const bool deep_;
    const std::string kind_;
};

/// The folder with one folder per person.
fs::path root_of(const fs::path& folder, const std::string& kind) {
    std::vector<const char*> names{"train", "faces"};
    if (kind == "double-take") names = {".storage/train", "train"};
    if (kind == "frigate") names = {"clips/faces", "faces"};
    if (kind == "deepface" || (kind != "double-take" && folder.filename() == "faces"))
        return folder;
    for (const char* name : names) {
        if (holds_folders(folder / name)) return folder / name;
    }
    return folder;
}

}  // namespace

bool is_hidden(const std::string& name) {
    return name.starts_with(".") || name == "@eaDir" || name == "__MACOSX";
}

result<photo_folders> photos_below(const std::string& folder, const std::string& kind) {
    fs::path root(folder);
    if (!root.has_filename()) root = root.parent_path();  // "people/"
    photo_folders found;
    found.root = root_of(root, kind).string();
    if (auto good = looking(found, kind).people(); !good) return fail(good.error());
    return found;
}

}  // namespace vultus::ctl
