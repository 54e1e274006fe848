#pragma once
// Push-sum over directed links that lose messages. Source: SGP (Assran et al. 2019) for the rule,
// Hadjicostis, Vaidya, Dominguez-Garcia 2016 for the running sums: a message holds all that was
// ever sent over its edge, so a lost one is made good by the next.

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "starling/ids.h"

namespace starling::optim {

/// A weighted sum: the estimate of the average is values / weight.
struct PushMass {
  std::vector<double> values;
  double weight = 0;
};

class PushSum {
 public:
  explicit PushSum(std::span<const double> values) : mass_{{values.begin(), values.end()}, 1.0} {}

  /// Sets `share` of the mass aside for every edge in `receivers`, keeps the rest.
  /// share * receivers.size() < 1.
  void push(std::span<const NodeId> receivers, double share);

  /// What to send: all that was ever set aside for this edge.
  [[nodiscard]] const PushMass& sent(const NodeId& receiver) const { return sent_.at(receiver); }

  /// Takes what is new in a sender's running sum, of the same length as ours. Of two messages the
  /// later must come last.
  void receive(const NodeId& sender, const PushMass& sum);

  [[nodiscard]] const PushMass& mass() const { return mass_; }
  [[nodiscard]] std::vector<double> estimate() const;

 private:
  [[nodiscard]] PushMass& running_sum(std::map<NodeId, PushMass>& sums, const NodeId& edge) const;

  PushMass mass_;
  std::map<NodeId, PushMass> sent_;
  std::map<NodeId, PushMass> heard_;
};

}  // namespace starling::optim
