# Toolchain, warnings and sanitizers, the same for every target of ours.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(STARLING_BUILD_TESTS "Build the tests" ON)
option(STARLING_BUILD_BENCH "Build the benchmarks" OFF)
option(STARLING_BUILD_EXAMPLES "Build the examples" ON)
option(STARLING_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(STARLING_TEST_PLAINTEXT "Seal nothing: for the test that must then find plaintext on the sockets" OFF)
set(STARLING_SANITIZE "" CACHE STRING "Sanitizers: empty, address,undefined or thread")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(starling_flags INTERFACE)
# -ffp-contract=off: a fused multiply-add would make results depend on the compiler (LEARNING.md, C13).
target_compile_options(starling_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(starling_flags INTERFACE -fpch-preprocess)  # lets ccache see through precompiled headers
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(starling_flags INTERFACE -march=x86-64-v3)
endif()
if(STARLING_SANITIZE)
  target_compile_options(starling_flags INTERFACE -fsanitize=${STARLING_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(starling_flags INTERFACE -fsanitize=${STARLING_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What sanitizers put in hides from g++ 12 what is bounded and what is set (GCC bug 105329); release builds warn.
    target_compile_options(starling_flags INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                           -Wno-restrict)
  endif()
endif()
if(STARLING_FUZZ)
  target_compile_options(starling_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
