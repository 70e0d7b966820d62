// See text_draw.hpp.
#include "workers/vision/text_draw.hpp"

#include <pango/pangocairo.h>

#include <algorithm>
#include <memory>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

template <class Object>
using owned = std::unique_ptr<Object, decltype(&g_object_unref)>;

owned<PangoLayout> layout_of(std::string_view text, int height, int width_max) {
    // The map of this thread; it keeps the fonts that it has opened.
    PangoFontMap* fonts = pango_cairo_font_map_get_default();
    const owned<PangoContext> context(pango_font_map_create_context(fonts), g_object_unref);
    owned<PangoLayout> layout(pango_layout_new(context.get()), g_object_unref);
    pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
    pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
    pango_layout_set_ellipsize(layout.get(), PANGO_ELLIPSIZE_END);
    pango_layout_set_width(layout.get(), width_max * PANGO_SCALE);
    const std::unique_ptr<PangoFontDescription, decltype(&pango_font_description_free)> font(
        pango_font_description_from_string("Sans"), pango_font_description_free);
    // A line is about 1.2 times as high as its font's size.
    pango_font_description_set_absolute_size(font.get(), height * PANGO_SCALE / 1.2);
    pango_layout_set_font_description(layout.get(), font.get());
    return layout;
}

}  // namespace

text_picture draw_text(std::string_view text, int height, int width_max) {
    VULTUS_REQUIRE(height >= 1 && width_max >= 1, "there is room for text");
    text_picture drawn;
    if (text.empty()) return drawn;
    const auto layout = layout_of(text, height, width_max);
    drawn.unknown_glyphs = pango_layout_get_unknown_glyphs_count(layout.get());
    PangoRectangle where;
    pango_layout_get_pixel_extents(layout.get(), nullptr, &where);
    drawn.width = std::clamp(where.width, 1, width_max);
    drawn.height = std::max(where.height, 1);
    const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface(
        cairo_image_surface_create(CAIRO_FORMAT_A8, drawn.width, drawn.height),
        cairo_surface_destroy);
    const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> pen(cairo_create(surface.get()),
                                                                 cairo_destroy);
    cairo_move_to(pen.get(), -where.x, -where.y);
    pango_cairo_show_layout(pen.get(), layout.get());
    cairo_surface_flush(surface.get());
    VULTUS_REQUIRE(cairo_status(pen.get()) == CAIRO_STATUS_SUCCESS, "cairo has memory");
    const unsigned char* rows = cairo_image_surface_get_data(surface.get());
    const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface.get()));
    const auto width = static_cast<std::size_t>(drawn.width);
    for (std::size_t y = 0; y < static_cast<std::size_t>(drawn.height); ++y) {
        drawn.cover.insert(drawn.cover.end(), rows + y * stride, rows + y * stride + width);
    }
    return drawn;
}

}  // namespace vultus
