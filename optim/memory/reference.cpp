#include <algorithm>
#include <functional>

#include "optim/memory/memory.h"

namespace starling::optim {
namespace {

// A training vector stays close to the run's common starting point, so a quantizer's levels are
// finer for the difference. The starting point cancels in every mixed difference.
template <class Scalar>
class Reference final : public Memory<Scalar> {
 public:
  Reference(const Settings& /*settings*/, const typename Memory<Scalar>::Site& site)
      : vectors_(site.vectors),
        start_(vectors_.add(site.lane + ".reference", {site.start.begin(), site.start.end()})) {}

  void before_encode(const Block& block, std::span<const Scalar> values,
                     std::span<Scalar> out) const override {
    const auto start = at_block(vectors_.at(start_), block);
    std::ranges::transform(values, start, out.begin(), std::minus{});
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId start_;
};

MemoryTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const MemoryEntry reference_memory = make_entry<MemoryEntry, Reference>(
    {.id = 1,
     .name = "reference",
     .meaning = "sends the vector's difference from the run's common start"},
    traits);

}  // namespace starling::optim
