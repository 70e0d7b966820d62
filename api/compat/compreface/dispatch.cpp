// Maps the rows of this surface to their calls. See calls.hpp.
#include "api/compat/common/native.hpp"
#include "api/compat/compreface/calls.hpp"
#include "api/http/json.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api::compat::compreface {
namespace {

response limits_answer() {
    json_object text;
    text.add("clientMaxFileSize", limits::body_bytes).add("clientMaxBodySize", limits::body_bytes);
    return json_response(200, text.take());
}

/// Whether pictures are kept is a choice of each collection; here it is not known which is meant.
response status_answer() {
    json_object text;
    text.add("demoFaceCollectionIsInconsistent", false).add("dbIsInconsistent", false);
    text.add("saveImagesToDB", false).add("status", "OK");
    return json_response(200, text.take());
}

asio::awaitable<response> dispatch_subjects(call on, std::string_view name) {
    const std::string& method = on.req.method;
    if (name == "compreface_subjects") {
        if (method == "POST") co_return co_await add_subject(std::move(on));
        if (method == "DELETE") co_return co_await delete_subjects(std::move(on));
        co_return co_await list_subjects(std::move(on));
    }
    if (method == "PUT") co_return co_await rename_subject(std::move(on));
    co_return co_await delete_subject(std::move(on));
}

asio::awaitable<response> dispatch_faces(call on, std::string_view name) {
    const std::string& method = on.req.method;
    if (name == "compreface_faces") {
        if (method == "POST") co_return co_await add_face(std::move(on));
        if (method == "DELETE") co_return co_await delete_faces(std::move(on));
        co_return co_await list_faces(std::move(on));
    }
    if (name == "compreface_faces_delete") co_return co_await delete_some(std::move(on));
    if (name == "compreface_face_picture") co_return co_await face_picture(std::move(on));
    if (name == "compreface_face_verify") co_return co_await verify_face(std::move(on));
    co_return co_await delete_face(std::move(on));
}

}  // namespace

asio::awaitable<response> dispatch(request& req, services& ctx, empty_subjects& empty) {
    const std::string_view name = req.row->name;
    if (name == "compreface_config") co_return limits_answer();
    if (name == "compreface_status") co_return status_answer();
    auto collection = collection_of(req);
    if (!collection) co_return answer_to(collection.error(), req);
    call on{req, ctx, empty, std::move(*collection)};
    if (name == "compreface_recognize") co_return co_await recognize(std::move(on));
    if (name == "compreface_detect") co_return co_await detect(std::move(on));
    if (name == "compreface_verify") co_return co_await verify(std::move(on));
    if (name == "compreface_embeddings_recognize") {
        co_return co_await recognize_embeddings(std::move(on));
    }
    if (name == "compreface_embeddings_verify") {
        co_return co_await verify_embeddings(std::move(on));
    }
    if (name == "compreface_embeddings_face_verify") {
        co_return co_await verify_face_embeddings(std::move(on));
    }
    if (name.starts_with("compreface_subject")) {
        co_return co_await dispatch_subjects(std::move(on), name);
    }
    co_return co_await dispatch_faces(std::move(on), name);
}

}  // namespace vultus::api::compat::compreface
