// The normal form of a person's name: names that look the same are the same. Pure. utf8proc lives
// in label.cpp, and for vultusctl's search in name_forms.cpp.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// The text in Unicode's composed form (NFC); unchanged if it is not valid UTF-8.
std::string composed(std::string_view text);

/// The form in which a new name is stored. Unicode NFC; white space and invisible characters are
/// trimmed from both ends; inside, each run of white space becomes one space, and invisible
/// characters (zero-width space, soft hyphen, byte order mark, ...) are removed. Joiners and
/// variation selectors stay where the script before them uses them.
/// returns   a name that check_label() accepts and that is its own normal form
/// errors    bad_label, with the reason: not UTF-8; no visible character; what check_label()
///           refuses in the normal form. A text over 4 times limits::label_bytes is refused before
///           any work on it
/// source    Unicode 14 by utf8proc 2.8: White_Space, Default_Ignorable_Code_Point, UAX 15
result<std::string> normal_label(std::string_view text);

/// The name for a search without case and accents: its letters and digits, folded and decomposed by
/// Unicode, its words separated by one space; anything else between letters ends a word. A name
/// without letters and digits is kept as it is. At most limits::label_bytes bytes, cut between two
/// characters; empty only for an empty or blank text. The same of what is searched for.
/// source    Unicode 14 by utf8proc 2.8: NFKD, Casefold, Mn, Mc and Me removed
std::string folded_name(std::string_view name);

/// Whether a stored name is not in its normal form: an earlier version stored names unchanged. It
/// stays reachable by its exact bytes; `vultusctl names --fix` renames it.
bool is_old_label(std::string_view stored);

}  // namespace vultus
