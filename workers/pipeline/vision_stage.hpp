// The work of one vision thread on one job: decode each photo, detect the faces, align them. No
// queues; the pipeline calls it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "workers/engine/detector_set.hpp"
#include "workers/geometry/face_template.hpp"
#include "workers/image/codec_process.hpp"
#include "workers/pipeline/progress.hpp"
#include "workers/pipeline/work.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {

/// threads   one at a time; one object per vision thread
class vision_stage {
 public:
    /// The aligner is shared: its functions are const. `forms` are the chips that each embedder
    /// takes, by its name. `keep_pictures`: of the faces of a train, where the collection has made
    /// no choice.
    /// `slot` belongs to this thread. `decoder` is a path, as of decoder_of().
    vision_stage(detector_set detectors, const aligner& straightener,
                 std::map<std::string, chip_form> forms, int detect_side_max, bool keep_pictures,
                 progress::slot& slot, const std::string& decoder = {},
                 std::atomic<std::uint64_t>* decoders_lost = nullptr);

    /// Fills `seen`, `files`, `chips` and `pictures` from `photos`.
    /// errors    bad_option, model_mismatch: this worker has no such detector or embedder ·
    /// recognize: why the photo cannot be
    ///           used (undecodable_image, ...); a train has a verdict for each photo instead ·
    ///           both: errors that are not about the photo (no_worker, out_of_memory,
    ///           device_fault: codec_process.hpp)
    result<void> look(work& item);

    /// Call it now and then while there is no work.
    void tend();

 private:
    result<void> look_at_photo(work& item, std::size_t index, detector& finder,
                               const chip_form& form, std::optional<face_quality>& quality);
    void keep_picture(work& item, const image& photo, const detected_face& face) const;

    detector_set detectors_;
    const aligner& aligner_;
    std::map<std::string, chip_form> forms_;
    int detect_side_max_;
    bool keep_pictures_;
    progress::slot& slot_;
    std::unique_ptr<codec_process> apart_;
};

/// A decoder process; null if there is no program: photos are then decoded in this process.
std::unique_ptr<codec_process> decoder_of(const std::string& program,
                                          std::atomic<std::uint64_t>* lost = nullptr);

/// The photo of a recognize with boxes and names drawn on it, as JPEG.
/// requires  item.photos still holds the photo; item.seen has its matches
/// errors    those of decode_image and annotated_jpeg
result<std::string> annotate(work& item, codec_process* apart = nullptr);

}  // namespace vultus
