# libvultus-cuda.so: the table of engine/cuda/table.hpp filled with CUDA and cuDNN. The worker opens it
# when it is told to use a card; nothing is linked to it.
find_program(VULTUS_NVCC nvcc HINTS /usr/local/cuda/bin REQUIRED)
set(CMAKE_CUDA_COMPILER ${VULTUS_NVCC})
# What each card computes: Turing, A100, RTX 30, RTX 40, H100 and H200, B200, RTX 50; and what later
# cards can compile for themselves.
set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
enable_language(CUDA)
# Not FindCUDAToolkit: CMake 3.25's stumbles over CUDA 13 without its profiler's headers.
set(toolkit ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${toolkit} REQUIRED)
find_library(CUDNN_LIBRARY cudnn HINTS ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES}
  ${CMAKE_CUDA_COMPILER_TOOLKIT_ROOT} PATH_SUFFIXES lib lib64 REQUIRED)
string(REGEX MATCH "^[0-9]+" cuda ${CMAKE_CUDA_COMPILER_VERSION})
message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION}: a driver for CUDA ${cuda}.0 is needed")

add_library(vultus_cuda SHARED engine/cuda/convolution_graph.cpp engine/cuda/launches.cu
  engine/cuda/runtime.cpp engine/cuda/ways.cpp)
set_target_properties(vultus_cuda PROPERTIES OUTPUT_NAME vultus-cuda CUDA_STANDARD 17
  CUDA_RUNTIME_LIBRARY Static
  CXX_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
target_include_directories(vultus_cuda PRIVATE ${CMAKE_SOURCE_DIR})
target_include_directories(vultus_cuda SYSTEM PRIVATE ${toolkit} ${CUDNN_INCLUDE_DIR})
target_compile_options(vultus_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${VULTUS_WERROR}>:-Werror> -march=x86-64-v3>
  $<$<COMPILE_LANGUAGE:CUDA>:$<$<BOOL:${VULTUS_WERROR}>:-Werror=all-warnings> -Xcompiler=-Wall,-Wextra,-march=x86-64-v3>)
target_link_libraries(vultus_cuda PRIVATE ${CUDNN_LIBRARY})
