// The table filled with CUDA's and cuDNN's functions; what the shared object vultus-cuda exports.
// A status is CUDA's own, or cuDNN's beyond library_errors.
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "workers/engine/cuda/launches.hpp"
#include "workers/engine/cuda/table.hpp"
#include "workers/engine/cuda/ways.hpp"

namespace vultus::cuda {

struct device {
    int index;
    cudnnHandle_t library;
    /// The ways for the convolution that was asked for last.
    std::shared_ptr<const convolution_ways> ways;
    convolution ways_of{};
};

struct convolution_plan {
    stream* line;
    std::shared_ptr<const convolution_ways> from;  ///< the engine and the graph that it is made of
    part made;
    bool residual;
};

struct stream {
    device* on;
    cudaStream_t line;
};

struct event {
    cudaEvent_t made;
};

struct graph {
    cudaGraphExec_t made;
};

namespace {

constexpr int library_errors = 100'000;

int of_cuda(cudaError_t status) {
    return static_cast<int>(status);
}
int of_library(cudnnStatus_t status) {
    return status == CUDNN_STATUS_SUCCESS ? 0 : library_errors + static_cast<int>(status);
}

const char* error_text(int status) {
    if (status >= library_errors) {
        return cudnnGetErrorString(static_cast<cudnnStatus_t>(status - library_errors));
    }
    return cudaGetErrorString(static_cast<cudaError_t>(status));
}

int lacks_memory(int status) {
    return status == of_cuda(cudaErrorMemoryAllocation) ||
           status == of_library(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED) ||
           status == of_library(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED);
}

/// A failed call's error would be the next one's, too. A broken device says it again by itself.
int forgotten(cudaError_t status) {
    if (status != cudaSuccess) cudaGetLastError();
    return of_cuda(status);
}

int device_count(void*, int* number) {
    return of_cuda(cudaGetDeviceCount(number));
}

int open(void*, int index, device** opened) {
    if (const cudaError_t status = cudaSetDevice(index); status != cudaSuccess) {
        return of_cuda(status);
    }
    auto* made = new (std::nothrow) device{index, nullptr, nullptr, {}};
    if (made == nullptr) return of_cuda(cudaErrorMemoryAllocation);
    const cudnnStatus_t status = cudnnCreate(&made->library);
    if (status != CUDNN_STATUS_SUCCESS) {
        delete made;
        return of_library(status);
    }
    *opened = made;
    return 0;
}

void close(device* on) {
    cudaSetDevice(on->index);
    on->ways.reset();
    cudnnDestroy(on->library);
    delete on;
}

int use(device* on) {
    return of_cuda(cudaSetDevice(on->index));
}

int describe(device* on, device_info* info) {
    cudaDeviceProp found{};
    const cudaError_t status = cudaGetDeviceProperties(&found, on->index);
    if (status != cudaSuccess) return of_cuda(status);
    std::snprintf(info->name, sizeof info->name, "%.127s", found.name);
    info->major = found.major;
    info->minor = found.minor;
    info->memory_bytes = found.totalGlobalMem;
    return 0;
}

int memory_of(device*, std::size_t* free_bytes, std::size_t* total_bytes) {
    return of_cuda(cudaMemGetInfo(free_bytes, total_bytes));
}

int allocate(device*, std::size_t bytes, void** memory) {
    return forgotten(cudaMalloc(memory, bytes));
}
int release(device*, void* memory) {
    return of_cuda(cudaFree(memory));
}
int allocate_host(device*, std::size_t bytes, void** memory) {
    return forgotten(cudaMallocHost(memory, bytes));
}
int release_host(device*, void* memory) {
    return of_cuda(cudaFreeHost(memory));
}

int open_stream(device* on, stream** opened) {
    if (const cudaError_t status = try_kernels(); status != cudaSuccess) return forgotten(status);
    auto* made = new (std::nothrow) stream{on, nullptr};
    if (made == nullptr) return of_cuda(cudaErrorMemoryAllocation);
    int status = of_cuda(cudaStreamCreateWithFlags(&made->line, cudaStreamNonBlocking));
    if (status == 0) status = of_library(cudnnSetStream(on->library, made->line));
    if (status != 0) {
        if (made->line != nullptr) cudaStreamDestroy(made->line);
        delete made;
        return status;
    }
    *opened = made;
    return 0;
}

void close_stream(stream* line) {
    cudaSetDevice(line->on->index);
    cudaStreamDestroy(line->line);
    delete line;
}

int upload(stream* line, void* to, const void* from, std::size_t bytes) {
    return of_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, line->line));
}
int download(stream* line, void* to, const void* from, std::size_t bytes) {
    return of_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, line->line));
}
int clear(stream* line, void* memory, std::size_t bytes) {
    return of_cuda(cudaMemsetAsync(memory, 0, bytes, line->line));
}

