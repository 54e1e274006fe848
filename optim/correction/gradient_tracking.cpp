#include <algorithm>

#include "optim/correction/correction.h"

namespace starling::optim {
namespace {

// Local gradient tracking (K-GT). Every step goes along g + c. With z = (mean g since the last
// exchange) + c, mixing z into c is c <- c - z + W z: the sum of c over all nodes stays zero, and
// with one step between exchanges g + c is the tracker y of gradient tracking.
template <class Scalar>
class GradientTracking final : public Correction<Scalar> {
 public:
  GradientTracking(const Settings& /*settings*/, const typename Correction<Scalar>::Site& site)
      : vectors_(site.vectors),
        correction_(vectors_.add("correction")),
        gradient_sum_(vectors_.add("gradient_sum")),
        tracker_(vectors_.add("tracker")),
        counters_(vectors_.add_per_edge("correction.counter")),
        gradients_(vectors_.add_number("gradients")),
        exchanged_(vectors_.add_number("gradients.exchanged")) {}

  // After an exchange the next step begins a new mean; until then z keeps the last one.
  void on_gradient(std::span<Scalar> gradient) override {
    if (vectors_.number(exchanged_) != 0) {
      vectors_.set_number(exchanged_, 0);
      vectors_.set_number(gradients_, 0);
      vectors_.fill_zero(gradient_sum_);
    }
    const auto sum = vectors_.at(gradient_sum_);
    const auto correction = vectors_.at(correction_);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      sum[i] += gradient[i];
      gradient[i] += correction[i];
    }
    vectors_.set_number(gradients_, vectors_.number(gradients_) + 1);
  }

  void before_encode() override {
    const auto count = static_cast<Scalar>(std::max<std::uint64_t>(vectors_.number(gradients_), 1));
    const auto sum = vectors_.at(gradient_sum_);
    const auto correction = vectors_.at(correction_);
    const auto tracker = vectors_.at(tracker_);
    for (std::size_t i = 0; i < tracker.size(); ++i) tracker[i] = sum[i] / count + correction[i];
    vectors_.set_number(exchanged_, 1);
  }

  [[nodiscard]] std::optional<ExtraLane> lane() const override {
    return ExtraLane{.source = tracker_, .target = correction_, .counters = counters_};
  }

  // The sum over the nodes that remain is zero again.
  void drop(const EdgeKey& edge) override {
    auto& counters = vectors_.per_edge(counters_);
    const auto found = counters.find(edge);
    if (found == counters.end()) return;
    const auto correction = vectors_.at(correction_);
    for (std::size_t i = 0; i < correction.size(); ++i) correction[i] -= found->second[i];
    counters.erase(found);
  }

  void restart() override {
    for (const VectorId vector : {correction_, gradient_sum_, tracker_}) vectors_.fill_zero(vector);
    vectors_.per_edge(counters_).clear();
    vectors_.set_number(gradients_, 0);
    vectors_.set_number(exchanged_, 0);
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId correction_;    // c
  VectorId gradient_sum_;  // since the last exchange
  VectorId tracker_;       // z
  EdgeVectorsId counters_;
  NumberId gradients_;
  NumberId exchanged_;
};

CorrectionTraits traits(const Settings& /*settings*/) {
  return {.needs_linear_mixer = true, .needs_conserved_sum = true};
}

}  // namespace

extern constinit const CorrectionEntry gradient_tracking =
    make_entry<CorrectionEntry, GradientTracking>(
        {.id = 1,
         .name = "gradient_tracking",
         .meaning = "steps along an estimate of all nodes' mean gradient, kept by a second lane",
         .source = "DIGing, Nedic et al. 2017; with local steps K-GT, Liu et al. 2023"},
        traits);

}  // namespace starling::optim
