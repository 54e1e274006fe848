#include "optim/memory/lane_memory.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace starling::optim {

template <class Scalar>
LaneMemory<Scalar>::LaneMemory(MemoryKind kind, std::span<const Scalar> start) : kind_(kind) {
  if (kind_ == MemoryKind::error_feedback) own_.assign(start.size(), Scalar{0});
  if (kind_ == MemoryKind::reference || kind_ == MemoryKind::hat_copy) {
    own_.assign(start.begin(), start.end());
  }
  if (kind_ == MemoryKind::hat_copy) start_ = own_;
}

template <class Scalar>
void LaneMemory<Scalar>::pending(std::span<const Scalar> values, std::size_t offset,
                                 std::span<Scalar> out) const {
  const Scalar* own = own_.data() + offset;
  if (kind_ == MemoryKind::reference || kind_ == MemoryKind::hat_copy) {
    std::transform(values.begin(), values.end(), own, out.begin(), std::minus{});
  } else if (kind_ == MemoryKind::error_feedback) {
    std::transform(values.begin(), values.end(), own, out.begin(), std::plus{});
  } else {
    std::ranges::copy(values, out.begin());
  }
}

template <class Scalar>
void LaneMemory<Scalar>::settle(std::span<const Scalar> pending, std::span<const Scalar> decoded,
                                std::size_t offset) {
  Scalar* own = own_.data() + offset;
  if (kind_ == MemoryKind::hat_copy) {
    std::transform(decoded.begin(), decoded.end(), own, own, std::plus{});
  } else if (kind_ == MemoryKind::error_feedback) {
    std::transform(pending.begin(), pending.end(), decoded.begin(), own, std::minus{});
  }
}

template <class Scalar>
std::span<Scalar> LaneMemory<Scalar>::neighbour_hat(const NodeId& edge) {
  return neighbours_.try_emplace(edge, start_).first->second;
}

template <class Scalar>
void LaneMemory<Scalar>::set_neighbour_hat(const NodeId& edge, std::vector<Scalar> hat) {
  neighbours_.insert_or_assign(edge, std::move(hat));
}

template <class Scalar>
void LaneMemory<Scalar>::restart(std::span<const Scalar> values) {
  if (kind_ == MemoryKind::hat_copy) own_.assign(values.begin(), values.end());
  if (kind_ == MemoryKind::error_feedback) std::ranges::fill(own_, Scalar{0});
  start_.clear();
  neighbours_.clear();
}

template <class Scalar>
void LaneMemory<Scalar>::save(ByteWriter& out) const {
  out.put_all(std::span(own_));
  out.put_all(std::span(start_));
  out.put_map(neighbours_);
}

template <class Scalar>
bool LaneMemory<Scalar>::load(ByteReader& in) {
  const std::size_t length = own_.size();
  own_ = in.get_all<Scalar>();
  start_ = in.get_all<Scalar>();
  neighbours_ = in.get_map<Scalar>(length);
  return in.ok() && own_.size() == length && (!has_start() || start_.size() == length);
}

template class LaneMemory<float>;
template class LaneMemory<double>;

}  // namespace starling::optim
