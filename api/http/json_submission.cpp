// See json_submission.hpp. Boost.JSON's parser without its tree: it calls the handler below for
// each token, and for text in pieces.
#include "api/http/json_submission.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <set>

#include "api/http/base64.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/routes.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

namespace json = boost::json;
using code = boost::system::error_code;

constexpr std::size_t step = 64 * limits::kib;  // a token that is too long is detected after this
constexpr std::string_view list_name = "urls";  // may be an array of strings
constexpr std::size_t name_bytes = 256;         // of a member's name; the rest is cut

class reader {
 public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    using text = json::string_view;

    reader(std::string_view known, bool photos, std::size_t bytes)
        : known_(known), photos_(photos), photo_(limits::body_bytes), bytes_(bytes) {}

    json_submission read;
    error why;  ///< set if a call returned false
    bool refused = false;

    /// The member that is being read, for the text of an error.
    std::string in_member() const {
        return name_.empty() ? std::string() : in_quotes(name_) + " in ";
    }

    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }

    bool on_object_begin(code& bad) {
        if (depth_++ == 0) return true;
        return wrong_kind("an object", bad);
    }
    bool on_object_end(std::size_t, code&) {
        --depth_;
        return true;
    }
    bool on_array_begin(code& bad) {
        if (depth_ == 1 && takes_vectors_) return begin_vector(bad);
        const bool list = is_photo_ || name_ == list_name;
        if (depth_ == 0 || !list || in_array_) return wrong_kind("an array", bad);
        in_array_ = true;
        return true;
    }
    bool on_array_end(std::size_t, code& bad) {
        if (in_vectors_ > 0) {
            if (--in_vectors_ > 0 || !read.vectors.empty()) return true;
            return refuse({errc::bad_option, in_member() + "JSON is an empty list"}, bad);
        }
        in_array_ = false;
        return true;
    }

    bool on_key_part(text part, std::size_t, code&) {
        if (!in_name_) name_.clear();
        in_name_ = true;
        name_.append(part.data(), std::min(part.size(), name_bytes - name_.size()));
        return true;
    }
    bool on_key(text part, std::size_t, code& bad) {
        on_key_part(part, 0, bad);
        in_name_ = false;
        if (++members_ > limits::json_members) {
            return refuse({errc::too_large, "JSON has more than 64 members"}, bad);
        }
        const bool named_known = has_word(known_, name_);
        is_photo_ = !named_known && is_photo_name(name_);
        takes_vectors_ = photos_ && named_known && name_ == vectors_member;
        if (!named_known && !(is_photo_ && photos_)) {
            if (!is_photo_) return refuse(unknown_name("JSON", name_, known_), bad);
            return refuse({errc::malformed, "No photo allowed here: " + in_quotes(name_)}, bad);
        }
        if (!names_.insert(name_).second) return refuse(given_twice("JSON", name_), bad);
        return true;
    }

    bool on_string_part(text part, std::size_t, code& bad) {
        if (depth_ == 0 || in_vectors_ > 0) return wrong_kind("a string", bad);
        if (is_photo_) return take_photo({part.data(), part.size()}, bad);
        value_.append(part.data(), part.size());
        if (value_.size() <= limits::field_bytes) return true;
        return refuse({errc::too_large, in_member() + "JSON is longer than 4 KiB"}, bad);
    }
    bool on_string(text part, std::size_t, code& bad) {
        if (!on_string_part(part, 0, bad)) return false;
        if (is_photo_) return end_photo(bad);
        if (!in_array_) return keep(std::exchange(value_, {}));
        return add_to_list(std::exchange(value_, {}), bad);
    }

    bool on_number_part(text part, code& bad) {
        digits_ += part.size();
        if (digits_ <= limits::json_number_bytes) return true;
        return refuse({errc::too_large, in_member() + "JSON is a number of more than 64 digits"},
                      bad);
    }
    bool on_int64(std::int64_t value, text part, code& bad) {
        return number(std::to_string(value), static_cast<double>(value), part, bad);
    }
    bool on_uint64(std::uint64_t value, text part, code& bad) {
        return number(std::to_string(value), static_cast<double>(value), part, bad);
    }
    bool on_double(double value, text part, code& bad) {
        if (!std::isfinite(value)) return wrong_kind("a number out of range", bad);
        return number(json_number(value), value, part, bad);
    }
    bool on_bool(bool value, code& bad) {
        if (depth_ == 0 || is_photo_ || in_array_ || in_vectors_ > 0) {
            return wrong_kind(value ? "true" : "false", bad);
        }
        return keep(value ? "true" : "false");
    }
    bool on_null(code& bad) { return wrong_kind("null", bad); }
    bool on_comment_part(text, code&) { return true; }
    bool on_comment(text, code&) { return true; }

 private:
    bool refuse(error what, code& bad) {
        why = std::move(what);
        refused = true;
        bad = json::error::syntax;  // any: it ends the parser
        return false;
    }

    bool wrong_kind(std::string_view what, code& bad) {
        if (depth_ == 0) {
            return refuse({errc::malformed, "JSON must be an object, not " + std::string(what)},
                          bad);
        }
        const std::string_view wanted = in_vectors_ > 0 ? "; it must be a list of lists of numbers"
                                        : is_photo_     ? "; a photo must be a base64 string"
                                        : in_array_     ? "; a URL must be a string"
                                                        : "; use a string, number or boolean";
        // null may mean "omitted" or "empty": the client must say which.
        return refuse({errc::malformed,
                       in_member() + "JSON is " + std::string(what) +
                           (what == "null" ? "; omit it or set a value" : std::string(wanted))},
                      bad);
    }

    bool keep(std::string value) {
        read.fields.emplace(name_, std::move(value));
        return true;
    }

    bool begin_vector(code& bad) {
        if (++in_vectors_ > 2) return wrong_kind("an array", bad);
        if (in_vectors_ == 1) return true;
        if (read.vectors.size() == limits::vectors_per_job) {
            return refuse({errc::too_large, in_member() + "JSON has more than 64 vectors"}, bad);
        }
        read.vectors.emplace_back();
        return true;
    }

    bool take_float(double value, code& bad) {
        if (in_vectors_ != 2) return wrong_kind("a number", bad);
        if (read.vectors.back().size() == limits::embedding_floats_max) {
            return refuse(
                {errc::bad_option, in_member() + "JSON is a vector of more than 512 numbers"}, bad);
        }
        read.vectors.back().push_back(value);
        return true;
    }

    bool add_to_list(std::string value, code& bad) {
        if (++listed_ > limits::files_per_train) {
            return refuse({errc::too_large, in_member() + "JSON has more than 16 URLs"}, bad);
        }
        read.fields[name_] += value + '\n';
        return true;
    }

    bool number(std::string text_of_it, double value, text part, code& bad) {
        if (!on_number_part(part, bad)) return false;
        digits_ = 0;
        if (in_vectors_ > 0) return take_float(value, bad);
        if (depth_ == 0 || is_photo_ || in_array_) return wrong_kind("a number", bad);
        return keep(std::move(text_of_it));
    }

    bool bad_photo(const error& what, code& bad) {
        return refuse({what.code, in_member() + "JSON: " + what.detail}, bad);
    }

    bool take_photo(std::string_view part, code& bad) {
        if (!in_photo_) {
            if (read.images.size() == limits::files_per_train) {
                return refuse({errc::too_large, "JSON has more than 16 photos"}, bad);
            }
            photo_ = base64_decoder(limits::body_bytes, bytes_ / 4 * 3);
            in_photo_ = true;
        }
        bytes_ -= std::min(bytes_, part.size());
        auto fed = photo_.feed(part);
        return fed || bad_photo(fed.error(), bad);
    }

    bool end_photo(code& bad) {
        in_photo_ = false;
        auto bytes = photo_.finish();
        if (!bytes) return bad_photo(bytes.error(), bad);
        read.images.push_back(std::move(*bytes));
        return true;
    }

    const std::string_view known_;
    const bool photos_;
    std::size_t depth_ = 0, members_ = 0, digits_ = 0, listed_ = 0;
    std::string name_, value_;
    std::set<std::string> names_;
    base64_decoder photo_;
    std::size_t bytes_;   ///< of the body, not read yet
    int in_vectors_ = 0;  ///< 1: in the list of vectors; 2: in one of them
    bool in_name_ = false, is_photo_ = false, in_array_ = false, in_photo_ = false;
    bool takes_vectors_ = false;
};

