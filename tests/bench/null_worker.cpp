// A worker that computes nothing, for the bench of the queue: the session, the leases and the
// commits are the real ones, the result is an empty one. Answers recognize; a train fails.
#include <cstdio>

#include "shared/base/log.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/pipeline/committer.hpp"
#include "workers/pipeline/results.hpp"
#include "workers/pipeline/startup.hpp"
#include "workers/session/serve.hpp"

namespace {

using namespace vultus;

class nothing_to_see final : public work_sink {
 public:
    nothing_to_see(const redis_address& redis, const store_context& store,
                   mailbox<session_mail>& mail)
        : store_(store), mail_(mail), commits_(redis, worker_store(store), mail, 4'096) {
        recognized empty;
        empty.width = empty.height = 64;
        empty.detector = "hog";
        empty.embedding_model = "none";
        empty.distance_max = empty.threshold = 1;
        for (const char* stage :
             {"queue", "decode", "detect", "align", "embed", "match", "total"}) {
            empty.timing_ms[stage] = 0;
        }
        text_ = json_of(empty);
    }

    bool take(job_ticket job) override {
        if (job.job.type != job_type::recognize) {
            commits_.submit(
                commits_.failure(std::move(job), {errc::no_usable_photo, "no engine"}, 0));
            return true;
        }
        commit_request request;
        request.call = [this, id = job.id(), worker = job.worker_id,
                        version = job.job.min_version] {
            return store_.complete_recognize(id, worker, version, text_, "");
        };
        request.ticket = std::move(job);
        commits_.submit(std::move(request));
        return true;
    }
    bool take(frame_ticket frame) override {
        frame_answered said;
        said.link = frame.link;
        said.connection = frame.connection;
        said.answer.frame_id = frame.frame.frame_id;
        said.answer.attempt = frame.frame.attempt;
        said.answer.version = frame.frame.min_version;
        said.answer.result = text_;
        session_mail letter = std::move(said);
        return mail_.try_push(letter);
    }
    void registered(const std::string&, const model_choice&) override {}
    void fenced() override {}
    void news(const std::string&, gallery_version) override {}

 private:
    const worker_store store_;
    mailbox<session_mail>& mail_;
    std::string text_;
    committer commits_;
};

}  // namespace

int main(int argc, char** argv) {
    const command_line line = parse_command_line(argc, argv, "null_worker");
    if (line.exit_code >= 0) return line.exit_code;
    const auto settings = read_worker_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "null_worker: %s\n", settings.error().detail.c_str());
        return 2;
    }
    log::start("null_worker", settings->common.log_level);
    stop_signal stop;
    route_signals_here();
    const store_context store;
    if (!wait_for_store(settings->common.redis, store, stop)) return 3;

    const worker_link_settings talk = session_part(*settings, "none", "null");
    progress stages;
    mailbox<session_mail> mail(8'192);
    nothing_to_see work(talk.redis, store, mail);
    worker_link conversation(talk, store, work, mail, stages);
    return static_cast<int>(conversation.run(&stop));
}
