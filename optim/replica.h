#pragma once
// One node's training state under a first-order recipe: named vectors, and the parts that change
// them. Pure computation. No part is named here:
//
//   local step   oracle -> correction.on_gradient -> inner step
//   outbound     correction.before_encode -> each lane: memory -> codec
//   inbound      each lane: codec, once for each payload -> memory -> mixer -> outer step

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "optim/layout.h"
#include "optim/oracle/oracle.h"
#include "optim/recipe.h"
#include "optim/vectors.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::optim {

struct WeightedPayload {
  EdgeKey edge;
  float weight = 0;
  ByteSpan payload;
};

/// Scalar: float in the product (Replica); double for numeric checks below float's precision.
template <class Scalar>
class BasicReplica {
 public:
  /// recipe: a gossip one. parameters: length P, the common starting point. seed: stochastic
  /// rounding only. segments: of the parameters, if they are known.
  BasicReplica(const Recipe& recipe, std::vector<Scalar> parameters, std::uint64_t seed,
               Step steps_total, std::span<const Segment> segments = {});
  ~BasicReplica();
  BasicReplica(BasicReplica&&) noexcept;
  BasicReplica& operator=(BasicReplica&&) noexcept;

  /// One local step of the inner rule along the corrected direction. Returns the loss.
  double local_step(Step step, const Objective<Scalar>& objective);

  /// All lanes, ready to send: the payload that both ends decode. Changes own memory (hat copies).
  [[nodiscard]] Bytes encode();

  /// Mixes every lane, with the linear mixers x += gamma * sum_j w_j (D_j - D_own). Returns the
  /// edges whose payload was refused; those take no part and change nothing:
  ///  - of another size or form, or not finite;
  ///  - memories that copy peers: not the next in sequence, which lasts until a resync_payload() of
  ///    that edge is among `peers` (it sets the copy, then mixes with its weight like any other; 0
  ///    only sets);
  ///  - other memories, codecs that draw from the shared key: of another step than `own`.
  /// `own`: what encode() returned for this exchange, of copied peers the latest. If it is not
  /// finite (training has diverged), every edge is returned.
  [[nodiscard]] std::vector<EdgeKey> mix(ByteSpan own, std::span<const WeightedPayload> peers);

  /// Takes the resync_payload() of a new neighbour: its copies. False: refused, nothing has
  /// changed.
  [[nodiscard]] bool resync(const EdgeKey& edge, ByteSpan payload);

  /// Dense copies of what a neighbour must hold of us; empty for memories that copy no peers. A new
  /// neighbour needs it once anybody has encoded: copies start from the common parameters.
  [[nodiscard]] Bytes resync_payload() const;

  /// Takes everything that came over this edge out of the correction (its counters), and forgets
  /// it.
  void drop_edge(const EdgeKey& edge);

  [[nodiscard]] std::span<const Scalar> parameters() const;
  /// Restarts all parts. With copies of peers every edge needs a resync afterwards, in both
  /// directions.
  void set_parameters(std::span<const Scalar> parameters);
  /// The same in place: `write` is given the parameters, to be overwritten.
  void set_parameters(const std::function<void(std::span<Scalar>)>& write);
  /// Training has stopped: gives the room of gradient and inner step back. Mixing goes on as
  /// before; a further local step takes room anew, and begins as the first one did.
  void release_working_memory();
  /// The target of the correction's lane, whose sum over all nodes is zero; else empty.
  [[nodiscard]] std::span<const Scalar> correction() const;
  /// Edge by edge, what it is made of; the neighbour holds the exact opposite. Empty like it.
  [[nodiscard]] const std::map<EdgeKey, std::vector<Scalar>>& counters() const;
  [[nodiscard]] std::size_t payload_bytes_max() const;

  /// Cumulative change of x that linear mixers made of each edge, in double; kept only after
  /// watch_flows().
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
