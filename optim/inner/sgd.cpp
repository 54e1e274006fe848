#include "optim/inner/inner_step.h"
#include "optim/inner/weight_decay.h"

namespace starling::optim {
namespace {

// x <- x - step_size (gradient + weight_decay x)
template <class Scalar>
class Sgd final : public InnerStep<Scalar> {
 public:
  Sgd(const Settings& settings, const typename InnerStep<Scalar>::Site& /*site*/)
      : decay_(static_cast<Scalar>(settings.real("weight_decay"))) {}

  void apply(std::span<const Scalar> direction, double step_size, std::span<Scalar> x) override {
    const auto size = static_cast<Scalar>(step_size);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= size * (direction[i] + decay_ * x[i]);
  }

 private:
  Scalar decay_;
};

constexpr Field fields[] = {weight_decay_field};

InnerTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const InnerEntry sgd_step =
    make_entry<InnerEntry, Sgd>({.id = 0,
                                 .name = "sgd",
                                 .meaning = "a step against the gradient",
                                 .source = "Robbins, Monro 1951",
                                 .fields = fields},
                                traits);

}  // namespace starling::optim
