#pragma once
// How a computation is given more than one core, by whoever has threads to give.

#include <cstddef>
#include <functional>

namespace starling {

/// Calls work(0) to work(count - 1), each once, in any order and possibly at the same time, and
/// returns when all have returned. Calls that run at the same time must touch different things.
using ParallelFor =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)>;

/// The one that needs no threads.
inline void one_after_another(std::size_t count, const std::function<void(std::size_t)>& work) {
  for (std::size_t i = 0; i < count; ++i) work(i);
}

}  // namespace starling
