#include "clients/lfw/pairs.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace vultus::lfw {
namespace {

constexpr int folds_of_view_1 = 10, folds_max = 1'000, pairs_max = 1'000'000, number_max = 9'999;

std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    std::vector<std::string_view> words;
    for (auto from = line.find_first_not_of(blanks); from != std::string_view::npos;
         from = line.find_first_not_of(blanks, from)) {
        const auto to = std::min(line.find_first_of(blanks, from), line.size());
        words.push_back(line.substr(from, to - from));
        from = to;
    }
    return words;
}

std::optional<int> count_in(std::string_view word, int max) {
    int value = 0;
    const char* end = word.data() + word.size();
    const auto [stop, why] = std::from_chars(word.data(), end, value);
    if (why != std::errc{} || stop != end || value < 1 || value > max) return std::nullopt;
    return value;
}

/// A name becomes part of a path, so it must not lead elsewhere.
bool is_name(std::string_view word) {
    return word.find('/') == std::string_view::npos && word != "." && word != "..";
}

class reader {
 public:
    reader(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

    result<pair_list> read() {
        if (auto good = read_head(); !good) return fail(good.error());
        const int blocks = view_1_ ? 1 : list_.folds;
        for (int block = 0; block < blocks; ++block) {
            for (const bool same : {true, false}) {
                for (int i = 0; i < per_block_; ++i) {
                    const int fold =
                        view_1_ ? static_cast<int>(std::int64_t{i} * list_.folds / per_block_)
                                : block;
                    if (auto good = read_pair(same, fold); !good) return fail(good.error());
                }
            }
        }
        while (next_line()) {
            if (!words_of(line_).empty()) return wrong("more pairs than the first line says");
        }
        return std::move(list_);
    }

 private:
    bool next_line() {
        if (rest_.empty()) return false;
        const auto end = std::min(rest_.find('\n'), rest_.size());
        line_ = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        ++number_;
        return true;
    }

    tl::unexpected<error> wrong(const std::string& why) const {
        return fail(errc::malformed, file_ + ":" + std::to_string(number_) + ": " + why);
    }

    result<void> read_head() {
        number_ = 1;
        const std::string wanted = "the first line must be \"N\" or \"folds N\"";
        if (rest_.empty()) return wrong("empty; " + wanted);
        number_ = 0;
        next_line();
        const auto words = words_of(line_);
        if (words.empty() || words.size() > 2) return wrong(wanted);
        view_1_ = words.size() == 1;
        const auto folds = view_1_ ? folds_of_view_1 : count_in(words.front(), folds_max);
        const auto pairs = count_in(words.back(), pairs_max);
        if (!folds || !pairs) return wrong(wanted);
        list_.folds = *folds;
        per_block_ = *pairs;
        return {};
    }

    result<void> read_pair(bool same, int fold) {
        if (!next_line()) return wrong("the file ends before its last pair");
        const auto words = words_of(line_);
        const std::string wanted = same ? "a matched pair must be \"name number number\""
                                        : "a mismatched pair must be \"name number name number\"";
        if (words.size() != (same ? 3U : 4U)) return wrong(wanted);
        const auto other = same ? words[0] : words[2];
        const auto first = count_in(words[1], number_max);
        const auto second = count_in(words.back(), number_max);
        if (!first || !second) return wrong(wanted + ", numbers from 1 to 9999");
        if (!is_name(words[0]) || !is_name(other)) return wrong("a name must not be a path");
        if (same && *first == *second) return wrong("a photo paired with itself");
        if (!same && words[0] == other) return wrong("a mismatched pair with one person");
        list_.pairs.push_back(
            {{std::string(words[0]), *first}, {std::string(other), *second}, fold, number_});
        return {};
    }

    std::string_view rest_, line_;
    const std::string& file_;
    std::size_t number_ = 0;
    bool view_1_ = false;
    int per_block_ = 0;
    pair_list list_;
};

}  // namespace

std::string path_of(const photo_id& photo) {
    std::string number = std::to_string(photo.number);
    if (number.size() < 4) number.insert(0, 4 - number.size(), '0');
    return photo.person + "/" + photo.person + "_" + number + ".jpg";
}

std::optional<photo_id> photo_named(const std::string& person, std::string_view file) {
    const std::size_t length = person.size() + 1 + 4 + 4;
    if (file.size() != length) return std::nullopt;
    const auto number = count_in(file.substr(person.size() + 1, 4), number_max);
    if (!number) return std::nullopt;
    const photo_id photo{person, *number};
    if (path_of(photo) != person + "/" + std::string(file)) return std::nullopt;
    return photo;
}

result<pair_list> read_pairs(std::string_view text, const std::string& file) {
    return reader(text, file).read();
}

}  // namespace vultus::lfw
