#include "optim/inner/inner_step.h"
#include "optim/inner/weight_decay.h"

namespace starling::optim {
namespace {

// d = gradient + weight_decay x;  m <- momentum m + d;  x <- x - step_size m
template <class Scalar>
class Momentum final : public InnerStep<Scalar> {
 public:
  Momentum(const Settings& settings, const typename InnerStep<Scalar>::Site& site)
      : vectors_(site.vectors),
        momentum_(vectors_.add("momentum")),
        share_(static_cast<Scalar>(settings.real("momentum"))),
        decay_(static_cast<Scalar>(settings.real("weight_decay"))) {}

  void apply(std::span<const Scalar> direction, double step_size, std::span<Scalar> x) override {
    const auto size = static_cast<Scalar>(step_size);
    const auto momentum = vectors_.ensure(momentum_);
    for (std::size_t i = 0; i < x.size(); ++i) {
      momentum[i] = share_ * momentum[i] + (direction[i] + decay_ * x[i]);
      x[i] -= size * momentum[i];
    }
  }

  void restart() override { vectors_.fill_zero(momentum_); }
  void release() override { vectors_.release(momentum_); }

 private:
  Vectors<Scalar>& vectors_;
  VectorId momentum_;
  Scalar share_;
  Scalar decay_;
};

constexpr Field fields[] = {
    real_field("momentum", {0, 0.9999}, 0, "share of the last step's direction that stays"),
    weight_decay_field};

InnerTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const InnerEntry momentum_step =
    make_entry<InnerEntry, Momentum>({.id = 1,
                                      .name = "momentum",
                                      .meaning = "heavy-ball momentum, without dampening",
                                      .source = "Polyak 1964",
                                      .fields = fields},
                                     traits);

}  // namespace starling::optim
