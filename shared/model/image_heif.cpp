// The boxes of HEIC and AVIF: ISO/IEC 14496-12 (boxes), 23008-12 (pictures in them). Only the size,
// the crop, the coding and the orientation of the primary picture are read; the library finds its
// data. Every loop moves forward over one list of boxes, and a box never exceeds its parent.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "shared/model/image_bytes.hpp"

namespace vultus {
namespace {

using namespace image_bytes;
using std::size_t;
using std::uint32_t;

struct box {
    std::string_view type, content;
};

enum class step { found, none, overlong };

/// Removes the first box from `rest`.
step take_box(std::string_view& rest, box& one) {
    if (rest.size() < 8) return step::none;
    size_t length = big32(rest, 0), header = 8;
    if (length == 1) {
        if (rest.size() < 16) return step::none;
        if (big32(rest, 8) != 0) return step::overlong;
        length = big32(rest, 12);
        header = 16;
    }
    one.type = rest.substr(4, 4);
    if (length == 0) length = rest.size();
    if (length < header) return step::none;
    if (length > rest.size()) return step::overlong;
    one.content = rest.substr(header, length - header);
    rest.remove_prefix(length);
    return step::found;
}

bool is_brand(std::string_view brand) {
    constexpr std::array<std::string_view, 11> brands{
        "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "mif2", "msf1", "avif", "avis"};
    return std::find(brands.begin(), brands.end(), brand) != brands.end();
}

/// An orientation as a matrix that maps right and down.
struct turn {
    int a, b, c, d;  ///< x' = a x + b y, y' = c x + d y; y points down
    bool operator==(const turn&) const = default;
};
constexpr std::array<turn, 9> turns{{{},
                                     {1, 0, 0, 1},
                                     {-1, 0, 0, 1},
                                     {-1, 0, 0, -1},
                                     {1, 0, 0, -1},
                                     {0, 1, 1, 0},
                                     {0, -1, 1, 0},
                                     {0, -1, -1, 0},
                                     {0, 1, -1, 0}}};

/// The orientation `first` followed by `second`.
int composed(int first, int second) {
    const turn f = turns[static_cast<size_t>(first)], s = turns[static_cast<size_t>(second)];
    const turn both{s.a * f.a + s.b * f.c, s.a * f.b + s.b * f.d, s.c * f.a + s.d * f.c,
                    s.c * f.b + s.d * f.d};
    return static_cast<int>(std::find(turns.begin() + 1, turns.end(), both) - turns.begin());
}

struct heif_walk {
    std::optional<uint32_t> primary;
    std::string_view kind;  ///< of the primary item: hvc1, av01, grid, ...
    bool has_av1 = false;
    std::string_view items, properties, associations;  ///< contents of iinf, ipco, ipma
    image_header header;
};

/// Splits the contents into version, flags and the rest.
struct full_box {
    uint32_t version, flags;
    std::string_view rest;
};
std::optional<full_box> full(std::string_view content) {
    if (content.size() < 4) return std::nullopt;
    return full_box{byte_at(content, 0), big32(content, 0) & 0xFFFFFF, content.substr(4)};
}

/// Removes an integer of 16 or 32 bits.
std::optional<uint32_t> take(std::string_view& rest, bool wide) {
    const size_t bytes = wide ? 4 : 2;
    if (rest.size() < bytes) return std::nullopt;
    const uint32_t value = wide ? big32(rest, 0) : big16(rest, 0);
    rest.remove_prefix(bytes);
    return value;
}

result<void> take_meta(heif_walk& walk, std::string_view content) {
    const auto meta = full(content);
    if (!meta) return broken("the meta box is too short");
    box one;
    for (std::string_view rest = meta->rest; take_box(rest, one) == step::found;) {
        if (one.type == "pitm") {
            auto item = full(one.content);
            if (item) walk.primary = take(item->rest, item->version > 0);
        } else if (one.type == "iinf") {
            walk.items = one.content;
        } else if (one.type == "iprp") {
            box inner;
            for (std::string_view list = one.content; take_box(list, inner) == step::found;) {
                if (inner.type == "ipco") walk.properties = inner.content;
                if (inner.type == "ipma" && walk.associations.empty()) {
                    walk.associations = inner.content;
                }
            }
        }
    }
    if (!walk.primary) return broken("no primary image in the boxes");
    return {};
}

void read_items(heif_walk& walk) {
    auto list = full(walk.items);
    if (!list || !take(list->rest, list->version > 0)) return;
    box one;
    while (take_box(list->rest, one) == step::found) {
        auto item = full(one.content);
        if (one.type != "infe" || !item || item->version < 2) continue;
        const auto id = take(item->rest, item->version > 2);
        if (!id || item->rest.size() < 6) continue;
        const std::string_view kind = item->rest.substr(2, 4);
        if (kind == "av01") walk.has_av1 = true;
        if (*id == *walk.primary) walk.kind = kind;
    }
}

/// One of the four fractions in clap. Larger ones than this cannot lie in a picture, and with them
/// the sums below are exact.
struct fraction {
    std::int64_t over, under;
    bool fits() const {
        constexpr std::int64_t most = std::int64_t{1} << 31;
        return under >= 1 && under <= 65'536 && over >= -most && over <= most;
    }
};
fraction fraction_at(std::string_view bytes, size_t at) {
    return {std::int32_t(big32(bytes, at)), std::int64_t{big32(bytes, at + 4)}};
}

/// Begin and length of what is shown along one side of `length` pixels. A length below 1: nothing
/// is. Halves of a pixel are rounded as libheif rounds them: the size up, the top up, the left side
/// not. `size`    of the part; `offset`  of its middle from the middle of the picture
std::pair<std::int64_t, std::int64_t> shown(std::int64_t length, fraction size, fraction offset,
                                            bool up) {
    const std::int64_t half = size.under * offset.under;
    const std::int64_t twice = (length * size.under - size.over) * offset.under +
                               2 * offset.over * size.under + (up ? half : 0);
    const std::int64_t begin = twice / (2 * half);
    const std::int64_t end = begin + (2 * size.over + size.under) / (2 * size.under);
    const auto from = std::max<std::int64_t>(begin, 0);
    return {from, std::min(end, length) - from};
}

/// clap: width, height, horizontal and vertical offset, each a numerator and a denominator.
result<void> take_crop(image_header& header, std::string_view content) {
    if (content.size() < 32) return broken("the clap box is too short");
    if (header.width == 0) return broken("a crop before the size");
    if (header.orientation != 1) return unsupported("a crop after a turn is not supported");
    const fraction width = fraction_at(content, 0), height = fraction_at(content, 8);
    const fraction right = fraction_at(content, 16), down = fraction_at(content, 24);
    if (!width.fits() || !height.fits() || !right.fits() || !down.fits()) {
        return broken("the crop is outside the image");
    }
    const auto columns = shown(header.width, width, right, false);
    const auto rows = shown(header.height, height, down, true);
    if (columns.second < 1 || rows.second < 1) return broken("the crop is outside the image");
    header.crop.left += static_cast<uint32_t>(columns.first);
    header.crop.top += static_cast<uint32_t>(rows.first);
    header.width = static_cast<uint32_t>(columns.second);
    header.height = static_cast<uint32_t>(rows.second);
    return {};
}

/// Applies one property of the primary picture; their order matters.
result<void> take_property(heif_walk& walk, const box& one) {
    if (one.type == "ispe" && walk.header.width == 0) {
        const auto size = full(one.content);
        if (!size || size->rest.size() < 8) return broken("the ispe box is too short");
        walk.header.width = big32(size->rest, 0);
        walk.header.height = big32(size->rest, 4);
        walk.header.crop = {0, 0, walk.header.width, walk.header.height};
        return check_size(walk.header.width, walk.header.height);
    }
    if (one.type == "clap") return take_crop(walk.header, one.content);
    if (one.content.empty()) return {};
    int& seen = walk.header.orientation;
    if (one.type == "irot") {  // quarter turns to the left
        for (uint32_t i = byte_at(one.content, 0) & 3; i > 0; --i) seen = composed(seen, 8);
    } else if (one.type == "imir") {  // 0: swaps top and bottom, 1: left and right
        seen = composed(seen, (byte_at(one.content, 0) & 1) != 0 ? 2 : 4);
    }
    return {};
}

std::optional<box> property(std::string_view list, uint32_t index) {
    box one;
    for (uint32_t i = 1; take_box(list, one) == step::found; ++i) {
        if (i == index) return one;
    }
    return std::nullopt;
}

/// Reads the properties that ipma lists for the primary picture.
result<void> read_associations(heif_walk& walk) {
    auto list = full(walk.associations);
    if (!list) return {};
    const auto count = take(list->rest, true);
    for (uint32_t i = 0; count && i < *count; ++i) {
        const auto id = take(list->rest, list->version > 0);
        if (!id || list->rest.empty()) return {};
        const size_t n = byte_at(list->rest, 0), width = (list->flags & 1) != 0 ? 2 : 1;
        list->rest.remove_prefix(1);
        if (list->rest.size() < n * width) return {};
        for (size_t k = 0; k < n && *id == *walk.primary; ++k) {
            const uint32_t index =
                width == 2 ? big16(list->rest, k * 2) & 0x7FFF : byte_at(list->rest, k) & 0x7F;
            const auto one = property(walk.properties, index);
            if (!one) continue;
            if (const auto taken = take_property(walk, *one); !taken) return taken;
        }
        if (*id == *walk.primary) return {};
        list->rest.remove_prefix(n * width);
    }
    return {};
}

/// Also of tiles, thumbnails and alpha planes: the library may decode any of them.
result<void> check_all_sizes(std::string_view properties) {
    box one;
    while (take_box(properties, one) == step::found) {
        const auto size = full(one.content);
        if (one.type != "ispe" || !size || size->rest.size() < 8) continue;
        const auto fits = check_size(big32(size->rest, 0), big32(size->rest, 4));
        if (!fits) return fits;
    }
    return {};
}

result<void> read_kind(heif_walk& walk) {
    const std::string_view kind = walk.kind;
    const bool derived = kind == "grid" || kind == "iovl" || kind == "iden";
    if (kind != "hvc1" && kind != "av01" && !derived) {
        return unsupported("a HEIF file with neither HEVC (HEIC) nor AV1 (AVIF) is not supported");
    }
    const bool av1 = derived ? walk.has_av1 : kind == "av01";
    walk.header.format = av1 ? image_format::avif : image_format::heic;
    return {};
}

}  // namespace

bool image_bytes::is_heif_file(std::string_view bytes) {
    box one;
    if (take_box(bytes, one) != step::found || one.type != "ftyp") return false;
    if (one.content.size() < 4) return false;
    if (is_brand(one.content.substr(0, 4))) return true;
    for (size_t at = 8; at + 4 <= one.content.size(); at += 4) {
        if (is_brand(one.content.substr(at, 4))) return true;
    }
    return false;
}

result<image_header> image_bytes::inspect_heif(std::string_view bytes) {
    heif_walk walk;
    walk.header.format = image_format::heic;
    box one;
    bool found = false;
    for (std::string_view rest = bytes;;) {
        const step next = take_box(rest, one);
        if (next == step::overlong && !found) return cut();
        if (next != step::found) break;  // missing data is detected by decoding
        if (one.type == "ftyp") {
            const std::string_view brand = one.content.substr(0, 4);
            walk.header.animated = brand == "avis" || brand == "msf1" || brand == "hevc";
        }
        if (one.type != "meta" || found) continue;
        found = true;
        if (const auto taken = take_meta(walk, one.content); !taken) return fail(taken.error());
    }
    if (!found && bytes.size() < 1'000) return cut();
    if (!found) return broken("no still image in the boxes");
    read_items(walk);
    if (const auto kind = read_kind(walk); !kind) return fail(kind.error());
    if (const auto all = check_all_sizes(walk.properties); !all) return fail(all.error());
    if (const auto read = read_associations(walk); !read) return fail(read.error());
    if (walk.header.width == 0) return broken("no image size in the boxes");
    return walk.header;
}

}  // namespace vultus
