#include "workers/pipeline/vision_stage.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/log.hpp"
#include "shared/model/image_header.hpp"
#include "shared/model/person_key.hpp"
#include "workers/gallery/known_faces.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/image/image.hpp"
#include "workers/vision/face_chip.hpp"
#include "workers/vision/face_picture.hpp"
#include "workers/vision/image_draw.hpp"

namespace vultus {
namespace {

// How long a detection may take before it counts as hung. dlib's CNN needs 2.3 microseconds for a
// pixel, HOG about 0.2 and CenterFace 0.15 on one Zen 4 core (docs/benchmarks.md); ten times that
// for slow cores. Searching all four quarter turns takes four times as long.
std::chrono::milliseconds detection_allowance(picture_size size, std::string_view detector,
                                              turning turns) {
    const std::uint64_t pixels = std::uint64_t{size.width} * size.height;
    const std::uint64_t times = turns != turning::upright && turns_pictures(detector) ? 4 : 1;
    const std::uint64_t microseconds = detector == "cnn" ? pixels * 25 : pixels * 2 * times;
    return limits::progress + std::chrono::milliseconds(microseconds / 1'000);
}

/// A frame has no time for four looks; somebody may just not be in front of the camera.
turning turns_of(const work& item) {
    if (item.options.rotate) return turning::all;
    return item.frame() != nullptr ? turning::upright : turning::if_none;
}

std::string caption(const match& who) {
    const std::string name(name_of_key(who.label));
    if (who.status == match_status::known) return name;
    if (who.status == match_status::ambiguous) return name + "?";
    return "unknown";
}

annotation::colour colour_of(match_status status) {
    switch (status) {
        case match_status::known:
            return annotation::colour::green;
        case match_status::ambiguous:
            return annotation::colour::amber;
        case match_status::unknown:
            break;
    }
    return annotation::colour::grey;
}

}  // namespace

vision_stage::vision_stage(detector_set detectors, const aligner& straightener,
                           std::map<std::string, chip_form> forms, int detect_side_max,
                           bool keep_pictures, progress::slot& slot, const std::string& decoder,
                           std::atomic<std::uint64_t>* decoders_lost)
    : detectors_(std::move(detectors)),
      aligner_(straightener),
      forms_(std::move(forms)),
      detect_side_max_(detect_side_max),
      keep_pictures_(keep_pictures),
      slot_(slot),
      apart_(decoder_of(decoder, decoders_lost)) {}

result<void> vision_stage::look(work& item) {
    const auto finder = detectors_.named(item.detector);
    if (!finder) return fail(finder.error());
    const auto form = forms_.find(item.embedder);
    if (form == forms_.end()) {
        return fail(errc::model_mismatch, "This worker has no embedder " + item.embedder);
    }
    if (apart_) apart_->serve(item.collection);
    for (std::size_t i = 0; i < item.photos.size() && !item.dropped(); ++i) {
        std::optional<face_quality> quality;  // of a train's only face
        auto looked = look_at_photo(item, i, **finder, form->second, quality);
        // A transient error is not about the photo: the whole job is delayed.
        const errc why = looked ? errc::internal : looked.error().code;
        const bool passes = retryable(why) || why == errc::device_fault;
        if (is_question(item.type) || passes) {
            if (looked && item.type == job_type::verify && item.seen.faces_found == 0) {
                looked = fail(errc::no_face, "No face found");
            }
            if (!looked && item.photos.size() > 1 && !passes) {
                return fail(looked.error().code,
                            "Photo " + std::to_string(i + 1) + ": " + looked.error().detail);
            }
            if (!looked) return looked;
            continue;
        }
        item.photo_hashes.push_back(sha256_hex(item.photos[i]));
        if (looked) {
            const std::string face_id = item.job()->job.job_id + "-" + std::to_string(i);
            item.files.push_back({face_id, {}, quality});
        } else {
            item.files.push_back({"", looked.error(), quality});
        }
    }
    failpoint("worker.mid_job");
    if (!item.options.annotate) item.photos.clear();
    return {};
}

result<void> vision_stage::look_at_photo(work& item, std::size_t index, detector& finder,
                                         const chip_form& form,
                                         std::optional<face_quality>& quality) {
    const bool train = item.type == job_type::train;
    const std::string_view bytes = item.photos[index];
    const auto header = inspect_image(bytes);
    if (!header) return fail(header.error());
    const detector_options wanted{item.options.min_face_px, detect_side_max_, turns_of(item)};
    const picture_size size = finder.scale_for({header->width, header->height}, wanted).seen;
    const auto decoded = [&](std::uint32_t side) {
        const stage_timer timer(item, "decode");
        // Decoding ends by itself after 5 s of CPU time.
        const step moving(slot_, limits::progress * 2);
        return decode_reduced(bytes, *header, side, apart_.get());
    };
    auto photo = decoded(std::max(size.width, size.height));
    if (!photo) return fail(photo.error());
    const detected_faces found = [&] {
        const stage_timer timer(item, "detect");
        const step moving(slot_, detection_allowance(size, finder.name(), wanted.turns));
        return finder.detect(photo->picture, {photo->width, photo->height}, wanted);
    }();
    if (train && found.faces.empty()) return fail(errc::no_face, "No face found");
    if (train && found.faces.size() > 1) {
        return fail(errc::several_faces, std::to_string(found.faces.size()) + " faces found");
    }

    const std::vector<int> known = find_known(found.faces, item.known);
    const bool compares = std::count(known.begin(), known.end(), -1) > 0;
    if (compares && photo->picture.width < photo->width) {
        photo = decoded(limits::image_side);  // chips come from the full photo
        if (!photo) return fail(photo.error());
    }
    const stage_timer timer(item, "align");
    const step moving(slot_);
    for (std::size_t i = 0; i < found.faces.size(); ++i) {
        const detected_face& face = found.faces[i];
        if (known[i] >= 0) {
            item.photo_of_face.push_back(index);
            item.seen.faces.push_back({face, {}, {}, known[i]});
            continue;
        }
        aligned_face aligned = align_face(aligner_, photo->picture, face, finder.fit(), form);
        quality = quality_of(photo->picture, finder.fit()(rectangle_of(face.where)), aligned.points,
                             face.points);
        const quality_gate gate = train ? item.options.quality : quality_gate::off;
        if (auto good = check_quality(*quality, gate); !good) return good;
        item.photo_of_face.push_back(index);
        item.seen.faces.push_back({face, aligned.points, {}, -1, *quality});
        if (train && item.keep_pictures.value_or(keep_pictures_)) {
            keep_picture(item, photo->picture, face);
        }
        if (item.type != job_type::detect) item.chips.push_back(std::move(aligned.face));
    }
    item.seen.width = photo->width;
    item.seen.height = photo->height;
    item.seen.animated = photo->animated;
    item.seen.truncated = found.truncated;
    item.seen.detector = finder.name();
    item.seen.min_face_px = found.min_face_px;
    item.seen.min_face_px_raised = found.limited;
    item.seen.faces_found = found.faces.size();
    item.seen.photos.push_back(item.seen);
    return {};
}

void vision_stage::tend() {
    if (apart_) apart_->reap();
}

/// A face is taught without its picture rather than not at all.
void vision_stage::keep_picture(work& item, const image& photo, const detected_face& face) const {
    auto picture = face_picture(photo, face);
    if (!picture) log::warning("no_picture", {{"detail", picture.error().detail}});
    item.pictures.push_back(picture ? std::move(*picture) : std::string());
}

std::unique_ptr<codec_process> decoder_of(const std::string& program,
                                          std::atomic<std::uint64_t>* lost) {
    if (program.empty()) return nullptr;
    return std::make_unique<codec_process>(program, codec_process::usual_patience, lost);
}

result<std::string> annotate(work& item, codec_process* apart) {
    if (apart != nullptr) apart->serve(item.collection);
    auto photo = decode_image(item.photos.front(), apart);
    if (!photo) return fail(photo.error());
    std::vector<annotation> boxes;
    for (std::size_t i = 0; i < item.seen.faces.size(); ++i) {
        const match& who = item.seen.matches[i];
        boxes.push_back({item.seen.faces[i].detected.where, caption(who), colour_of(who.status)});
    }
    return annotated_jpeg(std::move(photo->picture), boxes);
}

}  // namespace vultus
