// The pipeline in this process, with no api, broker or queue before it: photos go in as frames, a
// fixed number in hand. The measure that the whole service is held against by bench_api.py.
//   pipeline_load SECONDS IN_HAND OPTIONS PHOTO... -- worker arguments (--set section.key=value)
// OPTIONS is the JSON of a job. SECONDS count after one second of warming up. Needs a Redis of its
// own (redis.socket) for its empty gallery. Prints one JSON object.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "shared/base/log.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/pipeline/pipeline.hpp"
#include "workers/pipeline/startup.hpp"

namespace {

using namespace vultus;
using clock_type = std::chrono::steady_clock;

constexpr const char* worker_id = "bench-1-cpu-00000001";

std::size_t count_of(const std::string& text, std::string_view word) {
    std::size_t count = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
    return count;
}

frame_ticket frame_of(const std::string& photo, const std::string& options, std::size_t number) {
    frame_ticket ticket;
    ticket.frame.frame_id = std::to_string(number);
    ticket.frame.collection = "default";
    ticket.frame.options = options;
    ticket.frame.image = photo;
    ticket.give_up = boot_now() + std::chrono::minutes(1);
    ticket.dropped = std::make_shared<drop_flag>();
    return ticket;
}

struct found {
    std::size_t photos = 0, faces = 0, failed = 0;
};

found drive(pipeline& work, mailbox<session_mail>& mail, const std::vector<std::string>& photos,
            const std::string& options, std::size_t in_hand, std::chrono::duration<double> length) {
    found all;
    std::size_t sent = 0;
    for (; sent < in_hand; ++sent) work.take(frame_of(photos[sent % photos.size()], options, sent));
    const auto from = clock_type::now() + std::chrono::seconds(1);
    const auto to = from + std::chrono::duration_cast<clock_type::duration>(length);
    while (clock_type::now() < to) {
        poll_item item;
        item.fd = mail.fd();
        poll({&item, 1}, std::chrono::milliseconds(100));
        mail.quiet();
        while (auto letter = mail.take()) {
            const auto* done = std::get_if<frame_answered>(&*letter);
            if (done == nullptr) continue;
            if (clock_type::now() >= from) {
                ++all.photos;
                all.faces += count_of(done->answer.result, "\"box\":");
                all.failed += done->answer.error.empty() ? 0 : 1;
            }
            work.take(frame_of(photos[sent % photos.size()], options, sent));
            ++sent;
        }
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) return 2;
    const std::chrono::duration<double> length(std::atof(argv[1]));
    const auto in_hand = static_cast<std::size_t>(std::atoi(argv[2]));
    std::vector<std::string> photos;
    int at = 4;
    for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
        std::ifstream stream(argv[at], std::ios::binary);
        photos.emplace_back(std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>());
    }
    if (at == argc) return 2;
    const command_line line = parse_command_line(argc - at, argv + at, "pipeline_load");
    const auto settings = read_worker_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "pipeline_load: %s\n", settings.error().detail.c_str());
        return 2;
    }
    log::start("pipeline_load", settings->common.log_level);
    use_one_blas_thread();
    stop_signal stop;
    auto models = load_vision_models(*settings);
    const store_context store;
    if (!models || !wait_for_store(settings->common.redis, store, stop)) return 3;
    registration who;
    who.worker_id = worker_id;
    who.connection = "1";
    who.types = {"recognize"};
    who.lasts = std::chrono::minutes(10);
    if (!redis_blocking(settings->common.redis).call(worker_store(store).register_worker(who)))
        return 3;

    progress stages;
    mailbox<session_mail> mail(4'096);
    pipeline work(pipeline_part(*settings, false, 2 * in_hand + 8), store, std::move(*models), mail,
                  stages);
    work.registered(worker_id, {});
    const found all = drive(work, mail, photos, argv[3], in_hand, length);
    std::printf("{\"jobs_per_s\": %.2f, \"faces_per_s\": %.2f, \"failed\": %zu}\n",
                static_cast<double>(all.photos) / length.count(),
                static_cast<double>(all.faces) / length.count(), all.failed);
    return all.photos > 0 ? 0 : 1;
}
