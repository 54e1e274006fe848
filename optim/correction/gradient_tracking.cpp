#include "optim/correction/gradient_tracking.h"

#include <algorithm>
#include <utility>

namespace starling::optim {

template <class Scalar>
void GradientTracking<Scalar>::correct(std::span<Scalar> gradient) {
  if (std::exchange(exchanged_, false)) {
    std::ranges::fill(gradient_sum_, Scalar{0});
    gradients_ = 0;
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient_sum_[i] += gradient[i];
    gradient[i] += correction_[i];
  }
  ++gradients_;
}

template <class Scalar>
void GradientTracking<Scalar>::begin_exchange(std::span<Scalar> out) {
  const auto count = static_cast<Scalar>(std::max<std::uint64_t>(gradients_, 1));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = gradient_sum_[i] / count + correction_[i];
  exchanged_ = true;
}

template <class Scalar>
std::span<Scalar> GradientTracking<Scalar>::counter(const NodeId& edge) {
  return counters_.try_emplace(edge, correction_.size()).first->second;
}

template <class Scalar>
void GradientTracking<Scalar>::drop(const NodeId& edge) {
  const auto found = counters_.find(edge);
  if (found == counters_.end()) return;
  for (std::size_t i = 0; i < correction_.size(); ++i) correction_[i] -= found->second[i];
  counters_.erase(found);
}

template <class Scalar>
void GradientTracking<Scalar>::save(ByteWriter& out) const {
  out.put_all(std::span(correction_));
  out.put_all(std::span(gradient_sum_));
  out.put(gradients_);
  out.put(exchanged_);
  out.put_map(counters_);
}

template <class Scalar>
bool GradientTracking<Scalar>::load(ByteReader& in) {
  const std::size_t length = correction_.size();
  correction_ = in.get_all<Scalar>();
  gradient_sum_ = in.get_all<Scalar>();
  gradients_ = in.get<std::uint64_t>();
  exchanged_ = in.get<std::uint8_t>() != 0;
  counters_ = in.get_map<Scalar>(length);
  return in.ok() && correction_.size() == length && gradient_sum_.size() == length;
}

template class GradientTracking<float>;
template class GradientTracking<double>;

}  // namespace starling::optim
