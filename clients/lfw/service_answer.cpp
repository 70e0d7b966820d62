// Parses an answer of the service (service.hpp). The only file of vultus-lfw with Boost.JSON.
#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "clients/lfw/service.hpp"
#include "shared/base/json_bounds.hpp"
#include "shared/model/model_names.hpp"

namespace vultus::lfw {
namespace {

namespace json = boost::json;

/// Squared distance of a box from the centre of the photo.
double gap(const json::object& box, double width, double height) {
    const auto edge = [&](const char* name) { return box.at(name).to_number<double>(); };
    const double x = edge("left") + edge("right") + 1 - width;
    const double y = edge("top") + edge("bottom") + 1 - height;
    return x * x + y * y;
}

embedding vector_of(const json::array& numbers) {
    if (!limits::is_embedding_dimension(numbers.size())) {
        throw std::length_error("an embedding of the wrong size");
    }
    embedding vector(numbers.size());
    for (std::size_t i = 0; i < vector.size(); ++i) {
        vector[i] = numbers[i].to_number<float>();
        if (!std::isfinite(vector[i])) throw std::range_error("an embedding is not finite");
    }
    return vector;
}

service_answer answer_of(const json::object& answer) {
    service_answer found;
    const auto& detector = answer.at("models").at("detector").as_string();
    found.detector.assign(detector.data(), detector.size());
    const auto& model = answer.at("models").at("embedding").as_string();
    found.embedder.assign(model.data(), model.size());
    if (!is_model_name(found.embedder)) throw std::length_error("an embedder without a name");
    const auto& photo = answer.at("image").as_object();
    const double width = photo.at("width").to_number<double>();
    const double height = photo.at("height").to_number<double>();
    double best = std::numeric_limits<double>::infinity();
    for (const json::value& one : answer.at("faces").as_array()) {  // the largest first
        const double here = gap(one.at("box").as_object(), width, height);
        if (here >= best) continue;
        best = here;
        found.face = vector_of(one.at("embedding").as_array());
    }
    return found;
}

}  // namespace

result<service_answer> read_answer(std::string_view text) {
    if (!check_json(text)) return fail(errc::malformed, "the service's answer is not JSON");
    try {
        return answer_of(json::parse({text.data(), text.size()}).as_object());
    } catch (const std::exception&) {
        return fail(errc::malformed, "the service's answer lacks boxes or embeddings");
    }
}

}  // namespace vultus::lfw
