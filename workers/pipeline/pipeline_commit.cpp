// The pipeline's last stage: makes a result, trained faces, an answer to a frame, or a failure with
// its reason.
#include <cstdlib>
#include <utility>

#include "shared/base/log.hpp"
#include "workers/pipeline/pipeline.hpp"
#include "workers/pipeline/vision_stage.hpp"

namespace vultus {
namespace {

constexpr int exit_broken = 70;

// The stages in the answer, those that did not run as 0, and the whole.
std::map<std::string, double> timing_of(const work& item) {
    std::map<std::string, double> timing;
    for (const char* stage : {"queue", "decode", "detect", "align", "embed", "match"}) {
        const auto found = item.stage_ms.find(stage);
        timing[stage] = found == item.stage_ms.end() ? 0.0 : found->second;
    }
    timing["total"] = timing["queue"] + static_cast<double>((boot_now() - item.taken).count());
    return timing;
}

std::string result_of(const work& item, const recognized& seen) {
    switch (item.type) {
        case job_type::detect:
        case job_type::embed:
            return json_of_found(seen, item.type == job_type::embed);
        case job_type::verify:
            return json_of(seen, item.verified);
        default:
            return json_of(seen);
    }
}

}  // namespace

void pipeline::commit_recognize(const work_ptr& item, std::string annotated) {
    item->seen.timing_ms = timing_of(*item);
    item->seen.embeddings = item->options.embeddings;
    item->seen.person_ids = item->options.person_ids;
    commit_result(item, result_of(*item, item->seen), std::move(annotated));
}

void pipeline::commit_result(const work_ptr& item, std::string text, std::string annotated) {
    commit_request request;
    request.ticket = *item->job();
    request.stage_ms = item->stage_ms;
    request.failures = item->failures;
    request.call = [store = store_, id = request.ticket.id(), worker = request.ticket.worker_id,
                    version = item->seen.version, text = std::move(text),
                    picture = std::move(annotated)] {
        return store.complete_recognize(id, worker, version, text, picture);
    };
    // The embeddings are kept; only the match is repeated. The queue has room: the item left it.
    request.overtaken = item->matched_again;
    request.match_again = [this, item](gallery_version needed, const std::string& person) {
        ++item->matched_again;
        item->min_version = needed;
        if (!person.empty()) item->label = person;
        to_match_.push(item);
    };
    commits_.submit(std::move(request));
}

void pipeline::commit_train(const work_ptr& item) {
    if (item->seen.faces.empty()) {
        return give_up(item, error{errc::no_usable_photo, sentence_of(item->files)});
    }
    const job_ticket& ticket = *item->job();
    std::vector<new_face> faces;
    for (std::size_t i = 0; i < item->seen.faces.size(); ++i) {
        const found_face& face = item->seen.faces[i];
        const std::size_t photo = item->photo_of_face[i];
        faces.push_back(
            {item->files[photo].face_id,
             item->seen.without_photo
                 ? face_json(ticket.job.job_id, unix_now(),
                             store_.photo_digest(item->photo_hashes[photo]))
                 : face_json(ticket.job.job_id, unix_now(), face.detected,
                             store_.photo_digest(item->photo_hashes[photo]), face.quality.score),
             bytes_of(face.vector), item->pictures.empty() ? std::string() : item->pictures[i]});
    }
    commit_request request;
    request.ticket = ticket;
    request.stage_ms = item->stage_ms;
    request.failures = item->failures;
    request.call = [store = store_, id = ticket.id(), worker = ticket.worker_id,
                    text = json_of(item->files), model = item->seen.embedding_model, faces,
                    collection = item->collection] {
        return store.complete_train(id, worker, text, model, faces, collection);
    };
    request.back_for_model = is_chosen_again(*item);
    // This worker's own gallery is updated at once, so the barrier does not wait for a hint.
    request.changed = [this, collection = item->collection](gallery_version made) {
        galleries_.news(collection, made);
    };
    commits_.submit(std::move(request));
}

// Of a job only the decoder process reports no_worker: it ended while decoding, and Redis counts
// that as a lost worker. device_fault: this worker cannot start a decoder; another one may.
void pipeline::give_up(const work_ptr& item, const error& why) {
    if (why.code == errc::device_fault) {
        log::error("worker_broken", {{"detail", why.detail}});
        std::_Exit(exit_broken);
    }
    if (item->dropped()) return;
    if (item->frame()) return answer(*item, &why);
    const attempt_id id = item->job()->id();
    if (why.code == errc::stale || why.code == errc::not_found || why.code == errc::collected) {
        session_.push(job_finished{id, commit_state::stale, {}});
        return;
    }
    log::info("job_failed",
              {{"job", id.job_id}, {"error", name_of(why.code)}, {"detail", why.detail}});
    const bool verdicts = why.code == errc::no_usable_photo;
    commits_.submit(why.code == errc::no_worker
                        ? commits_.loss(*item->job())
                        : commits_.failure(*item->job(), why, item->failures,
                                           verdicts ? list_of(item->files) : std::string()));
}

void pipeline::answer(const work& item, const error* why) {
    const frame_ticket& ticket = *item.frame();
    frame_answered said;
    said.link = ticket.link;
    said.connection = ticket.connection;
    said.answer.frame_id = ticket.frame.frame_id;
    said.answer.attempt = ticket.frame.attempt;
    if (why != nullptr) {
        said.answer.error = name_of(why->code);
        said.answer.detail = why->detail;
    } else {
        recognized seen = item.seen;
        seen.timing_ms = timing_of(item);
        seen.embeddings = item.options.embeddings;
        seen.person_ids = item.options.person_ids;
        said.answer.version = item.seen.version;
        said.answer.result = result_of(item, seen);
        said.answer.type = ticket.frame.type;
    }
    session_.push(std::move(said));
}

void pipeline::annotate_loop(progress::slot& slot) {
    const auto apart = decoder_of(settings_.decoder, &done_.decoders_lost);
    while (true) {
        auto next = to_annotate_.pop_for(limits::progress);
        if (!next && to_annotate_.closed()) return;
        if (!next) {
            if (apart) apart->reap();
            continue;
        }
        work_ptr item = std::move(*next);
        if (item->dropped()) continue;
        const step moving(slot, limits::progress * 3);
        auto picture = annotate(*item, apart.get());
        if (!picture) {
            const errc why = picture.error().code;
            log::error("annotate_failed",
                       {{"job", item->job()->job.job_id}, {"error", name_of(why)}});
            if (retryable(why) || why == errc::device_fault) {  // the next attempt may have it
                give_up(item, picture.error());
                continue;
            }
        }
        commit_recognize(item, picture ? std::move(*picture) : std::string());
    }
}

}  // namespace vultus
