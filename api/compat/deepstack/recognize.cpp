// Faces found, named and compared. See calls.hpp.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "api/compat/common/measures.hpp"
#include "api/compat/common/native.hpp"
#include "api/compat/deepstack/calls.hpp"
#include "api/http/json.hpp"

namespace vultus::api::compat::deepstack {
namespace {

constexpr double detect_least = 0.55, recognize_least = 0.67;
constexpr double middle = 0.7082;  ///< so that the service's own distance means 0.67

constexpr std::string_view no_file = "No valid image file found";

/// The part `image`; empty: there is none.
shared_bytes image_in(const form& given) {
    for (const auto& part : given.files) {
        if (part.name == "image" && !part.body.empty()) return part.body;
    }
    return {};
}

/// errors    bad_option, in the words of the contract
result<double> least_in(const form& given, double otherwise) {
    const auto found = given.fields.find("min_confidence");
    if (found == given.fields.end() || found->second.empty()) return otherwise;
    const auto& text = found->second;
    double value = 0;
    const auto* last = text.data() + text.size();
    const auto [end, bad] = std::from_chars(text.data(), last, value);
    if (bad != std::errc{} || end != last || !std::isfinite(value)) {
        return fail(errc::bad_option, "Invalid value for min_confidence");
    }
    if (value > 1) return fail(errc::bad_option, "min_confidence cannot be greater than 1");
    return value;
}

void add_box(json_object& row, const found_face& face) {
    row.add("y_min", std::max(face.top, 0)).add("x_min", std::max(face.left, 0));
    row.add("y_max", std::max(face.bottom, 0)).add("x_max", std::max(face.right, 0));
}

/// The answer with what CodeProject.AI's clients read besides.
response predictions(json_array rows, std::size_t count, std::string_view message,
                     const json_value& told) {
    double spent = 0;
    if (const auto* timing = told.find("timing_ms")) {
        for (const auto& [stage, value] : timing->members) spent += value.number;
    }
    json_object text;
    text.add("success", true).raw("predictions", rows.take()).add("count", count);
    text.add("message", message).add("duration", 0);
    text.add("inferenceMs", std::lround(spent)).add("processMs", std::lround(spent));
    return unkept_json(200, text.take());
}

}  // namespace

asio::awaitable<response> detect(call on) {
    auto image = image_in(on.given);
    if (image.empty()) co_return refusal(400, no_file);
    const auto least = least_in(on.given, detect_least);
    if (!least) co_return refusal(400, least.error().detail);
    name_values none;
    const auto told =
        co_await ask(job_type::detect, on.req, on.ctx, std::move(image), std::move(none));
    if (!told) co_return answer_to(told.error(), on.req);
    json_array rows;
    std::size_t count = 0;
    for (const auto& face : faces_in(*told, detector_in(*told))) {
        if (face.probability < *least) continue;
        json_object row;
        row.add("confidence", rounded(face.probability));
        add_box(row, face);
        rows.raw(row.take());
        ++count;
    }
    const std::string message =
        "Found " + std::to_string(count) + (count == 1 ? " face" : " faces");
    co_return predictions(std::move(rows), count, message, *told);
}

asio::awaitable<response> recognize(call on) {
    auto image = image_in(on.given);
    if (image.empty()) co_return refusal(400, no_file);
    const auto least = least_in(on.given, recognize_least);
    if (!least) co_return refusal(400, least.error().detail);
    name_values query{{"collection", on.collection}};
    const auto told =
        co_await ask(job_type::recognize, on.req, on.ctx, std::move(image), std::move(query));
    if (!told) co_return answer_to(told.error(), on.req);
    const double threshold = told->number_of("distance_max");
    json_array rows;
    std::size_t count = 0;
    bool somebody = false;
    for (const auto& face : faces_in(*told, detector_in(*told))) {
        // Also of an ambiguous face: this contract has no word for it.
        const bool known = face.told->text_of("status") == "known";
        double confidence = 0;
        if (known) {
            confidence =
                rounded(logistic_similarity(face.told->number_of("distance"), threshold, middle));
        }
        const bool named = known && confidence >= *least;
        json_object row;
        row.add("confidence", named ? confidence : 0.0);
        row.add("userid", named ? face.told->text_of("label") : std::string_view("unknown"));
        add_box(row, face);
        rows.raw(row.take());
        ++count;
        somebody = somebody || named;
    }
    co_return predictions(std::move(rows), count,
                          somebody ? "A face was recognised" : "No known faces", *told);
}

asio::awaitable<response> match(call on) {
    const auto& files = on.given.files;
    if (files.empty()) co_return refusal(400, no_file);
    if (files.size() < 2) co_return refusal(400, "expected two image files, only one found");
    if (files.size() > 2) co_return refusal(400, "only two images allowed");
    auto first = files[0].body, second = files[1].body;
    if (first.empty() || second.empty()) co_return refusal(400, "invalid image");
    name_values query{{"collection", on.collection}};
    const auto told =
        co_await ask_both(on.req, on.ctx, std::move(first), std::move(second), std::move(query));
    if (!told && told.error().code == errc::no_face) co_return refusal(400, "no face found");
    if (!told) co_return answer_to(told.error(), on.req);
    json_object text;
    text.add("success", true);
    text.add("similarity", rounded(logistic_similarity(told->number_of("distance"),
                                                       told->number_of("distance_max"), middle)));
    text.add("duration", 0);
    co_return json_response(200, text.take());
}

}  // namespace vultus::api::compat::deepstack