int make_plan(stream* line, const convolution& what, int rank, convolution_plan** made,
              plan_info* info) {
    device& on = *line->on;
    if (on.ways == nullptr || std::memcmp(&on.ways_of, &what, sizeof what) != 0) {
        auto ways = std::make_shared<convolution_ways>();
        const auto found = ways->find(what, {on.library, nullptr});
        if (found != CUDNN_STATUS_SUCCESS) return of_library(found);
        on.ways = std::move(ways);
        on.ways_of = what;
    }
    if (static_cast<std::size_t>(rank) >= on.ways->size()) return ways_ended;
    auto fresh = std::make_unique<convolution_plan>();
    fresh->line = line;
    fresh->from = on.ways;
    fresh->residual = what.residual != 0;
    const auto status = on.ways->plan(static_cast<std::size_t>(rank), fresh->made, *info);
    if (lacks_memory(of_library(status)) != 0) return of_library(status);
    if (status != CUDNN_STATUS_SUCCESS) return way_refused;
    *made = fresh.release();
    return 0;
}

void drop_plan(convolution_plan* made) {
    cudaStreamSynchronize(made->line->line);
    delete made;
}

int convolve(stream* line, convolution_plan* by, const convolution_memory& where) {
    return of_library(execute(line->on->library, by->made.get(), where, by->residual));
}

/// Two events, destroyed at the end.
struct stop_watch {
    cudaEvent_t begin = nullptr, end = nullptr;
    ~stop_watch() {
        if (begin != nullptr) cudaEventDestroy(begin);
        if (end != nullptr) cudaEventDestroy(end);
    }
    cudaError_t make() {
        const cudaError_t status = cudaEventCreate(&begin);
        return status == cudaSuccess ? cudaEventCreate(&end) : status;
    }
};

int time_plan(stream* line, convolution_plan* by, const convolution_memory& where, int rounds,
              float* milliseconds) {
    stop_watch watch;
    if (const auto status = watch.make(); status != cudaSuccess) return forgotten(status);
    const int first = convolve(line, by, where);
    if (const auto done = cudaStreamSynchronize(line->line); done != cudaSuccess) {
        return of_cuda(done);
    }
    if (first != 0) return lacks_memory(first) != 0 ? first : way_refused;
    cudaError_t status = cudaEventRecord(watch.begin, line->line);
    for (int round = 0; round < rounds && status == cudaSuccess; ++round) {
        if (const int again = convolve(line, by, where); again != 0) return again;
    }
    if (status == cudaSuccess) status = cudaEventRecord(watch.end, line->line);
    if (status == cudaSuccess) status = cudaEventSynchronize(watch.end);
    if (status == cudaSuccess) status = cudaEventElapsedTime(milliseconds, watch.begin, watch.end);
    *milliseconds /= static_cast<float>(rounds);
    return of_cuda(status);
}

int run(stream* line, const kernel_call& call) {
    return of_cuda(launch_kernel(line->line, call));
}
int wait(stream* line) {
    return of_cuda(cudaStreamSynchronize(line->line));
}

int make_event(device*, event** made) {
    auto* fresh = new (std::nothrow) event{};
    if (fresh == nullptr) return of_cuda(cudaErrorMemoryAllocation);
    const cudaError_t status =
        cudaEventCreateWithFlags(&fresh->made, cudaEventBlockingSync | cudaEventDisableTiming);
    if (status != cudaSuccess) {
        delete fresh;
        return of_cuda(status);
    }
    *made = fresh;
    return 0;
}
void drop_event(event* made) {
    cudaEventDestroy(made->made);
    delete made;
}
int record(stream* line, event* made) {
    return of_cuda(cudaEventRecord(made->made, line->line));
}
/// To be woken takes tens of microseconds, so the passes that end soon are waited for awake.
int wait_for(event* made) {
    constexpr std::chrono::microseconds soon{200};
    const auto end = std::chrono::steady_clock::now() + soon;
    do {
        const cudaError_t status = cudaEventQuery(made->made);
        if (status != cudaErrorNotReady) return of_cuda(status);
    } while (std::chrono::steady_clock::now() < end);
    return of_cuda(cudaEventSynchronize(made->made));
}

int begin_capture(stream* line) {
    return forgotten(cudaStreamBeginCapture(line->line, cudaStreamCaptureModeThreadLocal));
}