/// errors    malformed: not JSON in UTF-8, and the text says what it is
result<void> check_encoding(std::string_view body) {
    const auto starts = [&](std::string_view with) { return body.starts_with(with); };
    const bool wide = starts("\xFF\xFE") || starts("\xFE\xFF") ||
                      body.substr(0, 2).find('\0') != std::string_view::npos;
    if (wide) {
        return fail(errc::malformed, "JSON is UTF-16 or UTF-32: send UTF-8");
    }
    if (starts("\x1F\x8B")) {
        return fail(errc::malformed, "JSON is gzip-compressed: send it uncompressed");
    }
    return {};
}

error unreadable(const reader& with, const code& bad, std::size_t at) {
    if (bad == json::error::incomplete) {
        return {errc::malformed,
                "JSON is incomplete" +
                    (with.in_member().empty() ? "" : ": " + with.in_member() + "was read last")};
    }
    return {errc::malformed,
            "JSON cannot be read at byte " + std::to_string(at) + ": " + bad.message()};
}

}  // namespace

bool is_json_type(std::string_view media_type) noexcept {
    return media_type == "application/json" || media_type == "text/json" ||
           media_type.ends_with("+json");
}

bool is_photo_name(std::string_view name) noexcept {
    if (name.ends_with(']')) name = name.substr(0, name.find('['));
    while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.remove_suffix(1);
    constexpr std::array<std::string_view, 6> words{"file",    "image", "photo",
                                                    "picture", "img",   "upload"};
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        const auto plain =
            name.ends_with('s') || name.ends_with('S') ? name.substr(0, name.size() - 1) : name;
        return plain.size() == word.size() && same_text(plain, word);
    });
}

result<json_submission> parse_json_submission(std::string_view body, std::string_view known,
                                              bool photos) {
    if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
    if (auto good = check_encoding(body); !good) return fail(good.error());
    if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return fail(errc::malformed, "Body is empty: send a JSON object");
    }
    json::basic_parser<reader> parser(json::parse_options{}, known, photos, body.size());
    code bad;
    std::size_t at = 0;
    for (bool more = true; more && !bad;) {
        const auto piece = body.substr(at, step);
        more = at + piece.size() < body.size();
        const auto used = parser.write_some(more, piece.data(), piece.size(), bad);
        at += used;
        if (!bad && used < piece.size()) bad = json::error::extra_data;
    }
    auto& made = parser.handler();
    if (made.refused) return fail(std::move(made.why));
    if (bad) return fail(unreadable(made, bad, at));
    return std::move(made.read);
}

}  // namespace vultus::api
