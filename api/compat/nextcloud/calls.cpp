// See calls.hpp.
#include "api/compat/nextcloud/calls.hpp"

#include <algorithm>
#include <cmath>

#include "api/compat/common/form.hpp"
#include "api/compat/common/measures.hpp"
#include "api/compat/common/native.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"

namespace vultus::api::compat::nextcloud {
namespace {

constexpr std::int64_t area_most = 8'294'400;  ///< pixels of a picture: 3840 x 2160
/// The number of the model that Nextcloud shows: dlib's HOG, with the confidence that goes with it.
constexpr int model = 3;
constexpr double confidence = 1.1;
constexpr double overlap_least = 0.3;  ///< of a box that is asked about and one that is found

response refusal(int status, std::string_view why) {
    json_object text;
    text.add("error", why);
    return unkept_json(status, text.take());
}

/// Intersection over union.
double overlap(const found_face& face, const json_value& box) {
    const double left = std::max<double>(face.left, box.number_of("left"));
    const double right = std::min<double>(face.right, box.number_of("right"));
    const double top = std::max<double>(face.top, box.number_of("top"));
    const double bottom = std::min<double>(face.bottom, box.number_of("bottom"));
    if (right <= left || bottom <= top) return 0;
    const double both = (right - left) * (bottom - top);
    const double other = (box.number_of("right") - box.number_of("left")) *
                         (box.number_of("bottom") - box.number_of("top"));
    return both / (face.area() + other - both);
}

std::string landmarks_text(const found_face& face) {
    json_array list;
    const auto* points = face.told->find("landmarks");
    for (const auto& one : points == nullptr ? std::vector<json_value>{} : points->items) {
        if (one.numbers.size() != 2) continue;
        json_object point;
        point.add("x", static_cast<int>(std::lround(one.numbers[0])));
        point.add("y", static_cast<int>(std::lround(one.numbers[1])));
        list.raw(point.take());
    }
    return list.take();
}

std::string descriptor_text(const found_face& face) {
    const auto* vector = face.told->find("embedding");
    return json_list(vector == nullptr ? std::vector<double>{} : vector->numbers);
}

struct seen {
    json_value told;
    std::string filename;
};

/// The faces of the part `file`.
asio::awaitable<result<seen>> look(request& req, services& ctx, const form& given) {
    seen made;
    const auto file = std::find_if(given.files.begin(), given.files.end(),
                                   [](const auto& one) { return one.name == "file"; });
    if (file == given.files.end() || file->body.empty()) {
        co_return fail(errc::malformed, "No file part in the request");
    }
    made.filename = is_utf8(file->filename) ? file->filename : std::string();
    auto photo = file->body;
    name_values query{{"detector", "hog"}, {"embedder", "dlib_resnet_v1/plain"}};
    auto told = co_await ask(job_type::embed, req, ctx, std::move(photo), std::move(query));
    if (!told) co_return fail(told.error());
    made.told = std::move(*told);
    const auto* picture = made.told.find("image");
    const double area =
        picture == nullptr ? 0 : picture->number_of("width") * picture->number_of("height");
    if (area > double(area_most)) {
        co_return fail(errc::wrong_state, "The picture has more than 8294400 pixels");
    }
    co_return made;
}

asio::awaitable<response> detect(request& req, services& ctx, const form& given) {
    const auto found = co_await look(req, ctx, given);
    if (!found) co_return answer_to(found.error(), req, req.retry_after);
    json_array list;
    const auto faces = faces_in(found->told, "hog");
    for (const auto& face : faces) {
        json_object row;
        row.add("detection_confidence", confidence);
        row.add("left", face.left).add("top", face.top);
        row.add("right", face.right).add("bottom", face.bottom);
        row.raw("landmarks", landmarks_text(face)).raw("descriptor", descriptor_text(face));
        list.raw(row.take());
    }
    json_object text;
    text.add("filename", found->filename);
    text.add("faces-count", faces.size()).raw("faces", list.take());
    co_return unkept_json(200, text.take());
}

asio::awaitable<response> compute(request& req, services& ctx, const form& given) {
    const auto field = given.fields.find("face");
    const auto box = field == given.fields.end() ? result<json_value>(fail(errc::malformed))
                                                 : parse_body(field->second);
    if (!box || box->is != json_value::kind::object) {
        co_return refusal(400, "face must be JSON with left, top, right and bottom");
    }
    const auto found = co_await look(req, ctx, given);
    if (!found) co_return answer_to(found.error(), req, req.retry_after);
    const auto faces = faces_in(found->told, "hog");
    const auto best = std::max_element(
        faces.begin(), faces.end(),
        [&](const auto& a, const auto& b) { return overlap(a, *box) < overlap(b, *box); });
    if (best == faces.end() || overlap(*best, *box) < overlap_least) {
        co_return refusal(400, "No face found there");
    }
    json_object face;
    for (const char* side : {"left", "top", "right", "bottom"}) {
        face.add(side, static_cast<int>(std::lround(box->number_of(side))));
    }
    if (box->find("detection_confidence") != nullptr) {
        face.add("detection_confidence", box->number_of("detection_confidence"));
    }
    face.raw("landmarks", landmarks_text(*best)).raw("descriptor", descriptor_text(*best));
    json_object text;
    text.add("filename", found->filename).raw("face", face.take());
    co_return unkept_json(200, text.take());
}

response open_answer() {
    json_object text;
    text.add("preferred_mimetype", "image/jpeg").add("maximum_area", area_most);
    return unkept_json(200, text.take());
}

response welcome(const services& ctx) {
    json_object text;
    text.add("facerecognition-external-model", "welcome");
    text.add("version", ctx.build).add("model", model);
    return unkept_json(200, text.take());
}

}  // namespace

response answer_to(const error& why, const request&, int later) {
    int status = http_status(why.code);
    if (why.code == errc::forbidden) status = 401;
    if (why.code == errc::wrong_state) status = 412;
    if (status == 422 || status == 415) status = 400;
    const bool busy = status == 503 || status == 429;
    if (status == 503) status = 500;
    auto made = refusal(status, why.code == errc::internal || why.detail.empty()
                                    ? title_of(why.code)
                                    : std::string_view(why.detail));
    if (busy) made.with("Retry-After", std::to_string(later > 0 ? later : 1));
    return made;
}

asio::awaitable<response> dispatch(request& req, services& ctx) {
    const std::string_view name = req.row->name;
    if (name == "nextcloud_open") co_return open_answer();
    if (name == "nextcloud_welcome") co_return welcome(ctx);
    if (name == "nextcloud_health") {
        response fine;
        fine.body = "ok";
        fine.with("Content-Type", "text/plain; charset=utf-8").with("Cache-Control", "no-store");
        co_return fine;
    }
    const auto given = read_form(req, "file");
    if (!given) co_return answer_to(given.error(), req, 0);
    req.body = {};
    if (name == "nextcloud_compute") co_return co_await compute(req, ctx, *given);
    co_return co_await detect(req, ctx, *given);
}

}  // namespace vultus::api::compat::nextcloud
