#include <algorithm>
#include <functional>

#include "optim/outer/outer_step.h"

namespace starling::optim {
namespace {

template <class Scalar>
class Adopt final : public OuterStep<Scalar> {
 public:
  Adopt(const Settings& /*settings*/, const typename OuterStep<Scalar>::Site& site)
      : vectors_(site.vectors), target_(site.target) {}

  void apply(const Block& block, std::span<const Scalar> change) override {
    const auto target = at_block(vectors_.at(target_), block);
    std::ranges::transform(target, change, target.begin(), std::plus{});
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId target_;
};

OuterTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const OuterEntry adopt_step = make_entry<OuterEntry, Adopt>(
    {.id = 0, .name = "adopt", .meaning = "takes the change as it is"}, traits);

}  // namespace starling::optim
