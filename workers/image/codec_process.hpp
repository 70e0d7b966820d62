// Foreign photos are decompressed in a process of their own, vultus-decoder: it has no files, no
// sockets but the one to its worker, and may ask the system for memory and nothing else
// (syscall_filter.hpp). What ends that process may be the photo, or the system's want of memory,
// or somebody's signal; nobody can tell which, so its end is a loss and no verdict on the photo.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/model/image_header.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// One process, started when there is something to decode, and again when it has ended, when
/// another collection's photos come, or when photos come that need other codecs (HEIC and AVIF have
/// a process without the others). Photo and pixels lie in memory that both see; after a large
/// picture it is given back.
/// threads   one at a time, the same one: the process ends with the thread that started it
class codec_process {
 public:
    static constexpr std::chrono::milliseconds usual_patience{9'000};

    /// `program`  path of vultus-decoder
    /// `patience`  for one photo, both tries together. Codecs stop after 5 s of CPU time; a
    ///            busy machine may need longer for them, and the watchdog of the worker waits for
    ///            twice limits::progress.
    /// `lost`     counts the processes that ended, hung or had no memory; not those that were ended
    ///            for another collection or format. May be null
    explicit codec_process(std::string program, std::chrono::milliseconds patience = usual_patience,
                           std::atomic<std::uint64_t>* lost = nullptr);
    ~codec_process();  ///< ends the process
    codec_process(const codec_process&) = delete;
    codec_process& operator=(const codec_process&) = delete;

    /// Whose photos come from now on. After a photo of another collection the process is ended and
    /// the shared memory emptied: who breaks a decoder sees no photo but of the own collection.
    void serve(std::string_view collection);

    /// The picture as it is stored, with its sides divided by `shrink`, as codecs::decode() does.
    /// A process that ended under it, or had no memory, is replaced once, and asked again.
    /// errors    those of the codec · no_worker: two processes ended under it, or one took longer
    ///           than `patience`: the attempt is lost, not the photo · out_of_memory: two processes
    ///           had not enough · device_fault: no process can be had; the worker cannot work
    result<stored_picture> decode(std::string_view bytes, const image_header&,
                                  std::uint32_t shrink);

    /// Notices that the process has ended meanwhile. Somebody has to, or it stays a zombie until
    /// the next photo. Never waits.
    void reap();

    /// 0: none runs now.
    int pid() const noexcept;

 private:
    struct state;
    std::unique_ptr<state> state_;
};

/// vultus-decoder beside this program, after it has decoded a picture.
/// errors    not_found; out_of_memory, device_fault, no_worker: it may work later; internal: it
///           does not work here, for instance as the kernel has no filters
result<std::string> tried_decoder();

}  // namespace vultus
