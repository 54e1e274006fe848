#include "optim/oracle/oracle.h"

namespace starling::optim {
namespace {

template <class Scalar>
class Gradient final : public Oracle<Scalar> {
 public:
  Gradient(const Settings& /*settings*/, const typename Oracle<Scalar>::Site& /*site*/) {}

  double direction(const Objective<Scalar>& objective, std::span<const Scalar> x,
                   std::span<Scalar> out) override {
    return objective(x, out);
  }
};

OracleTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const OracleEntry gradient_oracle = make_entry<OracleEntry, Gradient>(
    {.id = 0, .name = "gradient", .meaning = "the gradient of a batch's mean loss"}, traits);

}  // namespace starling::optim
