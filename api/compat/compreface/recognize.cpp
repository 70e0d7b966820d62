// Recognition, detection and verification of pictures. See calls.hpp.
#include <algorithm>

#include "api/compat/common/native.hpp"
#include "api/compat/compreface/calls.hpp"
#include "api/compat/compreface/image_id.hpp"
#include "api/http/json.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api::compat::compreface {
namespace {

std::string box_text(const found_face& face) {
    json_object box;
    box.add("probability", rounded(face.probability));
    box.add("x_max", face.right).add("y_max", face.bottom);
    box.add("x_min", face.left).add("y_min", face.top);
    return box.take();
}

std::string points_text(const json_value& points) {
    json_array list;
    for (const auto& one : points.items) {
        json_array pair;
        if (one.numbers.size() == 2) {
            for (const double number : one.numbers) {
                pair.raw(std::to_string(static_cast<int>(number + 0.5)));
            }
        } else {
            for (const char* axis : {"x", "y"}) {
                pair.raw(std::to_string(static_cast<int>(one.number_of(axis) + 0.5)));
            }
        }
        list.raw(pair.take());
    }
    return list.take();
}

double timing_of(const json_value& told, std::initializer_list<const char*> stages) {
    const auto* timing = told.find("timing_ms");
    double sum = 0;
    for (const char* stage : stages) sum += timing == nullptr ? 0 : timing->number_of(stage);
    return sum;
}

std::string subjects_text(const json_value& face, double threshold, int most) {
    json_array list;
    const auto* candidates = face.find("candidates");
    for (const auto& one : candidates == nullptr ? std::vector<json_value>{} : candidates->items) {
        if (most-- <= 0) break;
        json_object subject;
        subject.add("subject", one.text_of("label"));
        subject.add("similarity",
                    rounded(logistic_similarity(one.number_of("distance"), threshold)));
        list.raw(subject.take());
    }
    return list.take();
}

const std::vector<double>& embedding_in(const found_face& face) {
    static const std::vector<double> none;
    const auto* vector = face.told->find("embedding");
    return vector == nullptr ? none : vector->numbers;
}

response no_face() {
    return refusal(code::no_face, "No face is found in the given image");
}

/// The faces of both photos of a verification, with their distances.
struct compared {
    json_value told[2];  ///< of embed, where `several`; else told[0] is the verify
    bool several = false;
    double threshold = 0;
};

/// The photos of a verify as answers of their own.
const json_value* photo_of(const json_value& verified, std::size_t index) {
    const auto* photos = verified.find("photos");
    if (photos == nullptr || photos->items.size() <= index) return nullptr;
    return &photos->items[index];
}

}  // namespace

std::vector<found_face> chosen(const json_value& told, const options& wanted,
                               std::string_view detector) {
    auto faces = faces_in(told, detector);
    if (wanted.least) {
        std::erase_if(faces, [&](const auto& one) { return one.probability <= *wanted.least; });
    }
    if (wanted.limit > 0 && faces.size() > wanted.limit) faces.resize(wanted.limit);
    return faces;
}

json_object face_object(const found_face& face, const json_value& told, const options& wanted) {
    json_object text;
    text.raw("box", box_text(face));
    const auto detector = detector_in(told);
    const auto* points = face.told->find("landmarks");
    // dlib's points are corners of the eyes, not the eyes and the mouth.
    const bool five = detector == "centerface" || detector == "yunet";
    if (wanted.landmarks && five && points != nullptr) {
        text.raw("landmarks", points_text(*points));
    }
    if (wanted.embedding && !embedding_in(face).empty()) {
        text.raw("embedding", json_list(embedding_in(face)));
    }
    if (wanted.status) {
        json_object time;
        time.add("detector", timing_of(told, {"decode", "detect"}));
        time.add("calculator", timing_of(told, {"align", "embed"}));
        text.raw("execution_time", time.take());
    }
    return text;
}

response result_answer(std::string list, const json_value& told, const options& wanted) {
    json_object text;
    text.raw("result", list);
    const auto* models = told.find("models");
    if (wanted.status && models != nullptr) {
        json_object versions;
        versions.add("detector", models->text_of("detector"));
        versions.add("calculator", models->text_of("embedding"));
        text.raw("plugins_versions", versions.take());
    }
    return unkept_json(200, text.take());
}

asio::awaitable<response> recognize(call on) {
    auto given = read_pictures(on.req, {"file"});
    if (!given) co_return given.error();
    const auto wanted = read_options(given->fields);
    if (!wanted) co_return wanted.error();
    name_values query{{"collection", on.collection}, {"top", std::to_string(wanted->predictions)}};
    if (wanted->embedding) query.emplace("embeddings", "true");
    const auto told = co_await ask(job_type::recognize, on.req, on.ctx,
                                   std::move(given->pictures[0]), std::move(query));
    if (!told) co_return answer_about_photo(told.error(), on.req);
    const auto faces = chosen(*told, *wanted, detector_in(*told));
    if (faces.empty()) co_return no_face();
    json_array list;
    const double threshold = told->number_of("distance_max");
    for (const auto& face : faces) {
        auto text = face_object(face, *told, *wanted);
        text.raw("subjects", subjects_text(*face.told, threshold, wanted->predictions));
        list.raw(text.take());
    }
    co_return result_answer(list.take(), *told, *wanted);
}