int end_capture(stream* line, graph** noted) {
    cudaGraph_t plain = nullptr;
    cudaError_t status = cudaStreamEndCapture(line->line, &plain);
    cudaGetLastError();  // what could not be captured is launched next
    if (status != cudaSuccess) return of_cuda(status);
    cudaGraphExec_t made = nullptr;
    status = cudaGraphInstantiate(&made, plain, 0);
    if (status != cudaSuccess) cudaGetLastError();
    const cudaError_t dropped = cudaGraphDestroy(plain);
    if (status == cudaSuccess) status = dropped;
    auto* kept = status == cudaSuccess ? new (std::nothrow) graph{made} : nullptr;
    if (kept == nullptr) {
        if (made != nullptr) cudaGraphExecDestroy(made);
        return of_cuda(status == cudaSuccess ? cudaErrorMemoryAllocation : status);
    }
    *noted = kept;
    return 0;
}

int launch(stream* line, graph* noted) {
    return of_cuda(cudaGraphLaunch(noted->made, line->line));
}
void drop(graph* noted) {
    cudaGraphExecDestroy(noted->made);
    delete noted;
}

constexpr table filled{
    table_version, nullptr,       device_count, open,     close,      error_text,    lacks_memory,
    use,           describe,      memory_of,    allocate, release,    allocate_host, release_host,
    open_stream,   close_stream,  upload,       download, clear,      make_plan,     drop_plan,
    convolve,      time_plan,     run,          wait,     make_event, drop_event,    record,
    wait_for,      begin_capture, end_capture,  launch,   drop};

/// Of the libraries that cuDNN opens itself, and without which it fails in the middle of the work,
/// the first that cannot be found; nullptr: none.
/// source    NVIDIA, "Building and Running a cuDNN Dependent Program"
const char* missing_library() {
    constexpr std::array names{"libcublasLt.so.13", "libnvrtc.so.13"};
    for (const char* name : names) {
        if (dlopen(name, RTLD_LAZY | RTLD_LOCAL) == nullptr)
            return name;  // it is needed to the end
    }
    return nullptr;
}
static_assert(CUDART_VERSION / 1000 == 13, "the names end in CUDA's version");

}  // namespace

extern "C" __attribute__((visibility("default"))) const table* vultus_cuda_table(
    char* why, std::size_t why_bytes) {
    int driver = 0, runtime = 0, gpus = 0;
    cudaRuntimeGetVersion(&runtime);
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
        std::snprintf(why, why_bytes, "no NVIDIA driver found (CUDA %d.%d or newer is required)",
                      runtime / 1000, runtime % 1000 / 10);
        return nullptr;
    }
    if (driver / 1000 < runtime / 1000) {
        std::snprintf(why, why_bytes, "NVIDIA driver supports CUDA %d.%d, %d.%d is required",
                      driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
        return nullptr;
    }
    if (const cudaError_t status = cudaGetDeviceCount(&gpus); status != cudaSuccess) {
        std::snprintf(why, why_bytes, "%s", cudaGetErrorString(status));
        return nullptr;
    }
    if (const char* name = missing_library()) {
        std::snprintf(why, why_bytes, "cuDNN requires %s, which is missing", name);
        return nullptr;
    }
    return &filled;
}

/// For the tests: what is missing of the libraries that cuDNN opens itself; nullptr: nothing.
extern "C" __attribute__((visibility("default"))) const char* vultus_cuda_missing() {
    return missing_library();
}

/// For the tests: the ways of cuDNN for a GPU of which only the properties are here, as JSON. Makes
/// a plan of each up to `wanted`, and writes what those that it can are. returns  how many it can;
/// below 0: none, -1 - cuDNN's status. Needs no driver.
extern "C" __attribute__((visibility("default"))) int vultus_cuda_plans(const convolution* what,
                                                                        const char* properties,
                                                                        int wanted,
                                                                        plan_info* found) {
    part device;
    auto status = properties_from(properties, device);
    convolution_ways ways;
    if (status == CUDNN_STATUS_SUCCESS) status = ways.find(*what, {nullptr, device.get()});
    if (status != CUDNN_STATUS_SUCCESS) return -1 - static_cast<int>(status);
    int made = 0;
    for (std::size_t rank = 0; rank < ways.size() && made < wanted; ++rank) {
        part plan;
        if (ways.plan(rank, plan, found[made]) == CUDNN_STATUS_SUCCESS) ++made;
    }
    return made;
}

/// For the tests: the architectures that the kernels were compiled for.
extern "C" __attribute__((visibility("default"))) const char* vultus_cuda_architectures() {
    return architectures();
}

}  // namespace vultus::cuda
