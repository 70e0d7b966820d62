// A person's name as everybody writes it: what looks the same is the same name. Pure; utf8proc, in
// label.cpp only.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// The text in Unicode's composed form (NFC); unchanged if it is not valid UTF-8.
std::string composed(std::string_view text);

/// The form in which a new name is stored. Unicode NFC; white space and invisible characters are
/// trimmed from both ends; inside, each run of white space becomes one blank, and characters that
/// never show (zero-width space, soft hyphen, byte order mark, ...) are dropped. Joiners and
/// variation selectors stay where the script before them uses them.
/// returns   a name that check_label() accepts and that is its own normal form
/// errors    bad_label, with the reason: not UTF-8; nothing visible in it; what check_label()
///           refuses in the normal form. A text over 4 times limits::label_bytes is too long at
///           once, so that the work is bounded
/// source    Unicode 14 by utf8proc 2.8: White_Space, Default_Ignorable_Code_Point, UAX 15
result<std::string> normal_label(std::string_view text);

/// Whether a stored name is not in its normal form: made by a version that took names as they
/// came. It stays reachable by its exact bytes; `vultusctl names` renames it.
bool is_old_label(std::string_view stored);

}  // namespace vultus
