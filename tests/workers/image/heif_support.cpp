// Encodes HEIC and AVIF, and edits boxes of their files.
#include "tests/workers/image/heif_support.hpp"

#include <libheif/heif.h>

#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/workers/image/photo_support.hpp"

namespace vultus::testing {
namespace {

void must(const heif_error& said) {
    if (said.code != heif_error_Ok) throw std::runtime_error(said.message);
}

heif_error append(heif_context*, const void* data, std::size_t size, void* to) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(data), size);
    return {heif_error_Ok, heif_suberror_Unspecified, "fine"};
}

std::uint32_t number(const std::string& file, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<unsigned char>(file[at + i]);
    }
    return value;
}

/// Makes the box whose name is at `at` longer.
void grow(std::string& file, std::size_t at, std::uint32_t bytes) {
    file.replace(at - 4, 4, big32(number(file, at - 4) + bytes));
}

/// Moves what iloc says by that many bytes: version 0 with a base of 4 bytes, as libheif writes it.
void move_data(std::string& file, std::uint32_t bytes) {
    std::size_t at = file.find("iloc") + 4;
    if (file[at] != 0 || file.substr(at + 4, 2) != "\x44\x40") {
        throw std::runtime_error("another iloc");
    }
    const std::size_t items = number(file, at + 4) & 0xFFFF;
    at += 8;
    for (std::size_t i = 0; i < items; ++i) {
        file.replace(at + 4, 4, big32(number(file, at + 4) + bytes));
        const std::size_t extents = number(file, at + 8) >> 16;
        at += 10 + extents * 8;
    }
}

}  // namespace

std::string heif_file(const image& picture, heif_codec codec, bool alpha) {
    heif_context* const context = heif_context_alloc();
    heif_encoder* encoder = nullptr;
    must(heif_context_get_encoder_for_format(
        context, codec == heif_codec::hevc ? heif_compression_HEVC : heif_compression_AV1,
        &encoder));
    must(heif_encoder_set_lossy_quality(encoder, 90));
    heif_image* stored = nullptr;
    const auto wide = static_cast<int>(picture.width), high = static_cast<int>(picture.height);
    must(heif_image_create(wide, high, heif_colorspace_RGB,
                           alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                           &stored));
    must(heif_image_add_plane(stored, heif_channel_interleaved, wide, high, 8));
    int stride = 0;
    std::uint8_t* const plane = heif_image_get_plane(stored, heif_channel_interleaved, &stride);
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        std::uint8_t* to = plane + y * static_cast<std::size_t>(stride);
        for (std::uint32_t x = 0; x < picture.width; ++x, to += alpha ? 4 : 3) {
            std::memcpy(to, picture.row(y) + x * 3, 3);
            if (alpha) to[3] = 0;
        }
    }
    must(heif_context_encode_image(context, stored, encoder, nullptr, nullptr));
    std::string file;
    heif_writer writer{1, append};
    must(heif_context_write(context, &writer, &file));
    heif_image_release(stored);
    heif_encoder_release(encoder);
    heif_context_free(context);
    return file;
}

namespace {

// More properties at the end of ipco, and their numbers at the end of the first item's list in
// ipma; what lies behind moves.
std::string with_properties(const std::string& file, const std::vector<std::string>& boxes) {
    std::string turned = file, properties, numbers;
    const std::size_t ipco = turned.find("ipco");
    const std::size_t end = ipco - 4 + number(turned, ipco - 4);
    int count = 0;
    for (std::size_t at = ipco + 4; at < end; at += number(turned, at)) ++count;
    for (const std::string& box : boxes) {
        properties += big32(static_cast<std::uint32_t>(box.size() + 4)) + box;
        numbers += static_cast<char>(0x80 | ++count);
    }
    const std::size_t ipma = turned.find("ipma"), list = ipma + 4 + 4 + 4 + 2;
    const auto n = static_cast<unsigned char>(turned[list]);
    turned[list] = static_cast<char>(n + numbers.size());
    turned.insert(list + 1 + n, numbers);
    grow(turned, ipma, static_cast<std::uint32_t>(numbers.size()));
    turned.insert(end, properties);
    grow(turned, ipco, static_cast<std::uint32_t>(properties.size()));
    const auto more = static_cast<std::uint32_t>(numbers.size() + properties.size());
    grow(turned, turned.find("iprp"), more);
    grow(turned, turned.find("meta"), more);
    move_data(turned, more);
    return turned;
}

}  // namespace

std::string with_turns(const std::string& file, int irot, int imir) {
    std::vector<std::string> boxes;
    if (irot >= 0) boxes.push_back(std::string("irot") + static_cast<char>(irot));
    if (imir >= 0) boxes.push_back(std::string("imir") + static_cast<char>(imir));
    return with_properties(file, boxes);
}

std::string with_crop(const std::string& file, int width, int height, int right, int down,
                      int behind) {
    std::vector<std::string> boxes;
    if (behind >= 0) boxes.push_back(std::string("irot") + static_cast<char>(behind));
    std::string clap = "clap";
    for (const auto& [over, under] :
         {std::pair{width, 1}, std::pair{height, 1}, std::pair{right, 2}, std::pair{down, 2}}) {
        clap += big32(static_cast<std::uint32_t>(over)) + big32(static_cast<std::uint32_t>(under));
    }
    boxes.push_back(clap);
    return with_properties(file, boxes);
}

std::string with_heif_size(const std::string& file, std::uint32_t width, std::uint32_t height) {
    std::string other = file;
    other.replace(other.find("ispe") + 8, 8, big32(width) + big32(height));
    return other;
}

image heif_shown(const std::string& file) {
    heif_context* const context = heif_context_alloc();
    must(heif_context_read_from_memory(context, file.data(), file.size(), nullptr));
    heif_image_handle* handle = nullptr;
    must(heif_context_get_primary_image_handle(context, &handle));
    heif_image* shown = nullptr;
    must(heif_decode_image(handle, &shown, heif_colorspace_RGB, heif_chroma_interleaved_RGB,
                           nullptr));
    int stride = 0;
    const std::uint8_t* const plane =
        heif_image_get_plane_readonly(shown, heif_channel_interleaved, &stride);
    const int wide = heif_image_get_width(shown, heif_channel_interleaved);
    const int high = heif_image_get_height(shown, heif_channel_interleaved);
    image copy(static_cast<std::uint32_t>(wide), static_cast<std::uint32_t>(high));
    for (std::uint32_t y = 0; y < copy.height; ++y) {
        std::memcpy(copy.row(y), plane + y * static_cast<std::size_t>(stride), copy.width * 3);
    }
    heif_image_release(shown);
    heif_image_handle_release(handle);
    heif_context_free(context);
    return copy;
}

std::string heif_corners(const std::string& file) {
    return corners(heif_shown(file));
}

}  // namespace vultus::testing
