// A running CompreFace: the examples of its recognition service, page by page, and the picture of
// each. The server is not trusted: names and ids are checked, pages and pictures have limits.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/sources/http_reader.hpp"
#include "clients/ctl/sources/photo_source.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/access_key.hpp"
#include "shared/security/private_file.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t page_size = 100, page_bytes = 1 * limits::mib, key_bytes = 4'096;

std::string without_blanks(std::string text) {
    const auto end = text.find_last_not_of(" \t\r\n");
    text.resize(end == std::string::npos ? 0 : end + 1);
    text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text;
}

class compreface_source : public photo_source {
 public:
    compreface_source(http_reader reader, std::string name)
        : reader_(std::move(reader)), name_(std::move(name)) {}

    result<std::optional<listed>> next() override {
        while (at_ == faces_.size()) {
            if (ended_) return std::optional<listed>();
            if (auto good = read_page(); !good) return fail(good.error());
        }
        const std::string face = faces_[at_++];
        const std::string id = json_member(face, "image_id"), who = json_member(face, "subject");
        if (who.size() > 4 * limits::label_bytes) {
            return listed(skipped_path{"?/" + id, "name is too long", true});
        }
        if (!is_uuid(id)) return listed(skipped_path{who + "/?", "image_id is no UUID", true});
        return listed(found_photo{who + "/" + id, who, id});
    }

    result<std::string> read(const found_photo& photo) override {
        auto made = reader_.get("/recognition/faces/" + photo.version + "/img", limits::body_bytes);
        if (!made) return fail(made.error());
        if (made->status != 200) {
            return fail(errc::not_found, "picture: server answers " + std::to_string(made->status));
        }
        if (made->body.empty()) {
            return fail(errc::no_image, "CompreFace did not keep this picture");
        }
        return std::move(made->body);
    }

    std::string name() const override { return name_; }
    std::uint64_t total() const override { return total_; }
    bool is_remote() const override { return true; }

    /// The next page of examples. A page that brings nothing new is the end, whatever the server
    /// states about their number; one without total_pages, too.
    result<void> read_page() {
        const auto made = reader_.get("/recognition/faces?page=" + std::to_string(page_) +
                                          "&size=" + std::to_string(page_size),
                                      page_bytes);
        if (!made) return fail(made.error());
        if (made->status != 200) return refused(*made);
        auto all = json_items(made->body, "/faces");
        if (!all) return fail(errc::fetch_failed, "answer is not that of CompreFace: no faces");
        total_ = json_number_at(made->body, "/total_elements").value_or(0);
        faces_.clear();
        at_ = 0;
        for (std::string& one : *all) {
            if (seen_.insert(json_member(one, "image_id")).second) faces_.push_back(std::move(one));
        }
        if (seen_.size() > photos_max) {
            return fail(errc::too_large, "server lists more than 1,000,000 pictures");
        }
        ++page_;
        ended_ = faces_.empty() || page_ >= json_number_at(made->body, "/total_pages").value_or(0);
        return {};
    }

 private:
    /// The message is left out: it repeats the key.
    static result<void> refused(const http_answer& made) {
        const auto code = json_number_at(made.body, "/code");
        const std::string with = code ? ", code " + std::to_string(*code) : "";
        std::string text = "CompreFace answers " + std::to_string(made.status) + with;
        const bool key = code && (*code == 10 || *code == 20 || *code == 26);
        if (key) text += ": the key is not that of a recognition service";
        return fail(key ? errc::unauthorized : errc::fetch_failed, text);
    }

    http_reader reader_;
    const std::string name_;
    std::vector<std::string> faces_;
    std::size_t at_ = 0;
    std::uint64_t page_ = 0, total_ = 0;
    bool ended_ = false;
    std::unordered_set<std::string> seen_;
};

}  // namespace

result<std::unique_ptr<photo_source>> open_compreface(const source_request& asked) {
    auto url = parse_photo_url(asked.place);
    if (!url) return fail(errc::malformed, asked.place + ": " + url.error().detail);
    if (url->target.find('?') != std::string::npos) {
        return fail(errc::malformed, asked.place + ": the URL of a server has no query");
    }
    while (url->target.ends_with('/')) url->target.pop_back();
    if (!url->target.ends_with("/api/v1")) url->target += "/api/v1";
    const auto key = read_private_file(asked.key_file, key_bytes);
    if (!key) {
        const bool none = key.error().code == errc::not_found;
        return fail(errc::malformed, none ? asked.key_file + ": no such file" : key.error().detail);
    }
    const std::string word = without_blanks(*key);
    if (word.empty() || word.find_first_of("\r\n") != std::string::npos) {
        return fail(errc::malformed, asked.key_file + " must hold the key and nothing else");
    }
    auto reader = http_reader::open({*url, "x-api-key: " + word, asked.authorities, asked.stopped});
    if (!reader) return fail(reader.error());
    auto made = std::make_unique<compreface_source>(*std::move(reader), text_of(*url));
    if (auto good = made->read_page(); !good) return fail(good.error());
    return made;
}

}  // namespace vultus::ctl
