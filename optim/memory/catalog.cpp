#include "optim/memory/memory.h"

namespace starling::optim {

extern const MemoryEntry no_memory;
extern const MemoryEntry reference_memory;
extern const MemoryEntry hat_copy_memory;
extern const MemoryEntry error_feedback_memory;
extern const MemoryEntry ef21_memory;

const Catalog<MemoryEntry>& memories() {
  static constexpr std::array rows{&no_memory, &reference_memory, &hat_copy_memory,
                                   &error_feedback_memory, &ef21_memory};
  static constexpr Catalog<MemoryEntry> catalog(
      {.key = "memory", .meaning = "what a lane remembers between payloads"}, rows);
  return catalog;
}

}  // namespace starling::optim
