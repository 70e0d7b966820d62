// See sealed_place.hpp.
#include "shared/store/sealed_place.hpp"

namespace vultus::store_reply {

std::string about_image(std::string_view job_id, std::size_t index) {
    return "photo " + std::string(job_id) + " " + std::to_string(index);
}
std::string about_annotated(std::string_view job_id) {
    return "annotated " + std::string(job_id);
}
// Neither name contains a space, so no two places have one text.
std::string about_value(gallery_value what, std::string_view collection, std::string_view face_id) {
    return (what == gallery_value::vector ? "vector " : "picture ") + std::string(collection) +
           " " + std::string(face_id);
}

std::string older_about_value(gallery_value what, std::string_view face_id) {
    return (what == gallery_value::vector ? "vector " : "picture ") + std::string(face_id);
}

std::string_view part_of(gallery_value what) noexcept {
    return what == gallery_value::vector ? "vectors" : "pictures";
}

}  // namespace vultus::store_reply
