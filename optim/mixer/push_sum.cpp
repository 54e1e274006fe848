#include "optim/mixer/push_sum.h"

namespace starling::optim {
namespace {

void add(PushMass& to, const PushMass& from, double factor) {
  for (std::size_t i = 0; i < to.values.size(); ++i) to.values[i] += factor * from.values[i];
  to.weight += factor * from.weight;
}

}  // namespace

void PushSum::push(std::span<const NodeId> receivers, double share) {
  const PushMass before = mass_;
  for (const NodeId& receiver : receivers) {
    add(running_sum(sent_, receiver), before, share);
    add(mass_, before, -share);
  }
}

void PushSum::receive(const NodeId& sender, const PushMass& sum) {
  PushMass& heard = running_sum(heard_, sender);
  add(mass_, sum, 1.0);
  add(mass_, heard, -1.0);
  heard = sum;
}

PushMass& PushSum::running_sum(std::map<NodeId, PushMass>& sums, const NodeId& edge) const {
  const PushMass nothing{std::vector<double>(mass_.values.size()), 0.0};
  return sums.try_emplace(edge, nothing).first->second;
}

std::vector<double> PushSum::estimate() const {
  std::vector<double> estimate = mass_.values;
  for (double& value : estimate) value /= mass_.weight;
  return estimate;
}

}  // namespace starling::optim
