#include <algorithm>

#include "optim/memory/memory.h"

namespace starling::optim {
namespace {

template <class Scalar>
class None final : public Memory<Scalar> {
 public:
  None(const Settings& /*settings*/, const typename Memory<Scalar>::Site& /*site*/) {}

  void before_encode(const Block& /*block*/, std::span<const Scalar> values,
                     std::span<Scalar> out) const override {
    std::ranges::copy(values, out.begin());
  }
};

MemoryTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const MemoryEntry no_memory =
    make_entry<MemoryEntry, None>({.id = 0, .name = "none", .meaning = "sends the vector"}, traits);

}  // namespace starling::optim
