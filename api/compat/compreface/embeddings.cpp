// Calls with embeddings instead of pictures. See calls.hpp.
#include <algorithm>

#include "api/compat/common/native.hpp"
#include "api/compat/compreface/calls.hpp"
#include "api/compat/compreface/image_id.hpp"
#include "api/http/json.hpp"
#include "shared/model/gallery_version.hpp"

namespace vultus::api::compat::compreface {
namespace {

using numbers = std::vector<double>;

/// The member: a list of lists of numbers, not null.
outcome<std::vector<numbers>> list_in(const json_value& body, const char* name) {
    const auto* list = body.find(name);
    if (list == nullptr || list->is == json_value::kind::null) {
        return refused(code::empty_member, std::string(name) + " must not be null");
    }
    if (list->is != json_value::kind::list || !list->numbers.empty()) {
        return refused(code::anything);
    }
    std::vector<numbers> read;
    for (const auto& one : list->items) {
        if (one.is != json_value::kind::list || !one.items.empty()) return refused(code::anything);
        read.push_back(one.numbers);
    }
    return read;
}

/// What the native call says of these embeddings, in their order. It refuses wrong ones.
asio::awaitable<result<json_value>> ask_vectors(call on, const std::vector<numbers>& vectors,
                                                int top) {
    json_array list;
    for (const auto& one : vectors) list.raw(json_list(one));
    json_object body;
    body.raw("embeddings", list.take());
    name_values query{{"collection", on.collection}, {"durable", "false"}};
    if (top > 0) query.emplace("top", std::to_string(top));
    request inner =
        native_request(on.req, std::move(query), shared_bytes(body.take()), "application/json");
    const auto told = co_await handlers::ask(job_type::recognize, inner, on.ctx);
    co_return native_answer(on.req, told);
}

/// What is wrong with an embedding is told; the original has no words for it.
response about_vectors(const error& why, const request& req) {
    const bool theirs = why.code == errc::bad_option || why.code == errc::model_mismatch ||
                        why.code == errc::too_large || why.code == errc::malformed;
    if (theirs) return refusal(code::anything, why.detail);
    return answer_to(why, req);
}

response best_first(const std::vector<numbers>& vectors, const numbers& source, double threshold) {
    std::vector<std::pair<double, const numbers*>> rows;
    for (const auto& one : vectors) {
        const double distance = distance_between(one, source);
        rows.emplace_back(rounded(logistic_similarity(distance, threshold)), &one);
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    json_array list;
    for (const auto& [similarity, vector] : rows) {
        json_object row;
        row.raw("embedding", json_list(*vector)).add("similarity", similarity);
        list.raw(row.take());
    }
    json_object text;
    text.raw("result", list.take());
    return json_response(200, text.take());
}

response too_few(std::size_t given) {
    return refusal(code::too_few_embeddings,
                   "Wrong number of embeddings: wanted 2, given " + std::to_string(given));
}

}  // namespace

asio::awaitable<outcome<known_face>> known_face_of(call on, std::optional<std::string> id) {
    result<std::optional<stored_face>> face = std::optional<stored_face>{};
    if (id) face = co_await find_face(on, *id);
    if (!face) co_return tl::unexpected<response>(answer_to(face.error(), on.req));
    known_face known;
    if (*face) {
        known.face = std::move(**face);
        const std::vector<std::string> ids{known.face.face_id};
        const auto call = on.ctx.galleries.vectors(on.collection, known.face.epoch, ids);
        const auto found = co_await on.ctx.redis.call(call);
        if (!found) co_return tl::unexpected<response>(answer_to(found.error(), on.req));
        if (!found->empty()) known.vector = numbers_of(found->front());
    }
    if (known.vector.empty()) co_return refused(code::no_image, "Image Id is incorrect");
    co_return known;
}

asio::awaitable<response> recognize_embeddings(call on) {
    const auto fields = lenient_query(on.req.target);
    if (!fields) co_return refusal(code::anything);
    const auto wanted = read_options(*fields);
    if (!wanted) co_return wanted.error();
    const auto body = read_body(on.req, json_value::kind::object);
    if (!body) co_return body.error();
    const auto vectors = list_in(*body, "embeddings");
    if (!vectors) co_return vectors.error();
    if (vectors->empty()) co_return refusal(code::empty_member, "embeddings must not be empty");
    const auto told = co_await ask_vectors(on, *vectors, wanted->predictions);
    if (!told) co_return about_vectors(told.error(), on.req);
    const auto* faces = told->find("faces");
    const double threshold = told->number_of("distance_max");
    json_array list;
    for (std::size_t i = 0; faces != nullptr && i < faces->items.size(); ++i) {
        json_array similar;
        const auto* candidates = faces->items[i].find("candidates");
        for (const auto& one :
             candidates == nullptr ? std::vector<json_value>{} : candidates->items) {
            json_object row;
            row.add("subject", one.text_of("label"));
            row.add("similarity",
                    rounded(logistic_similarity(one.number_of("distance"), threshold)));
            similar.raw(row.take());
        }
        json_object row;
        row.raw("embedding", json_list((*vectors)[i])).raw("similarities", similar.take());
        list.raw(row.take());
    }
    json_object text;
    text.raw("result", list.take());
    co_return json_response(200, text.take());
}

asio::awaitable<response> verify_embeddings(call on) {
    const auto body = read_body(on.req, json_value::kind::object);
    if (!body) co_return body.error();
    const auto* source = body->find("source");
    if (source == nullptr || source->numbers.empty()) {
        co_return refusal(code::empty_member, "source must not be empty");
    }
    const auto targets = list_in(*body, "targets");
    if (!targets) co_return targets.error();
    if (targets->empty()) co_return too_few(1);
    auto all = *targets;
    all.push_back(source->numbers);
    const auto told = co_await ask_vectors(on, all, 0);
    if (!told) co_return about_vectors(told.error(), on.req);
    co_return best_first(*targets, source->numbers, told->number_of("distance_max"));
}

asio::awaitable<response> verify_face_embeddings(call on) {
    const auto id = face_id_of(on.req.segments[0]);
    if (!id && !is_uuid(on.req.segments[0])) co_return refusal(code::anything);
    const auto body = read_body(on.req, json_value::kind::object);
    if (!body) co_return body.error();
    const auto vectors = list_in(*body, "embeddings");
    if (!vectors) co_return vectors.error();
    if (vectors->empty()) co_return too_few(1);
    const auto told = co_await ask_vectors(on, *vectors, 0);
    if (!told) co_return about_vectors(told.error(), on.req);
    const auto known = co_await known_face_of(on, id);
    if (!known) co_return known.error();
    co_return best_first(*vectors, known->vector, told->number_of("distance_max"));
}

}  // namespace vultus::api::compat::compreface
