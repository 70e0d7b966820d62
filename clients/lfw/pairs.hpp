// The pair files of Labeled Faces in the Wild: which two photos are to be compared, and whether
// they show one person. Pure: text in, pairs out.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::lfw {

struct photo_id {
    std::string person;  ///< as the folder is called: "Abdullah_Gul"
    int number = 0;      ///< 1..9999
    auto operator<=>(const photo_id&) const = default;
};

/// "Abdullah_Gul/Abdullah_Gul_0013.jpg", below the folder of the images.
std::string path_of(const photo_id&);

/// The photo that a file of that name shows; nothing unless it is "<person>_NNNN.jpg".
std::optional<photo_id> photo_named(const std::string& person, std::string_view file);

struct photo_pair {
    photo_id first;
    photo_id second;
    int fold = 0;          ///< 0..folds - 1
    std::size_t line = 0;  ///< of the pair file, from 1
    bool same() const { return first.person == second.person; }
};

struct pair_list {
    int folds = 0;
    std::vector<photo_pair> pairs;
};

/// Reads a pair file in either of the set's forms. View 1: a line "N", then N matched pairs
/// ("name number number") and N mismatched ones ("name number name number"). View 2: a line
/// "folds N", then as many blocks of that kind. View 1 knows no folds: it gets 10, each a tenth of
/// the matched and a tenth of the mismatched pairs, in the order of the file, which is that of the
/// names, so that few people are in two folds.
/// errors    malformed: "file:line: why", `file` as it is given here
/// source    http://vis-www.cs.umass.edu/lfw/README.txt, section 3
result<pair_list> read_pairs(std::string_view text, const std::string& file);

}  // namespace vultus::lfw
