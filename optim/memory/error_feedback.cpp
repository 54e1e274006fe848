#include <algorithm>
#include <functional>

#include "optim/memory/memory.h"

namespace starling::optim {
namespace {

template <class Scalar>
class ErrorFeedback final : public Memory<Scalar> {
 public:
  ErrorFeedback(const Settings& /*settings*/, const typename Memory<Scalar>::Site& site)
      : vectors_(site.vectors), residual_(vectors_.add(site.lane + ".residual")) {}

  void before_encode(const Block& block, std::span<const Scalar> values,
                     std::span<Scalar> out) const override {
    std::ranges::transform(values, at_block(vectors_.at(residual_), block), out.begin(),
                           std::plus{});
  }

  void after_encode(const Block& block, std::span<const Scalar> sent,
                    std::span<const Scalar> decoded) override {
    std::ranges::transform(sent, decoded, at_block(vectors_.at(residual_), block).begin(),
                           std::minus{});
  }

  void restart(std::span<const Scalar> /*values*/) override { vectors_.fill_zero(residual_); }

 private:
  Vectors<Scalar>& vectors_;
  VectorId residual_;
};

MemoryTraits traits(const Settings& /*settings*/) {
  return {.learns_from_sending = true, .needs_bounded_codec = true};
}

}  // namespace

extern constinit const MemoryEntry error_feedback_memory = make_entry<MemoryEntry, ErrorFeedback>(
    {.id = 3,
     .name = "error_feedback",
     .meaning = "sends the vector and what the codec has lost of it before",
     .source = "EF14, Seide et al. 2014"},
    traits);

}  // namespace starling::optim
