#pragma once
// What the processor can do that builds for x86-64-v3 and below may not take for granted.

#include <cstddef>

namespace starling::optim {

#if defined(__x86_64__)
/// Of kernels in the order portable, AVX2, AVX-512: how many of them run here. AVX-512: its F, BW,
/// DQ and VL parts.
[[nodiscard]] inline std::size_t usable_x86_kernels() {
  if (__builtin_cpu_supports("avx2") == 0) return 1;
  const bool has_avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  return has_avx512 ? 3 : 2;
}
#endif

}  // namespace starling::optim
