// HEIC and AVIF by libheif; the only file that knows it. The library is opened when it is needed
// and not linked: it brings five codecs, which a process that reads JPEG, PNG and WebP neither
// loads nor trusts. The picture comes as it is stored, so that its size is the one that the boxes
// promised; cutting it to its crop (clap) is done here, turning it is image.cpp's part.
#include <dlfcn.h>
#include <libheif/heif.h>

#include <algorithm>
#include <memory>

#include "shared/base/limits.hpp"
#include "workers/image/image_codecs.hpp"

namespace vultus {
namespace {

/// The functions of libheif.so.1 that are used, by their own names.
struct functions {
    decltype(&heif_context_alloc) context_alloc;
    decltype(&heif_context_free) context_free;
    decltype(&heif_context_set_max_decoding_threads) context_set_max_decoding_threads;
    decltype(&heif_context_set_maximum_image_size_limit) context_set_maximum_image_size_limit;
    decltype(&heif_context_read_from_memory_without_copy) context_read_from_memory_without_copy;
    decltype(&heif_context_get_primary_image_handle) context_get_primary_image_handle;
    decltype(&heif_image_handle_release) image_handle_release;
    decltype(&heif_image_handle_has_alpha_channel) image_handle_has_alpha_channel;
    decltype(&heif_decoding_options_alloc) decoding_options_alloc;
    decltype(&heif_decoding_options_free) decoding_options_free;
    decltype(&heif_decode_image) decode_image;
    decltype(&heif_image_get_width) image_get_width;
    decltype(&heif_image_get_height) image_get_height;
    decltype(&heif_image_get_plane_readonly) image_get_plane_readonly;
    decltype(&heif_image_release) image_release;
    bool all = false;

    functions() {
        void* const library = ::dlopen("libheif.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return;
        all = true;
        const auto find = [&](auto& function, const char* name) {
            function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
                ::dlsym(library, name));
            all = all && function != nullptr;
        };
        find(context_alloc, "heif_context_alloc");
        find(context_free, "heif_context_free");
        find(context_set_max_decoding_threads, "heif_context_set_max_decoding_threads");
        find(context_set_maximum_image_size_limit, "heif_context_set_maximum_image_size_limit");
        find(context_read_from_memory_without_copy, "heif_context_read_from_memory_without_copy");
        find(context_get_primary_image_handle, "heif_context_get_primary_image_handle");
        find(image_handle_release, "heif_image_handle_release");
        find(image_handle_has_alpha_channel, "heif_image_handle_has_alpha_channel");
        find(decoding_options_alloc, "heif_decoding_options_alloc");
        find(decoding_options_free, "heif_decoding_options_free");
        find(decode_image, "heif_decode_image");
        find(image_get_width, "heif_image_get_width");
        find(image_get_height, "heif_image_get_height");
        find(image_get_plane_readonly, "heif_image_get_plane_readonly");
        find(image_release, "heif_image_release");
        if (!all) return;
        // Debian 13 has the codecs as plugins: they are opened now, while files may be opened.
        heif_error (*init)(heif_init_params*) = nullptr;
        find(init, "heif_init");
        if (init != nullptr) all = init(nullptr).code == heif_error_Ok;
    }
};

const functions& heif() {
    static const functions loaded;
    return loaded;
}

result<void> outcome(const heif_error& said) {
    if (said.code == heif_error_Ok) return {};
    if (said.subcode == heif_suberror_Security_limit_exceeded) {
        return fail(errc::too_large, "a part of the image exceeds a limit");
    }
    if (said.code == heif_error_Memory_allocation_error) {
        return fail(errc::out_of_memory, "not enough memory to decode the image");
    }
    if (said.subcode == heif_suberror_End_of_data) {
        return fail(errc::truncated_image, "the image data is truncated");
    }
    return fail(errc::undecodable_image, "the HEIC or AVIF data is corrupt");
}

template <class Type>
using owner = std::unique_ptr<Type, void (*)(Type*)>;

owner<heif_image_handle> no_handle() {
    return {nullptr, [](heif_image_handle* one) { heif().image_handle_release(one); }};
}

struct decoding {
    owner<heif_context> context{heif().context_alloc(),
                                [](heif_context* one) { heif().context_free(one); }};
    owner<heif_image_handle> handle = no_handle();
    owner<heif_decoding_options> options{
        heif().decoding_options_alloc(),
        [](heif_decoding_options* one) { heif().decoding_options_free(one); }};
    owner<heif_image> picture{nullptr, [](heif_image* one) { heif().image_release(one); }};
};

result<void> run(decoding& work, std::string_view bytes, bool& alpha) {
    heif_context* const context = work.context.get();
    if (context == nullptr || !work.options) {
        return fail(errc::out_of_memory, "libheif is out of memory");
    }
    heif().context_set_max_decoding_threads(context, 0);
    heif().context_set_maximum_image_size_limit(context, int{limits::image_side});
    auto done = outcome(
        heif().context_read_from_memory_without_copy(context, bytes.data(), bytes.size(), nullptr));
    if (!done) return done;
    heif_image_handle* handle = nullptr;
    done = outcome(heif().context_get_primary_image_handle(context, &handle));
    if (!done) return done;
    work.handle.reset(handle);
    alpha = heif().image_handle_has_alpha_channel(handle) != 0;
    work.options->ignore_transformations = 1;
    work.options->convert_hdr_to_8bit = 1;
    heif_image* picture = nullptr;
    done = outcome(heif().decode_image(
        handle, &picture, heif_colorspace_RGB,
        alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, work.options.get()));
    if (!done) return done;
    work.picture.reset(picture);
    return {};
}

}  // namespace

bool codecs::load_heif() noexcept {
    return heif().all;
}

result<image> codecs::decode_heif(std::string_view bytes, const image_header& header) {
    if (!load_heif()) {
        return fail(errc::unsupported_media,
                    "HEIC and AVIF are not supported here: libheif1 is missing");
    }
    decoding work;
    bool alpha = false;
    if (const auto done = run(work, bytes, alpha); !done) return fail(done.error());
    int stride = 0;
    const std::uint8_t* const plane =
        heif().image_get_plane_readonly(work.picture.get(), heif_channel_interleaved, &stride);
    const image_crop& crop = header.crop;
    const auto wide = static_cast<int>(crop.stored_width);
    const auto high = static_cast<int>(crop.stored_height);
    if (plane == nullptr ||
        heif().image_get_width(work.picture.get(), heif_channel_interleaved) != wide ||
        heif().image_get_height(work.picture.get(), heif_channel_interleaved) != high) {
        return fail(errc::undecodable_image, "boxes and image differ in size");
    }
    image picture(header.width, header.height);
    for (std::uint32_t y = 0; y < header.height; ++y) {
        const std::uint8_t* from = plane +
                                   std::size_t{crop.top + y} * static_cast<std::size_t>(stride) +
                                   std::size_t{crop.left} * (alpha ? 4 : 3);
        std::uint8_t* const to = picture.row(y);
        if (!alpha) {
            std::copy_n(from, std::size_t{header.width} * 3, to);
            continue;
        }
        for (std::uint32_t x = 0; x < header.width; ++x) over_white(from + x * 4, to + x * 3);
    }
    return picture;
}

}  // namespace vultus
