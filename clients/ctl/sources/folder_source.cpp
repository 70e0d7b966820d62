// Folders of people: ours, Double Take's, Frigate's and deepface's.
#include <filesystem>

#include "clients/ctl/sources/photo_source.hpp"

namespace vultus::ctl {
namespace {

class folder_source : public photo_source {
 public:
    explicit folder_source(photo_folders found) : found_(std::move(found)) {}

    result<std::optional<listed>> next() override {
        if (skipped_ < found_.skipped.size()) return listed(found_.skipped[skipped_++]);
        if (photo_ == found_.photos.size()) return std::optional<listed>();
        found_photo photo = found_.photos[photo_++];
        photo.version = file_version(path_of(photo));
        return listed(std::move(photo));
    }
    result<std::string> read(const found_photo& photo) override {
        return read_photo(path_of(photo));
    }
    std::string name() const override { return found_.root; }
    std::uint64_t total() const override { return found_.photos.size(); }

 private:
    std::string path_of(const found_photo& photo) const {
        return (std::filesystem::path(found_.root) / photo.path).string();
    }

    photo_folders found_;
    std::size_t skipped_ = 0, photo_ = 0;
};

}  // namespace

result<std::unique_ptr<photo_source>> open_folder(const source_request& asked) {
    auto found = photos_below(asked.place, asked.from);
    if (!found) return fail(found.error());
    if (found->photos.size() > photos_max) {
        return fail(errc::too_large, "more than 1,000,000 photos; import part of the folder");
    }
    return std::make_unique<folder_source>(*std::move(found));
}

}  // namespace vultus::ctl
