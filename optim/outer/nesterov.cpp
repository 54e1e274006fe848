#include "optim/outer/outer_step.h"

namespace starling::optim {
namespace {

// The slow weights s are those after the last exchange. With d = s - (x + change), what training
// and mixing have moved since (DiLoCo's outer gradient):
//   m <- momentum m + d;  s <- s - step_size (d + momentum m);  x <- s.
// Step size 1 without momentum takes the change as it is.
template <class Scalar>
class Nesterov final : public OuterStep<Scalar> {
 public:
  Nesterov(const Settings& settings, const typename OuterStep<Scalar>::Site& site)
      : vectors_(site.vectors),
        target_(site.target),
        slow_(vectors_.add("outer.slow_weights", {site.start.begin(), site.start.end()})),
        momentum_(vectors_.add("outer.momentum")),
        step_size_(static_cast<Scalar>(settings.real("step_size"))),
        share_(static_cast<Scalar>(settings.real("momentum"))) {}

  void apply(const Block& block, std::span<const Scalar> change) override {
    const auto x = at_block(vectors_.at(target_), block);
    const auto slow = at_block(vectors_.at(slow_), block);
    const auto momentum = at_block(vectors_.at(momentum_), block);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Scalar moved = slow[i] - (x[i] + change[i]);
      momentum[i] = share_ * momentum[i] + moved;
      slow[i] -= step_size_ * (moved + share_ * momentum[i]);
      x[i] = slow[i];
    }
  }

  void restart() override {
    vectors_.assign(slow_, vectors_.at(target_));
    vectors_.fill_zero(momentum_);
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId target_;
  VectorId slow_;
  VectorId momentum_;
  Scalar step_size_;
  Scalar share_;
};

constexpr Field fields[] = {
    real_field("step_size", {0, 2}, 0.7,
               "of what was moved since the last exchange, the share kept"),
    real_field("momentum", {0, 0.9999}, 0.9, "share of the last movement that stays")};

OuterTraits traits(const Settings& /*settings*/) {
  return {.adds_the_change = false};
}

}  // namespace

extern constinit const OuterEntry nesterov_step = make_entry<OuterEntry, Nesterov>(
    {.id = 1,
     .name = "nesterov",
     .meaning = "Nesterov momentum on what training and mixing have moved since the last exchange",
     .source = "DiLoCo, Douillard et al. 2023; its step size and momentum",
     .fields = fields},
    traits);

}  // namespace starling::optim
