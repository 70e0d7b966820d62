// Foreign photos are decompressed in a process of their own, vultus-decoder: it has no files, no
// sockets but the one to its worker, and may ask the system for memory and nothing else
// (syscall_filter.hpp). A photo that breaks a codec ends that process, is refused, and the next
// photo has a new one; the worker never notices more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shared/image_header.hpp"
#include "shared/result.hpp"
#include "workers/image.hpp"

namespace vultus {

/// One process, started when there is something to decode. Photo and pixels lie in memory that both
/// see; after a large picture it is given back.
/// threads   one at a time
class codec_process {
 public:
    /// `program`  path of vultus-decoder
    explicit codec_process(std::string program);
    ~codec_process();  ///< ends the process
    codec_process(const codec_process&) = delete;
    codec_process& operator=(const codec_process&) = delete;

    /// The picture as it is stored, with its sides divided by `shrink`, as codecs::decode() does.
    /// errors    those of the codec; undecodable_image: the photo ended the process, or took more
    ///           than 9 s; out_of_memory: no process can be had
    result<image> decode(std::string_view bytes, const image_header&, std::uint32_t shrink);

    /// 0: none runs now.
    int pid() const noexcept;

 private:
    struct state;
    std::unique_ptr<state> state_;
};

/// vultus-decoder beside this program, after it has decoded a picture.
/// errors    not_found; internal: it does not work here, for instance as the kernel has no filters
result<std::string> tried_decoder();

}  // namespace vultus
