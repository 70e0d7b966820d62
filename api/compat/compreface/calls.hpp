// CompreFace v1: one function for each call, mapped to native requests (docs/compat.md). Faces and
// subjects are people of the key's collection.
#pragma once

#include <string>

#include "api/compat/common/measures.hpp"
#include "api/compat/compreface/empty_subjects.hpp"
#include "api/compat/compreface/errors.hpp"
#include "api/compat/compreface/input.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"

namespace vultus::api::compat::compreface {

/// What a call works with.
struct call {
    request& req;
    services& ctx;
    empty_subjects& empty;
    std::string collection;
};

/// Answers a request of a row of this surface.
asio::awaitable<response> dispatch(request& req, services& ctx, empty_subjects& empty);

// subjects.cpp
asio::awaitable<response> list_subjects(call on);
asio::awaitable<response> add_subject(call on);
asio::awaitable<response> rename_subject(call on);
asio::awaitable<response> delete_subject(call on);
asio::awaitable<response> delete_subjects(call on);

// faces.cpp
asio::awaitable<response> add_face(call on);
asio::awaitable<response> list_faces(call on);
asio::awaitable<response> delete_faces(call on);  ///< of a subject, or all
asio::awaitable<response> delete_face(call on);
asio::awaitable<response> delete_some(call on);  ///< those of a list of ids
asio::awaitable<response> face_picture(call on);

// recognize.cpp
asio::awaitable<response> recognize(call on);
asio::awaitable<response> detect(call on);
asio::awaitable<response> verify(call on);       ///< two pictures
asio::awaitable<response> verify_face(call on);  ///< a picture and a stored face

// embeddings.cpp
asio::awaitable<response> recognize_embeddings(call on);
asio::awaitable<response> verify_embeddings(call on);
asio::awaitable<response> verify_face_embeddings(call on);

/// A trained face, found by its id.
struct stored_face {
    std::string face_id, key, json;
    std::uint64_t epoch = 0;
};
/// Nothing: there is none of that id (any more).
asio::awaitable<result<std::optional<stored_face>>> find_face(call on, std::string face_id);

/// A stored face and its vector. To be read last: an answer must not use a face that was removed
/// before it leaves.
struct known_face {
    stored_face face;
    std::vector<double> vector;
};
/// Refused: there is no such face, or no id.
asio::awaitable<outcome<known_face>> known_face_of(call on, std::optional<std::string> id);

/// A face of an answer: box and what the plugins ask for.
json_object face_object(const found_face& face, const json_value& told, const options& wanted);
/// The faces that the options leave.
std::vector<found_face> chosen(const json_value& told, const options& wanted,
                               std::string_view detector);
/// {"result": [...]} with plugins_versions if the status was asked for.
response result_answer(std::string list, const json_value& told, const options& wanted);

}  // namespace vultus::api::compat::compreface
