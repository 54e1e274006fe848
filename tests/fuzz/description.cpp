// The description of a run, as a member gives it to a newcomer.

#include <cstddef>
#include <cstdint>
#include <string>

#include "node/run_description.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  const auto run = parse_description({reinterpret_cast<const char*>(data), size});
  // What was read is printed and read again.
  if (run && !parse_description(description_text(*run, 1))) __builtin_trap();
  return 0;
}