asio::awaitable<response> detect(call on) {
    auto given = read_pictures(on.req, {"file"});
    if (!given) co_return given.error();
    const auto wanted = read_options(given->fields);
    if (!wanted) co_return wanted.error();
    name_values query;
    if (wanted->embedding) query.emplace("collection", on.collection);
    const auto type = wanted->embedding ? job_type::embed : job_type::detect;
    const auto told =
        co_await ask(type, on.req, on.ctx, std::move(given->pictures[0]), std::move(query));
    if (!told) co_return answer_about_photo(told.error(), on.req);
    const auto faces = chosen(*told, *wanted, detector_in(*told));
    if (faces.empty()) co_return no_face();
    json_array list;
    for (const auto& face : faces) list.raw(face_object(face, *told, *wanted).take());
    co_return result_answer(list.take(), *told, *wanted);
}

asio::awaitable<response> verify_face(call on) {
    const auto id = face_id_of(on.req.segments[0]);
    if (!id && !is_uuid(on.req.segments[0])) co_return refusal(code::anything);
    auto given = read_pictures(on.req, {"file"});
    if (!given) co_return given.error();
    const auto wanted = read_options(given->fields);
    if (!wanted) co_return wanted.error();
    name_values query{{"collection", on.collection}, {"embeddings", "true"}};
    const auto told = co_await ask(job_type::recognize, on.req, on.ctx,
                                   std::move(given->pictures[0]), std::move(query));
    if (!told) co_return answer_about_photo(told.error(), on.req);
    const auto faces = chosen(*told, *wanted, detector_in(*told));
    if (faces.empty()) co_return no_face();
    const auto known = co_await known_face_of(on, id);
    if (!known) co_return known.error();
    const double threshold = told->number_of("distance_max");
    json_array list;
    for (const auto& one : faces) {
        auto text = face_object(one, *told, *wanted);
        text.add("subject", name_of_key(known->face.key));
        const double distance = distance_between(embedding_in(one), known->vector);
        text.add("similarity", rounded(logistic_similarity(distance, threshold)));
        list.raw(text.take());
    }
    co_return result_answer(list.take(), *told, *wanted);
}

namespace {

/// One verify tells the distance of the nearest pair. With more faces than that, or where
/// embeddings are asked for, both photos are embedded.
asio::awaitable<result<compared>> compare(call on, shared_bytes source, shared_bytes target,
                                          const options& wanted) {
    compared made;
    const name_values where{{"collection", on.collection}};
    auto first = source, second = target;
    auto verified = co_await ask_both(on.req, on.ctx, std::move(first), std::move(second), where);
    if (!verified) co_return fail(verified.error());
    made.threshold = verified->number_of("distance_max");
    const auto count = [&](std::size_t index) {
        const auto* photo = photo_of(*verified, index);
        return photo == nullptr ? std::size_t{0} : faces_in(*photo, "").size();
    };
    made.several = count(0) != 1 || count(1) != 1 || wanted.embedding;
    if (!made.several) {
        made.told[0] = std::move(*verified);
        co_return made;
    }
    for (std::size_t i = 0; i < 2; ++i) {
        auto photo = i == 0 ? source : target;
        auto told = co_await ask(job_type::embed, on.req, on.ctx, std::move(photo), where);
        if (!told) co_return fail(told.error());
        made.told[i] = std::move(*told);
    }
    co_return made;
}

struct match_of_face {
    found_face face;
    double similarity = 0;
};

response verified_answer(const compared& made, const options& wanted) {
    const json_value& told = made.told[0];
    const auto detector = detector_in(told);
    const json_value& first = made.several ? told : *photo_of(told, 0);
    const json_value& second = made.several ? made.told[1] : *photo_of(told, 1);
    const auto sources = chosen(first, wanted, detector),
               targets = chosen(second, wanted, detector);
    if (sources.empty() || targets.empty()) return no_face();
    if (sources.size() > 1) {
        return refusal(code::several_faces, "More than one face in the source image");
    }
    std::vector<match_of_face> matches;
    for (const auto& one : targets) {
        const double distance = made.several
                                    ? distance_between(embedding_in(sources[0]), embedding_in(one))
                                    : told.number_of("distance");
        matches.push_back({one, rounded(logistic_similarity(distance, made.threshold))});
    }
    std::stable_sort(matches.begin(), matches.end(),
                     [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
    json_array list;
    for (const auto& [face, similarity] : matches) {
        auto text = face_object(face, told, wanted);
        text.add("similarity", similarity);
        list.raw(text.take());
    }
    json_object pair;
    pair.raw("source_image_face", face_object(sources[0], told, wanted).take());
    pair.raw("face_matches", list.take());
    json_array result;
    result.raw(pair.take());
    return result_answer(result.take(), told, wanted);
}

}  // namespace

asio::awaitable<response> verify(call on) {
    auto given = read_pictures(on.req, {"source_image", "target_image"});
    if (!given) co_return given.error();
    const auto wanted = read_options(given->fields);
    if (!wanted) co_return wanted.error();
    const auto made =
        co_await compare(on, std::move(given->pictures[0]), std::move(given->pictures[1]), *wanted);
    if (!made) co_return answer_about_photo(made.error(), on.req);
    co_return verified_answer(*made, *wanted);
}

}  // namespace vultus::api::compat::compreface
