// Properties of GPUs as cuDNN writes and reads them, so that its plans for these can be made on a
// machine without one. One for each architecture that libvultus-cuda.so is compiled for.
// source: NVIDIA's data sheets and the "Compute Capabilities" chapter of the CUDA programming guide
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace vultus::testing {

struct gpu_properties {
    const char* name;
    int compute;  ///< 75 for 7.5
    int multiprocessors;
    int shared_kib;       ///< of a block at most
    int blocks, threads;  ///< of a multiprocessor
    int clock_mhz, memory_mhz;
    int cache_mib, memory_gib;
};

constexpr std::array<gpu_properties, 7> known_gpus{{
    {"Tesla T4", 75, 40, 64, 16, 1024, 1590, 5001, 4, 16},
    {"NVIDIA A100-SXM4-40GB", 80, 108, 163, 32, 2048, 1410, 1215, 40, 40},
    {"NVIDIA GeForce RTX 3090", 86, 82, 99, 16, 1536, 1695, 9751, 6, 24},
    {"NVIDIA GeForce RTX 4090", 89, 128, 99, 24, 1536, 2520, 10501, 72, 24},
    {"NVIDIA H200", 90, 132, 227, 32, 2048, 1980, 3201, 50, 141},
    {"NVIDIA B200", 100, 148, 227, 32, 2048, 1965, 3996, 126, 180},
    {"NVIDIA GeForce RTX 5090", 120, 170, 99, 24, 1536, 2407, 14001, 96, 32},
}};

/// A driver for CUDA 13.
inline std::string as_json(const gpu_properties& one) {
    std::array<char, 1'200> text{};
    std::snprintf(text.data(), text.size(),
                  R"({"cudaDeviceId": 0, "deviceVer": %d, "driverVer": 13000,)"
                  R"( "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],)"
                  R"( "regsPerBlock": 65536, "multiProcessorCount": %d, "warpSize": 32,)"
                  R"( "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": %d,)"
                  R"( "reservedSharedMemoryPerBlock": %d, "maxRegistersPerSM": 65536,)"
                  R"( "maxCtasPerSM": %d, "maxThreadsPerBlock": 1024, "maxThreadsPerSM": %d,)"
                  R"( "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1,)"
                  R"( "smClockRateKHz": %d, "memClockRateKHz": %d, "l2CacheSize": %d,)"
                  R"( "totalGlobalMem": %lld, "deviceName": "%s"})",
                  one.compute * 10, one.multiprocessors, one.shared_kib * 1024,
                  one.compute < 80 ? 0 : 1024, one.blocks, one.threads, one.clock_mhz * 1000,
                  one.memory_mhz * 1000, one.cache_mib << 20,
                  static_cast<long long>(one.memory_gib) << 30, one.name);
    return text.data();
}

}  // namespace vultus::testing
