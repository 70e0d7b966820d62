// All that the backend asks of CUDA and cuDNN, as one table of functions over types of our own. Two
// things fill it: the shared object vultus-cuda (runtime.cpp, launches.cu), which the worker loads
// when it is told to use a GPU, and the tests' stand-in, which does it all on the CPU. The
// backend itself needs no CUDA header.
//
// A function that returns int returns 0, or a status for error_text(). Work on a stream is carried
// out later, in order; wait() and wait_for() wait for it and report what went wrong in it. Between
// begin_capture() and end_capture() work is noted in a graph instead; the thread may ask nothing
// else of the device then.
// threads   any, one at a time for a device, but wait_for(), which any thread may be in; a thread
//           calls use() before anything else of the device
#pragma once

#include <cstddef>
#include <cstdint>

namespace vultus::cuda {

/// Changes whenever something below does: an older shared object is refused.
constexpr std::uint32_t table_version = 5;

/// Channels lie together and are padded to a multiple of this with zeros; tensor cores want it.
constexpr int channel_step = 8;

struct device;
struct stream;
struct event;
struct graph;
struct convolution_plan;

struct device_info {
    char name[128];    ///< as the GPU says it, ends in 0
    int major, minor;  ///< compute capability
    std::uint64_t memory_bytes;
};

/// y = relu(conv(x) + bias + residual). x [batch][row][column][input], bias [output], weights
/// [output][row][column][input], residual and y [batch][out_row][out_column][output].
struct convolution {
    int wide;  ///< 1: float32 memory, computed in TF32 where there is one; 0: half, float32 sums
    int batch;
    int rows, columns, inputs;  ///< channels a multiple of channel_step
    int out_rows, out_columns, outputs;
    int window_rows, window_columns, stride;
    int padding_rows, padding_columns;  ///< zeros on each side
    int residual, relu;                 ///< 0 or 1
};

struct convolution_memory {
    const void* x;
    const void* weights;
    const void* bias;
    const void* residual;
    void* y;  ///< neither x nor residual: a plan may write it more than once
    void* workspace;
    std::size_t workspace_bytes;  ///< at least the plan's
};

/// One of the library's ways to compute a convolution.
struct plan_info {
    char engine[64];              ///< the library's number and settings of it, ends in 0
    std::size_t workspace_bytes;  ///< what it needs, exactly
};

/// Besides 0 and the statuses of error_text(): the library cannot compute it that way; it has no
/// more ways.
constexpr int way_refused = -1, ways_ended = -2;

/// Kernels of our own; kernel_bodies.hpp says what each computes.
enum class kernel : int {
    picture,
    shrink,
    pool,
    average_rows,
    average_all,
    add,
    activate,
    grouped,
    depthwise,
    transposed,
    affine,
    multiply,
    upsample,
    linear,
    column_sum,
    planes
};

/// What a kernel does to each number last of all.
enum class finish : int { none, relu, prelu, sigmoid };

struct extent {
    int rows, columns, channels;  ///< channels as they lie in memory, padded
};

/// Where a level of the pyramid lies on the canvas, pixels.
struct patch {
    int top, left, rows, columns;
};

/// One launch. A kernel reads the fields that its body names.
struct kernel_call {
    kernel what;
    int wide;      ///< of what is read: as in convolution
    int wide_out;  ///< average_all, linear: the same of what is written; all others write as they
                   ///< read, or float32
    int count;     ///< pieces of work, one a thread
    const void* in;
    const void* plus;
    const void* addend;  ///< grouped, depthwise: may be `out`; nullptr: nothing is added
    void* out;
    const float* weights;
    const float* offsets;  ///< one a channel, padded; linear: nullptr if there are none
    const float* slopes;   ///< of prelu: one a channel, padded
    int one_slope;         ///< 1: the first one is everybody's
    extent in_shape, plus_shape, out_shape;
    int channels;                     ///< of `out`, without padding; planes: of `in`
    int inputs, outputs;              ///< channels, without padding; grouped: of one group
    int window_rows, window_columns;  ///< pixels
    int stride;                       ///< upsample: the factor
    int padding_rows, padding_columns;
    int largest;   ///< pool: 1 the maximum, 0 the mean
    finish after;  ///< activate: all that it does
    /// depthwise: what is done to each number of `in` first, none or prelu, with its slopes.
    finish before;
    const float* before_slopes;
    int before_one_slope;
    float bias;
    float mean[3], scale[3];
    int bgr;  ///< 1: mean, scale and the numbers are of blue, green and red
    patch from, to;
};

struct table {
    std::uint32_t version;
    void* self;  ///< handed to the first two
    int (*device_count)(void* self, int* count);
    /// The device with this number, for the calling thread too.
    int (*open)(void* self, int index, device** opened);
    void (*close)(device*);
    const char* (*error_text)(int status);
    /// 1 if that status means too little memory, of the GPU or of the machine.
    int (*lacks_memory)(int status);
    /// The calling thread's calls go to this device from here on.
    int (*use)(device*);
    int (*describe)(device*, device_info*);
    int (*memory)(device*, std::size_t* free_bytes, std::size_t* total_bytes);
    int (*allocate)(device*, std::size_t bytes, void** memory);
    int (*release)(device*, void* memory);
    /// Memory of the CPU that the GPU may read and write by itself.
    int (*allocate_host)(device*, std::size_t bytes, void** memory);
    int (*release_host)(device*, void* memory);

    int (*open_stream)(device*, stream**);
    void (*close_stream)(stream*);
    /// from, to: memory of allocate_host(); read or written when the stream comes to it.
    int (*upload)(stream*, void* to, const void* from, std::size_t bytes);
    int (*download)(stream*, void* to, const void* from, std::size_t bytes);
    int (*clear)(stream*, void* memory, std::size_t bytes);
    /// The library's way number `rank` to compute it, its favourite first. Only ways that give the
    /// same numbers each time, have float32 sums and need no compiler. returns  also way_refused,
    /// ways_ended
    int (*make_plan)(stream*, const convolution&, int rank, convolution_plan** made, plan_info*);
    /// What the stream was told with it is done first. No graph has it any more.
    void (*drop_plan)(convolution_plan*);
    int (*convolve)(stream*, convolution_plan*, const convolution_memory&);
    /// Runs it so many times and once before; waits. milliseconds: of one of them. returns  also
    /// way_refused
    int (*time_plan)(stream*, convolution_plan*, const convolution_memory&, int rounds,
                     float* milliseconds);
    int (*run)(stream*, const kernel_call&);
    int (*wait)(stream*);

    int (*make_event)(device*, event**);
    void (*drop_event)(event*);
    /// The event happens when what the stream was told so far is done.
    int (*record)(stream*, event*);
    /// Until the last one recorded happens. The thread sleeps, but for passes that end soon.
    int (*wait_for)(event*);

    int (*begin_capture)(stream*);
    int (*end_capture)(stream*, graph**);
    int (*launch)(stream*, graph*);
    /// A graph that is being carried out is carried out first.
    void (*drop)(graph*);
};

/// What the shared object exports: its table, or nullptr and why in `why` (ends in 0).
using table_maker = const table* (*)(char* why, std::size_t why_bytes);
constexpr const char* table_symbol = "vultus_cuda_table";

}  // namespace vultus::cuda
