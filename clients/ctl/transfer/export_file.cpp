// See export_file.hpp.
#include "clients/ctl/transfer/export_file.hpp"

#include <array>
#include <charconv>
#include <istream>
#include <ostream>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::ctl {
namespace {

constexpr std::string_view name = "vultus-export ";
constexpr std::size_t bytes_a_float = 4;
constexpr char face_mark = 'F', person_mark = 'P', end_mark = 'E';
constexpr std::size_t person_data_bytes = 65'536;

std::string little_endian(std::uint64_t value, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
    return text;
}

std::uint64_t number_from(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
        value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    }
    return value;
}

}  // namespace

void checksum::add(std::string_view bytes) {
    for (const char one : bytes) {
        value_ ^= static_cast<unsigned char>(one);
        value_ *= 1'099'511'628'211ULL;
    }
}

export_writer::export_writer(std::ostream& to, const export_head& head)
    : to_(to), vector_bytes_(head.dimension * bytes_a_float) {
    put(std::string(name) + "3\n" + head.collection + "\n" + head.embedding_model + "\n" +
        std::to_string(head.exported_ms) + "\n" + std::to_string(head.dimension) + "\n");
}

void export_writer::put(std::string_view bytes) {
    sum_.add(bytes);
    to_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void export_writer::add(const exported_face& face) {
    VULTUS_REQUIRE(face.face_id.size() < 256 && face.label.size() < 65'536 &&
                       face.json.size() < 65'536 && face.vector.size() == vector_bytes_,
                   "a face as it is stored");
    put(face_mark + little_endian(face.face_id.size(), 1) + little_endian(face.label.size(), 2) +
        little_endian(face.json.size(), 2) + face.face_id + face.label + face.json + face.vector);
    ++faces_;
}

void export_writer::add(const exported_person& person) {
    VULTUS_REQUIRE(person.key.size() < 65'536 && person.person_id.size() < 256 &&
                       person.data.size() < person_data_bytes,
                   "a person as it is stored");
    put(person_mark + little_endian(person.key.size(), 2) +
        little_endian(person.person_id.size(), 1) + little_endian(person.data.size(), 2) +
        little_endian(person.created_ms, 8) + person.key + person.person_id + person.data);
}

bool export_writer::good() const {
    return to_.good();
}

result<void> export_writer::finish() {
    put(end_mark + little_endian(faces_, 8));
    const std::string sum = little_endian(sum_.value(), 8);
    to_.write(sum.data(), static_cast<std::streamsize>(sum.size()));
    to_.flush();
    if (!to_) return fail(errc::internal, "file cannot be written");
    return {};
}

result<export_reader> export_reader::open(std::istream& from) {
    export_reader reader(from);
    if (auto good = reader.read_head(); !good) return fail(good.error());
    return reader;
}

result<void> export_reader::read_head() {
    const auto foreign = fail(errc::malformed, "not an export of Vultus");
    std::string line;
    const auto next = [&] {
        std::getline(*from_, line);
        sum_.add(line + "\n");
        return !from_->eof() && *from_ && line.size() <= 4'096;
    };
    const auto number = [&](auto& into) {
        const auto* end = line.data() + line.size();
        const auto read = std::from_chars(line.data(), end, into);
        return read.ec == std::errc() && read.ptr == end;
    };
    if (!next() || !line.starts_with(name)) return foreign;
    const std::string version = line.substr(name.size());
    if (version != "1" && version != "2" && version != "3") {
        return fail(errc::malformed, "export has another version: " + line);
    }
    version_ = version.front();
    if (!next()) return foreign;
    head_.collection = line;
    if (!next() || line.empty()) return foreign;
    head_.embedding_model = line;
    if (!next() || !number(head_.exported_ms)) return foreign;
    if (version == "1") return {};
    if (!next() || !number(head_.dimension)) return foreign;
    if (!limits::is_embedding_dimension(head_.dimension)) {
        return fail(errc::malformed, "export has faces of " + line + " floats, as no model has");
    }
    return {};
}

bool export_reader::take(std::string& into, std::size_t bytes) {
    into.resize(bytes);
    from_->read(into.data(), static_cast<std::streamsize>(bytes));
    return static_cast<std::size_t>(from_->gcount()) == bytes;
}

result<bool> export_reader::next(exported_face& into) {
    const auto cut = [this] {
        return fail(errc::malformed,
                    "export is truncated or corrupt after " + std::to_string(faces_) + " faces");
    };
    while (true) {
        std::string mark;
        if (!take(mark, 1)) return cut();
        sum_.add(mark);
        if (mark[0] == end_mark) return read_end();
        if (mark[0] == face_mark) {
            if (!read_face(into)) return cut();
            return true;
        }
        if (mark[0] != person_mark || version_ < '3' || !read_person()) return cut();
    }
}

bool export_reader::read_face(exported_face& into) {
    const std::size_t label_bytes = version_ < '3' ? 1 : 2;
    std::string lengths;
    if (!take(lengths, 3 + label_bytes)) return false;
    const auto length = [&](std::size_t at, std::size_t bytes) {
        return static_cast<std::size_t>(number_from(std::string_view(lengths).substr(at, bytes)));
    };
    if (!take(into.face_id, length(0, 1)) || !take(into.label, length(1, label_bytes)) ||
        !take(into.json, length(1 + label_bytes, 2)) ||
        !take(into.vector, head_.dimension * bytes_a_float)) {
        return false;
    }
    for (const std::string* part :
         {&lengths, &into.face_id, &into.label, &into.json, &into.vector}) {
        sum_.add(*part);
    }
    ++faces_;
    return true;
}

bool export_reader::read_person() {
    std::string lengths;
    exported_person one;
    if (!take(lengths, 13)) return false;
    const auto number = [&](std::size_t at, std::size_t bytes) {
        return number_from(std::string_view(lengths).substr(at, bytes));
    };
    one.created_ms = number(5, 8);
    if (!take(one.key, number(0, 2)) || !take(one.person_id, number(2, 1)) ||
        !take(one.data, number(3, 2))) {
        return false;
    }
    for (const std::string* part : {&lengths, &one.key, &one.person_id, &one.data}) {
        sum_.add(*part);
    }
    people_.push_back(std::move(one));
    return true;
}

result<bool> export_reader::read_end() {
    std::string number, sum;
    const bool there = take(number, 8);
    sum_.add(number);
    if (!there || !take(sum, 8) || number_from(number) != faces_ ||
        number_from(sum) != sum_.value()) {
        return fail(errc::malformed, "export is corrupt: checksum mismatch");
    }
    if (from_->peek() != std::istream::traits_type::eof()) {
        return fail(errc::malformed, "unexpected data after the end of the export");
    }
    return false;
}

std::string label_of(std::string_view face_json) {
    constexpr std::string_view begin = R"({"label":")";
    if (!face_json.starts_with(begin)) return {};
    std::string label;
    for (std::size_t at = begin.size(); at < face_json.size(); ++at) {
        if (face_json[at] == '"') return label;
        if (face_json.substr(at).starts_with("\\u001f")) {
            label += key_separator;
            at += 5;
            continue;
        }
        if (face_json[at] == '\\') ++at;
        if (at < face_json.size()) label += face_json[at];
    }
    return {};
}

}  // namespace vultus::ctl
