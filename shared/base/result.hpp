// The value of an operation, or the error. There are three kinds of error: bad input and failed
// operations are results; bugs abort (require.hpp); a broken device or exhausted memory ends the
// process with exit code 70.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "shared/base/error.hpp"

namespace vultus {

template <class T>
class [[nodiscard]] result : public tl::expected<T, error> {
 public:
    using tl::expected<T, error>::expected;
};

/// A failure, to be returned where a result<T> is wanted: `return fail(errc::no_face, "...")`.
inline tl::unexpected<error> fail(errc code, std::string detail = {}) {
    return tl::unexpected<error>(error{code, std::move(detail)});
}

/// The same failure, passed on: `if (!face) return fail(face.error())`.
inline tl::unexpected<error> fail(error why) {
    return tl::unexpected<error>(std::move(why));
}

}  // namespace vultus
