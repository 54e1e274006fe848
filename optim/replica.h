#pragma once
// One node's training state under a first-order recipe: parameters, inner rule, lanes (codec +
// memory + mixer), correction. Pure computation; every rule and its source is in LEARNING.md
// section 2.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "optim/recipe.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::optim {

/// Writes the gradient at `parameters` into `out`, returns the loss.
using GradientOracle =
    std::function<double(std::span<const float> parameters, std::span<float> out)>;

/// Opaque name of a neighbour; the replica never learns more about it.
using EdgeKey = NodeId;

struct WeightedPayload {
  EdgeKey edge;
  float weight = 0;
  ByteSpan payload;
};

class Replica {
 public:
  /// parameters: length P, the common starting point. seed: stochastic rounding only.
  Replica(const Recipe& recipe, std::vector<float> parameters, std::uint64_t seed,
          Step steps_total);
  ~Replica();
  Replica(Replica&&) noexcept;
  Replica& operator=(Replica&&) noexcept;

  /// One local step of the inner rule along the corrected gradient. Returns the loss.
  double local_step(Step step, const GradientOracle& oracle);

  /// All lanes, ready to send: the payload that both ends decode. Changes own memory (hat copies).
  [[nodiscard]] Bytes encode();

  /// x += gamma * sum_j w_j (D_j - D_own) on every lane. Returns the edges whose payload was
  /// refused (size, NaN, infinity); those take no part. `own`: what encode() returned for this
  /// exchange.
  [[nodiscard]] std::vector<EdgeKey> mix(ByteSpan own, std::span<const WeightedPayload> peers);

  /// Dense copies of what a neighbour must hold of us (hat-copy memory); empty for other memories.
  [[nodiscard]] Bytes resync_payload() const;

  /// Takes everything that came over this edge out of the correction (its counters), and forgets
  /// it.
  void drop_edge(const EdgeKey& edge);

  [[nodiscard]] std::span<const float> parameters() const;
  void set_parameters(std::span<const float> parameters);  ///< Restarts inner state and lanes.
  [[nodiscard]] std::span<const float> correction()
      const;  ///< c of local gradient tracking; else empty.
  [[nodiscard]] std::size_t payload_bytes_max() const;

  /// Cumulative change of x that came over each edge, in double; kept only after watch_flows().
  void watch_flows();
  [[nodiscard]] const std::map<EdgeKey, std::vector<double>>& flows() const;

  [[nodiscard]] Bytes save() const;
  [[nodiscard]] Result<void> load(ByteSpan state);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace starling::optim
