#include <cmath>

#include "optim/inner/inner_step.h"

namespace starling::optim {
namespace {

// m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2, both divided by 1 - beta^t, which
// takes out their start at zero;  x <- x - step_size (m / (sqrt(v) + epsilon) + weight_decay x).
template <class Scalar>
class AdamW final : public InnerStep<Scalar> {
 public:
  AdamW(const Settings& settings, const typename InnerStep<Scalar>::Site& site)
      : vectors_(site.vectors),
        first_(vectors_.add("adamw.first_moment")),
        second_(vectors_.add("adamw.second_moment")),
        steps_(vectors_.add_number("adamw.steps")),
        beta1_(settings.real("beta1")),
        beta2_(settings.real("beta2")),
        epsilon_(static_cast<Scalar>(settings.real("epsilon"))),
        decay_(static_cast<Scalar>(settings.real("weight_decay"))) {}

  void apply(std::span<const Scalar> direction, double step_size, std::span<Scalar> x) override {
    const std::uint64_t steps = vectors_.number(steps_) + 1;
    vectors_.set_number(steps_, steps);
    const auto unbias1 = static_cast<Scalar>(1 / (1 - std::pow(beta1_, steps)));
    const auto unbias2 = static_cast<Scalar>(1 / (1 - std::pow(beta2_, steps)));
    const auto size = static_cast<Scalar>(step_size);
    const auto stay1 = static_cast<Scalar>(beta1_);
    const auto stay2 = static_cast<Scalar>(beta2_);
    const auto first = vectors_.at(first_);
    const auto second = vectors_.at(second_);
    for (std::size_t i = 0; i < x.size(); ++i) {
      first[i] = stay1 * first[i] + (1 - stay1) * direction[i];
      second[i] = stay2 * second[i] + (1 - stay2) * direction[i] * direction[i];
      const Scalar scale = std::sqrt(second[i] * unbias2) + epsilon_;
      x[i] -= size * (first[i] * unbias1 / scale + decay_ * x[i]);
    }
  }

  void restart() override {
    vectors_.fill_zero(first_);
    vectors_.fill_zero(second_);
    vectors_.set_number(steps_, 0);
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId first_;
  VectorId second_;
  NumberId steps_;
  double beta1_;
  double beta2_;
  Scalar epsilon_;
  Scalar decay_;
};

constexpr Field fields[] = {
    real_field("beta1", {0, 0.9999}, 0.9, "share of the mean gradient that stays"),
    real_field("beta2", {0, 0.999999}, 0.999, "share of the mean square that stays"),
    real_field("epsilon", {1e-12, 1}, 1e-8, "added to the root of the mean square"),
    real_field("weight_decay", {0, 1}, 0.01, "decoupled: takes step_size weight_decay x from x")};

InnerTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const InnerEntry adamw_step = make_entry<InnerEntry, AdamW>(
    {.id = 2,
     .name = "adamw",
     .meaning = "steps scaled by the gradient's mean square, with decoupled weight decay",
     .source = "Loshchilov, Hutter 2019",
     .fields = fields},
    traits);

}  // namespace starling::optim
