// The place that each encrypted value is bound to (sealing.hpp), so that no stored value can be
// moved to the place of another.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vultus {

enum class gallery_value { vector, picture };  ///< what a face may have encrypted

}  // namespace vultus

namespace vultus::store_reply {

std::string about_image(std::string_view job_id, std::size_t index);
std::string about_annotated(std::string_view job_id);
std::string about_value(gallery_value, std::string_view collection, std::string_view face_id);
/// The place that older versions bound values to, without the collection.
std::string older_about_value(gallery_value, std::string_view face_id);

/// The last part of the name of the key that holds these values of a gallery.
std::string_view part_of(gallery_value) noexcept;

}  // namespace vultus::store_reply
