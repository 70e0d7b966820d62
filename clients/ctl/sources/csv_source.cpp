// A CSV file of names and files, as RFC 4180 has it. The separator is a comma, a semicolon or a
// tab, whichever the first line has.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "clients/ctl/sources/photo_source.hpp"

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::size_t columns_max = 64;
constexpr const char* name_words[] = {"name", "label", "person", "subject", "userid"};
constexpr const char* file_words[] = {"file", "path", "photo", "image", "filename"};

template <std::size_t N>
bool is_one_of(std::string word, const char* const (&words)[N]) {
    for (char& c : word) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    for (const char* one : words) {
        if (word == one) return true;
    }
    return false;
}

class csv_source : public photo_source {
 public:
    csv_source(std::ifstream in, const std::string& path)
        : in_(std::move(in)), path_(path), folder_(fs::path(path).parent_path()) {}

    result<std::optional<listed>> next() override {
        while (true) {
            auto row = read_row();
            if (!row) return fail(row.error());
            if (row->empty()) return std::optional<listed>();
            if (row->size() == 1 && row->front().empty()) continue;  // an empty line
            if (first_ && is_header(*row)) continue;
            first_ = false;
            if (++rows_ > photos_max) return fail(errc::too_large, "more than 1,000,000 rows");
            const std::string where = "line " + std::to_string(line_);
            if (row->size() <= std::max(name_at_, file_at_)) {
                return listed(skipped_path{where, "has no name or no file", true});
            }
            found_photo photo{(*row)[file_at_], (*row)[name_at_]};
            if (photo.path.empty()) return listed(skipped_path{where, "names no file", true});
            photo.version = file_version(place_of(photo));
            return listed(std::move(photo));
        }
    }
    result<std::string> read(const found_photo& photo) override {
        return read_photo(place_of(photo));
    }
    std::string name() const override { return path_; }
    std::uint64_t total() const override { return rows_; }

 private:
    std::string place_of(const found_photo& photo) const {
        return (folder_ / photo.path).string();  // an absolute path stays
    }

    bool is_header(const std::vector<std::string>& row) {
        first_ = false;
        std::size_t name = row.size(), file = row.size();
        for (std::size_t i = row.size(); i-- > 0;) {
            if (is_one_of(row[i], name_words)) name = i;
            if (is_one_of(row[i], file_words)) file = i;
        }
        if (name == row.size() || file == row.size()) return false;
        name_at_ = name;
        file_at_ = file;
        return true;
    }

    /// The separator is the one of , ; and tab that the first line has most often.
    void choose_separator(const std::string& line) {
        std::size_t most = 0;
        for (const char one : {',', ';', '\t'}) {
            const auto n = static_cast<std::size_t>(std::count(line.begin(), line.end(), one));
            if (n > most) separator_ = one;
            most = std::max(most, n);
        }
    }

    /// The fields of the next row, which a quoted field may continue over lines; none: the end.
    result<std::vector<std::string>> read_row() {
        std::vector<std::string> row;
        std::string line;
        if (!read_line(line)) return ended_well(row);
        if (line_ == 1) {
            if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
            choose_separator(line);
        }
        std::string field;
        bool quoted = false;
        for (std::size_t i = 0;; ++i) {
            if (i == line.size()) {
                if (!quoted) break;
                std::string more;
                if (line.size() > line_bytes_max || !read_line(more)) {
                    return fail(errc::malformed, at_line("a quoted field does not end"));
                }
                line += "\n" + more;
            }
            const char c = line[i];
            if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
                field += line[++i];
            } else if (c == '"' && (quoted || field.empty())) {
                quoted = !quoted;
            } else if (!quoted && c == separator_) {
                row.push_back(std::move(field));
                field.clear();
            } else {
                field += c;
            }
            if (row.size() == columns_max) return fail(errc::malformed, at_line("has 64 columns"));
        }
        row.push_back(std::move(field));
        return row;
    }

    result<std::vector<std::string>> ended_well(const std::vector<std::string>& row) const {
        if (in_.eof()) return row;
        return fail(errc::malformed, at_line("is longer than 64 KiB, or cannot be read"));
    }

    std::string at_line(const std::string& what) const {
        return path_ + ": line " + std::to_string(line_) + " " + what;
    }

    bool read_line(std::string& line) {
        line.clear();
        ++line_;
        for (int c = in_.get(); c != std::ifstream::traits_type::eof(); c = in_.get()) {
            if (c == '\n') {
                if (line.ends_with('\r')) line.pop_back();
                return true;
            }
            if (line.size() == line_bytes_max) return false;
            line += static_cast<char>(c);
        }
        return !line.empty();
    }

    std::ifstream in_;
    const std::string path_;
    const fs::path folder_;
    char separator_ = ',';
    bool first_ = true;
    std::size_t name_at_ = 0, file_at_ = 1, rows_ = 0, line_ = 0;
};

}  // namespace

result<std::unique_ptr<photo_source>> open_csv(const source_request& asked) {
    std::error_code why;
    std::ifstream in;
    if (fs::is_regular_file(asked.place, why)) in.open(asked.place, std::ios::binary);
    if (!in.is_open()) return fail(errc::not_found, asked.place + ": no such file");
    return std::make_unique<csv_source>(std::move(in), asked.place);
}

}  // namespace vultus::ctl
