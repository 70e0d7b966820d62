#include "workers/pipeline/reembedder.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include "shared/base/failpoint.hpp"
#include "shared/base/log.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/image/image.hpp"
#include "workers/vision/face_chip.hpp"
#include "workers/vision/face_picture.hpp"

namespace vultus {
namespace {

constexpr std::chrono::milliseconds pause{200};  ///< while Redis does not answer
constexpr int rounds_max = 100;  ///< passes over the pictures; each later one is for new faces
constexpr std::array<std::string_view, 3> finders{"centerface", "yunet", "hog"};
// To look at 50 pictures, or to embed their faces, takes half a second on a slow core; much more
// than that.
constexpr std::chrono::milliseconds allowance = limits::progress + std::chrono::seconds(20);

/// A face fills most of its picture, so the detector need not see all of it to the pixel: at this
/// share of the face's side points are as good as in the full picture (docs/benchmarks.md).
constexpr double seen_share = 0.4;

detector_options options_for(const image& picture, bool closer) {
    const double face = std::max(picture.width, picture.height) / picture_margin;
    detector_options options;
    options.min_face_px = closer ? 20 : std::clamp(static_cast<int>(face * seen_share), 20, 2'000);
    options.turns = closer ? turning::if_none : turning::upright;
    return options;
}

/// The face of a kept picture: the largest one in it.
std::optional<detected_face> face_in(const image& picture, detector& finder) {
    for (const bool closer : {false, true}) {
        detected_faces found = finder.detect(picture, options_for(picture, closer));
        if (!found.faces.empty()) return std::move(found.faces.front());
    }
    return std::nullopt;
}

detector& best_of(const detector_set& all) {
    for (const std::string_view name : finders) {
        if (const auto found = all.named(name)) return **found;
    }
    return **all.named(all.names().front());
}

std::vector<detector_set> clones(const detector_set& all, int count) {
    std::vector<detector_set> made;
    for (int i = 0; i < count; ++i) made.push_back(all.clone());
    return made;
}

}  // namespace

reembedder::reembedder(redis_address redis, const store_context& context,
                       const detector_set& detectors, const aligner& straightener,
                       embedder_set embedders, int threads, progress::slot& slot)
    : redis_(std::move(redis)),
      store_(context),
      detectors_(clones(detectors, threads)),
      aligner_(straightener),
      embedders_(std::move(embedders)),
      threads_(static_cast<std::size_t>(threads)),
      slot_(slot) {}

/// Waits while Redis cannot answer; the session drops the job when its lease is over.
template <class T>
result<T> reembedder::ask(const work& item, const redis_call<T>& call) {
    while (true) {
        if (item.dropped()) return fail(errc::stale, "the attempt is over");
        auto said = [&] {
            const step moving(slot_, allowance);
            return redis_.call(call);
        }();
        if (said || !retryable(said.error().code)) return said;
        std::this_thread::sleep_for(pause);
    }
}

result<committed> reembedder::run(const work& item) {
    const job_ticket& ticket = *item.job();
    const auto network = embedders_.named(item.options.embedder);
    if (!network) return fail(network.error());
    without_face_.clear();
    const auto begun = ask(item, store_.begin(ticket.id(), ticket.worker_id, item.collection,
                                              (*network)->name(), (*network)->dimension()));
    if (!begun) return fail(begun.error());
    for (int round = 0; round < rounds_max; ++round) {
        if (auto staged = stage_all(item, *begun, **network); !staged) return fail(staged.error());
        const auto out = left_out(item, *begun);
        if (!out) return fail(out.error());
        failpoint("worker.before_swap");
        const auto swapped = ask(item, store_.swap(ticket.id(), ticket.worker_id, *begun, *out));
        if (!swapped) return fail(swapped.error());
        failpoint("worker.after_swap");
        if (swapped->missing == 0) return swapped->end;
    }
    return fail(errc::wrong_state, "Faces were trained faster than they were embedded again");
}

/// One pass over the pictures of the faces that are not staged yet. While the faces of one step are
/// embedded, this thread looks at the pictures of the next.
result<void> reembedder::stage_all(const work& item, const staging& of, embedder& network) {
    std::string cursor = "0";
    std::future<face_vectors> embedded;
    do {
        const auto some = ask(item, store_.pictures(of, cursor));
        if (!some) return fail(some.error());
        picture_chips found = [&] {
            const step moving(slot_, allowance);
            return chips_of(some->pictures, network.form());
        }();
        for (std::string& id : found.without_face) without_face_.push_back(std::move(id));
        if (auto staged = stage(item, of, embedded); !staged) return staged;
        embedded = std::async(std::launch::async, [&network, chips = std::move(found)]() mutable {
            return vectors_of(network, std::move(chips));
        });
        cursor = some->cursor;
        failpoint("worker.mid_reembed");
    } while (cursor != "0");
    return stage(item, of, embedded);
}

reembedder::face_vectors reembedder::vectors_of(embedder& network, picture_chips found) {
    face_vectors vectors;
    for (std::size_t from = 0; from < found.chips.size(); from += limits::batch_max) {
        const std::size_t count = std::min(limits::batch_max, found.chips.size() - from);
        const auto made = network.embed(std::span(found.chips).subspan(from, count));
        for (std::size_t i = 0; i < count; ++i) {
            vectors.emplace_back(std::move(found.face_ids[from + i]), bytes_of(made[i]));
        }
    }
    return vectors;
}

/// The vectors of a step, as soon as they are there; the first time there is none.
result<void> reembedder::stage(const work& item, const staging& of,
                               std::future<face_vectors>& embedded) {
    if (!embedded.valid()) return {};
    face_vectors vectors = [&] {
        const step moving(slot_, allowance);
        return embedded.get();
    }();
    if (vectors.empty()) return {};
    const job_ticket& ticket = *item.job();
    const auto staged =
        ask(item, store_.stage(ticket.id(), ticket.worker_id, of, std::move(vectors)));
    return staged ? result<void>{} : fail(staged.error());
}

/// Looks at the pictures with all threads.
reembedder::picture_chips reembedder::chips_of(
    const std::vector<std::pair<std::string, std::string>>& pictures, const chip_form& form) {
    std::vector<std::optional<chip>> chips(pictures.size());
    const std::size_t parts = threads_.count();
    threads_.run()(parts, [&](std::size_t part) {
        detector& finder = best_of(detectors_[part]);
        for (std::size_t i = part; i < pictures.size(); i += parts) {
            // Made by a worker, not by a client: decoded here.
            const auto seen = decode_image(pictures[i].second);
            if (!seen || is_older_picture(seen->picture)) continue;
            const auto face = face_in(seen->picture, finder);
            if (!face) continue;
            chips[i] = align_face(aligner_, seen->picture, *face, finder.fit(), form).face;
        }
    });
    picture_chips found;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        if (chips[i]) {
            found.face_ids.push_back(pictures[i].first);
            found.chips.push_back(std::move(*chips[i]));
        } else {
            found.without_face.push_back(pictures[i].first);
        }
    }
    return found;
}

/// Faces that cannot be staged: without a picture, or with one that shows no face. Others that are
/// not staged were trained in the meantime.
result<std::vector<std::string>> reembedder::left_out(const work& item, const staging& of) {
    std::sort(without_face_.begin(), without_face_.end());
    std::vector<std::string> out;
    std::string cursor = "0";
    do {
        const auto some = ask(item, store_.left(of, cursor));
        if (!some) return fail(some.error());
        for (const auto& [id, pictured] : some->faces) {
            const bool faceless =
                std::binary_search(without_face_.begin(), without_face_.end(), id);
            if (!pictured || faceless) out.push_back(id);
        }
        cursor = some->cursor;
    } while (cursor != "0");
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    if (out.empty()) return out;
    const std::string count = std::to_string(out.size());
    if (!item.options.forget_without_pictures) {
        return fail(errc::wrong_state, count + " faces have no picture that shows a face");
    }
    if (out.size() > reembed_store::left_out_max) {
        return fail(errc::wrong_state, count +
                                           " faces have no picture that shows a face; at most " +
                                           std::to_string(reembed_store::left_out_max) +
                                           " can be removed with the change of the model");
    }
    return out;
}

}  // namespace vultus
