// See calls.hpp.
#include "api/compat/immich/calls.hpp"

#include <algorithm>

#include "api/compat/common/form.hpp"
#include "api/compat/common/measures.hpp"
#include "api/compat/common/native.hpp"
#include "api/compat/common/upstream.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"
#include "api/jobs/job_response.hpp"

namespace vultus::api::compat::immich {
namespace {

constexpr std::string_view faces_task = "facial-recognition";
constexpr double usual_score = 0.7;  ///< Immich's own default
constexpr std::size_t dimensions = 512;
/// For services whose default is dlib's network: all its embeddings have small cosine distances,
/// which Immich's settings cannot tell apart.
constexpr const char* other_embedder = "omz_0095/unit";

response refusal(int status, std::string_view why) {
    json_object text;
    text.add("detail", why);
    return unkept_json(status, text.take());
}

double least_score(const json_value& task) {
    const auto* detection = task.find("detection");
    const auto* options = detection == nullptr ? nullptr : detection->find("options");
    return options == nullptr ? usual_score : options->number_of("minScore", usual_score);
}

std::string face_text(const found_face& face, std::vector<double> vector) {
    json_object box;
    box.add("x1", face.left).add("y1", face.top).add("x2", face.right).add("y2", face.bottom);
    json_object text;
    text.raw("boundingBox", box.take());
    // A text with a list in it: Immich puts it into its database as it is.
    text.add("embedding", json_list(padded(std::move(vector))));
    text.add("score", rounded(face.probability));
    return text.take();
}

asio::awaitable<response> find_faces(request& req, services& ctx, shared_bytes image,
                                     double least) {
    name_values query;
    const auto usual = co_await ctx.redis.call(ctx.models.defaults());
    if (!usual) co_return answer_to(usual.error(), req, 0);
    if (usual->models.embedder.starts_with("dlib")) query.emplace("embedder", other_embedder);
    const auto told = co_await ask(job_type::embed, req, ctx, std::move(image), std::move(query));
    if (!told) co_return answer_to(told.error(), req, req.retry_after);
    json_array list;
    for (const auto& face : faces_in(*told, detector_in(*told))) {
        const auto* vector = face.told->find("embedding");
        if (face.probability < least || vector == nullptr) continue;
        if (vector->numbers.size() > dimensions) co_return refusal(500, "Unknown embedding");
        list.raw(face_text(face, vector->numbers));
    }
    const auto* picture = told->find("image");
    json_object text;
    text.raw(faces_task, list.take());
    for (const auto& [name, side] : {std::pair{"imageHeight", "height"}, {"imageWidth", "width"}}) {
        text.add(name, static_cast<int>(picture == nullptr ? 0 : picture->number_of(side)));
    }
    co_return json_response(200, text.take());
}

asio::awaitable<response> hand_on(request& req, services& ctx, form given) {
    const auto& upstream = ctx.settings.compat.immich_upstream;
    if (upstream.empty()) co_return refusal(501, "Only facial-recognition is served here");
    const auto place = place_to_wait(req, ctx);
    if (!place) co_return answer_to(no_place_to_wait, req, 0);
    std::string boundary;
    std::string body = form_without(given, "", boundary);
    auto told =
        co_await forward(ctx.io, upstream, "/predict", "multipart/form-data; boundary=" + boundary,
                         shared_bytes(std::move(body)));
    if (!told) co_return refusal(502, told.error().detail);
    co_return json_response(told->status, std::move(told->body));
}

asio::awaitable<response> predict(request& req, services& ctx) {
    req.client = "immich";
    auto given = read_form(req, "image");
    if (!given) co_return refusal(422, "Invalid request format.");
    req.body = {};
    const auto entries = given->fields.find("entries");
    if (entries == given->fields.end()) co_return refusal(422, "Invalid request format.");
    const auto tasks = parse_body(entries->second);
    if (!tasks || tasks->is != json_value::kind::object || tasks->members.empty()) {
        co_return refusal(422, "Invalid request format.");
    }
    const auto file = std::find_if(given->files.begin(), given->files.end(),
                                   [](const auto& one) { return one.name == "image"; });
    const bool image = file != given->files.end();
    if (!image && !given->fields.contains("text")) {
        co_return refusal(400, "Either image or text must be provided");
    }
    const auto* task = tasks->find(faces_task);
    if (task == nullptr) co_return co_await hand_on(req, ctx, std::move(*given));
    if (tasks->members.size() > 1) co_return refusal(501, "One task a request");
    if (!image) co_return refusal(400, "facial-recognition needs an image");
    auto photo = file->body;
    const double least = least_score(*task);
    co_return co_await find_faces(req, ctx, std::move(photo), least);
}

}  // namespace

std::vector<double> padded(std::vector<double> embedding) {
    embedding.resize(dimensions, 0);
    return embedding;
}

response answer_to(const error& why, const request&, int later) {
    int status = http_status(why.code);
    if (why.code == errc::undecodable_image || why.code == errc::truncated_image ||
        why.code == errc::unsupported_media) {
        status = 400;
    }
    auto made = refusal(status, why.code == errc::internal || why.detail.empty()
                                    ? title_of(why.code)
                                    : std::string_view(why.detail));
    if (status == 503 || status == 429) {
        made.with("Retry-After", std::to_string(later > 0 ? later : 1));
    }
    return made;
}

asio::awaitable<response> dispatch(request& req, services& ctx) {
    if (req.row->name == "immich_predict") co_return co_await predict(req, ctx);
    response pong;
    pong.body = "pong";
    pong.with("Content-Type", "text/plain; charset=utf-8").with("Cache-Control", "no-store");
    co_return pong;
}

}  // namespace vultus::api::compat::immich
