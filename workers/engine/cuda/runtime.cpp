// The table filled with CUDA's and cuDNN's functions; what the shared object vultus-cuda exports.
// A status is CUDA's own, or cuDNN's beyond library_errors.
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <new>

#include "workers/engine/cuda/descriptors.hpp"
#include "workers/engine/cuda/launches.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

struct device {
    int index;
    cudnnHandle_t library;
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

int device_count(void*, int* number) {
    return of_cuda(cudaGetDeviceCount(number));
}

int open(void*, int index, device** opened) {
    if (const cudaError_t status = cudaSetDevice(index); status != cudaSuccess) {
        return of_cuda(status);
    }
    auto* made = new (std::nothrow) device{index, nullptr};
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
    const cudaError_t status = cudaMalloc(memory, bytes);
    if (status == cudaErrorMemoryAllocation) cudaGetLastError();  // what follows is not its fault
    return of_cuda(status);
}
int release(device*, void* memory) {
    return of_cuda(cudaFree(memory));
}
int allocate_host(device*, std::size_t bytes, void** memory) {
    return of_cuda(cudaMallocHost(memory, bytes));
}
int release_host(device*, void* memory) {
    return of_cuda(cudaFreeHost(memory));
}

int open_stream(device* on, stream** opened) {
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

int workspace(stream* line, const convolution& what, std::size_t* bytes) {
    descriptors made;
    if (const auto status = made.make(what); status != CUDNN_STATUS_SUCCESS) {
        return of_library(status);
    }
    return of_library(cudnnGetConvolutionForwardWorkspaceSize(
        line->on->library, made.x, made.weights, made.window, made.y, way, bytes));
}

int convolve(stream* line, const convolution& what, const convolution_memory& where) {
    descriptors made;
    if (const auto status = made.make(what); status != CUDNN_STATUS_SUCCESS) {
        return of_library(status);
    }
    const float one = 1.0f, share = what.residual ? 1.0f : 0.0f;
    // Without a residual cuDNN still wants an address for it: the output's own, taken 0 times.
    return of_library(cudnnConvolutionBiasActivationForward(
        line->on->library, &one, made.x, where.x, made.weights, where.weights, made.window, way,
        where.workspace, where.workspace_bytes, &share, made.y,
        what.residual ? where.residual : where.y, made.bias, where.bias, made.after, made.y,
        where.y));
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
    return of_cuda(cudaStreamBeginCapture(line->line, cudaStreamCaptureModeThreadLocal));
}

int end_capture(stream* line, graph** noted) {
    cudaGraph_t plain = nullptr;
    cudaError_t status = cudaStreamEndCapture(line->line, &plain);
    if (status != cudaSuccess) return of_cuda(status);
    cudaGraphExec_t made = nullptr;
    status = cudaGraphInstantiate(&made, plain, 0);
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

constexpr table filled{table_version, nullptr,       device_count, open,        close,
                       error_text,    use,           describe,     memory_of,   allocate,
                       release,       allocate_host, release_host, open_stream, close_stream,
                       upload,        download,      clear,        workspace,   convolve,
                       run,           wait,          make_event,   drop_event,  record,
                       wait_for,      begin_capture, end_capture,  launch,      drop};

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

/// For the tests: 0 if cuDNN takes the descriptors of it. Needs no driver.
extern "C" __attribute__((visibility("default"))) int vultus_cuda_describes(
    const convolution* what) {
    return of_library(descriptors().make(*what));
}

/// For the tests: the architectures that the kernels were compiled for.
extern "C" __attribute__((visibility("default"))) const char* vultus_cuda_architectures() {
    return architectures();
}

}  // namespace vultus::cuda
