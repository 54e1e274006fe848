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
template <class Scalar>
using BasicGradientOracle =
    std::function<double(std::span<const Scalar> parameters, std::span<Scalar> out)>;

/// Opaque name of a neighbour; the replica never learns more about it.
using EdgeKey = NodeId;

struct WeightedPayload {
  EdgeKey edge;
  float weight = 0;
  ByteSpan payload;
};

/// Scalar: float in the product (Replica); double for numeric checks below float's precision.
template <class Scalar>
class BasicReplica {
 public:
  /// parameters: length P, the common starting point. seed: stochastic rounding only.
  BasicReplica(const Recipe& recipe, std::vector<Scalar> parameters, std::uint64_t seed,
               Step steps_total);
  ~BasicReplica();
  BasicReplica(BasicReplica&&) noexcept;
  BasicReplica& operator=(BasicReplica&&) noexcept;

  /// One local step of the inner rule along the corrected gradient. Returns the loss.
  double local_step(Step step, const BasicGradientOracle<Scalar>& oracle);

  /// All lanes, ready to send: the payload that both ends decode. Changes own memory (hat copies).
  [[nodiscard]] Bytes encode();

  /// x += gamma * sum_j w_j (D_j - D_own) on every lane. Returns the edges whose payload was
  /// refused; those take no part and change nothing:
  ///  - of another size or form, or not finite;
  ///  - hat copies: not the next in sequence, which lasts until a resync_payload() of that edge is
  ///    among `peers` (it sets the hat, then mixes with its weight like any other; 0 only sets);
  ///  - random_k without hats: of another step than `own`.
  /// `own`: what encode() returned for this exchange, of hat copies the latest. If it is not finite
  /// (training has diverged), every edge is returned.
  [[nodiscard]] std::vector<EdgeKey> mix(ByteSpan own, std::span<const WeightedPayload> peers);

  /// Takes the resync_payload() of a new neighbour: its hats. False: refused, nothing has changed.
  [[nodiscard]] bool resync(const EdgeKey& edge, ByteSpan payload);

  /// Dense copies of what a neighbour must hold of us (hat-copy memory); empty for other memories.
  /// A new neighbour needs it once anybody has encoded: hats start from the common parameters.
  [[nodiscard]] Bytes resync_payload() const;

  /// Takes everything that came over this edge out of the correction (its counters), and forgets
  /// it.
  void drop_edge(const EdgeKey& edge);

  [[nodiscard]] std::span<const Scalar> parameters() const;
  /// Restarts inner state and lanes. With hat copies every edge needs a resync afterwards, in both
  /// directions.
  void set_parameters(std::span<const Scalar> parameters);
  /// The same in place: `write` is given the parameters, to be overwritten.
  void set_parameters(const std::function<void(std::span<Scalar>)>& write);
  /// Training is over for now: gives the room of gradient and momentum back. Mixing goes on as
  /// before; a further local step takes room anew, and begins with momentum zero.
  void release_working_memory();
  /// c of local gradient tracking; else empty.
  [[nodiscard]] std::span<const Scalar> correction() const;
  /// Edge by edge, what c is made of; the neighbour holds the exact opposite. Empty like c.
  [[nodiscard]] const std::map<EdgeKey, std::vector<Scalar>>& counters() const;
  [[nodiscard]] std::size_t payload_bytes_max() const;

  /// Cumulative change of x that came over each edge, in double; kept only after watch_flows().
  void watch_flows();
  [[nodiscard]] const std::map<EdgeKey, std::vector<double>>& flows() const;

  /// Everything, to go on bit for bit.
  [[nodiscard]] Bytes save() const;
  /// Error: not saved by a replica of this recipe and length; nothing has changed then.
  [[nodiscard]] Result<void> load(ByteSpan state);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template class BasicReplica<float>;
extern template class BasicReplica<double>;
using Replica = BasicReplica<float>;

}  // namespace starling::optim
