// The curves as SVG. See report.hpp.
#include <array>
#include <cmath>

#include "clients/lfw/report.hpp"

namespace vultus::lfw {
namespace {

// Pixels of the drawing: the field, and room for the words around it.
constexpr double left = 60, top = 20, width = 480, height = 360, right = 130, bottom = 50;
constexpr int exponent_min = -5, exponent_max = -2;  // of FAR

/// Okabe and Ito's colours, told apart by those who see fewer colours, too.
constexpr std::array colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

std::string x_of(double far) {
    const double share = (std::log10(far) - exponent_min) / (exponent_max - exponent_min);
    return fixed(left + share * width, 1);
}

std::string y_of(double tar) {
    return fixed(top + (1 - tar) * height, 1);
}

std::string line(const std::string& x1, const std::string& y1, const std::string& x2,
                 const std::string& y2) {
    return "<line x1=\"" + x1 + "\" y1=\"" + y1 + "\" x2=\"" + x2 + "\" y2=\"" + y2 +
           "\" stroke=\"#ccc\"/>\n";
}

std::string text(const std::string& x, const std::string& y, const std::string& anchor,
                 const std::string& words) {
    return "<text x=\"" + x + "\" y=\"" + y + "\" text-anchor=\"" + anchor + "\">" + words +
           "</text>\n";
}

std::string grid() {
    std::string out;
    const std::string low = fixed(top + height, 1), end = fixed(left + width, 1);
    for (int exponent = exponent_min; exponent <= exponent_max; ++exponent) {
        const std::string x = x_of(std::pow(10, exponent));
        out += line(x, fixed(top, 1), x, low);
        out += text(x, fixed(top + height + 18, 1), "middle", "1e" + fixed(exponent, 0));
    }
    for (int tenth = 0; tenth <= 10; tenth += 2) {
        const std::string y = y_of(tenth / 10.0);
        out += line(fixed(left, 1), y, end, y);
        out += text(fixed(left - 8, 1), y, "end", fixed(tenth / 10.0, 1));
    }
    out += text(fixed(left + width / 2, 1), fixed(top + height + 40, 1), "middle",
                "false acceptance rate of all pairs");
    return out + text(fixed(left, 1), fixed(top - 6, 1), "middle", "true acceptance rate");
}

}  // namespace

std::string roc_drawing(const run_figures& run) {
    const std::string wide = fixed(left + width + right, 0), high = fixed(top + height + bottom, 0);
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + wide + "\" height=\"" +
                      high + "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
                      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" + grid();
    for (std::size_t i = 0; i < run.variants.size(); ++i) {
        const std::string colour = colours[i % colours.size()];
        std::string points;
        for (const roc_point& point : run.variants[i].roc) {
            points += (points.empty() ? "" : " ") + x_of(point.far) + "," + y_of(point.tar);
        }
        const std::string y = fixed(top + 20 + 18 * static_cast<double>(i), 1);
        out += "<polyline fill=\"none\" stroke=\"" + colour;
        out += "\" stroke-width=\"2\" points=\"" + points;
        out += "\"/>\n<g fill=\"" + colour + "\">";
        out += text(fixed(left + width + 10, 1), y, "start", shown_name(run.variants[i].which));
        out += "</g>\n";
    }
    return out + "</svg>\n";
}

}  // namespace vultus::lfw
