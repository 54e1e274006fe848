#pragma once
// Synchronous rounds over the mixing graph: in round t every node sends its payload to each
// neighbour of that round and mixes when all of theirs are there. Weights are Metropolis-Hastings,
// w_ij = 1 / (1 + max(degree_i, degree_j)) (Xiao, Boyd, Lall 2005), from the degrees that both ends
// of an edge put beside their payloads; a neighbour that is gone gives its weight back to both
// ends.
//
// When does a new edge begin? Both ends must include it from the same round on, and neither may run
// past that round first. The end with the higher id says hello when it trains; the lower one then
// proposes a round and stops before it; the higher one answers with the later of that and its own
// next round, which is final.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/effects.h"
#include "protocol/exchange/edge_book.h"
#include "protocol/limits.h"
#include "protocol/wire/message.h"
#include "starling/instant.h"

namespace starling::protocol {

struct RoundMixPeer {
  NodeId peer;
  float weight = 0;
  SharedBytes payload;
};
struct RoundMix {
  std::uint64_t round = 0;
  SharedBytes own;
  std::vector<RoundMixPeer> peers;
};

class RoundExchange {
 public:
  struct Options {
    NodeId self;
    Digest recipe;
    /// A neighbour is dropped of whose payload nothing has come for so long.
    Duration round_time_max = limits::round_time_max;
  };
  RoundExchange(Options options, EdgeBook& edges) : options_(options), edges_(edges) {}

  /// Goes on after `last_round`.
  void resume(std::uint64_t last_round) { round_ = last_round; }
  /// A node that was away has fallen behind, and the neighbours wait for it in the first round of
  /// the new edges. If that is more than `rounds_max` ahead and no edge needs a round before it,
  /// goes on with it. Returns true if so. Call while no payload is computed and no round runs.
  bool skip_to_neighbours(std::uint64_t rounds_max);

  /// Both hellos of the link are through. first_free: the next round whose payload is not yet being
  /// computed; no edge can begin before it.
  void on_edge_open(const NodeId& peer, std::uint64_t first_free, Effects& effects);
  void on_round_open(const NodeId& peer, const RoundOpen& open, std::uint64_t first_free,
                     Effects& effects);
  /// Some edge has a first round that both ends know.
  [[nodiscard]] bool has_agreed_edge() const;
  /// Neighbours whose edge begins with `round`.
  [[nodiscard]] std::vector<NodeId> starting_at(std::uint64_t round) const;
  void on_link_down(const NodeId& peer);

  /// What a round's steps take here: a neighbour may take longer by limits::slower_peer_factor
  /// before its silence counts.
  void set_compute_time(Duration time) { compute_time_ = time; }

  /// Our payload of the next round. It is sent to the neighbours of that round.
  void on_encoded(SharedBytes payload, Step step, Instant now, Effects& effects);
  /// False if `bulk` belongs to no round that we are in or before.
  bool on_payload(const NodeId& peer, Bulk&& bulk, Effects& effects);

  /// A part of the neighbour's payload of round `number` has come.
  void on_progress(const NodeId& peer, std::uint64_t number, Instant now);

  /// The mixes that have become possible: broken rounds completed late, then the running round.
  [[nodiscard]] std::vector<RoundMix> take_mixes(Effects& effects);

  /// True between on_encoded and the round's mix.
  [[nodiscard]] bool running() const { return own_.has_value(); }
  [[nodiscard]] std::uint64_t round() const { return round_; }

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

 private:
  struct Neighbour {
    std::uint64_t start = 0;  ///< First round that includes the edge; 0: not agreed yet.
    bool is_agreed = false;   ///< Both ends know `start`.
    std::map<std::uint64_t, Bulk> payloads;  ///< Of this round and the next, by round.
    Instant patience_ends = {};              ///< Set by progress; before it it is not dropped.
  };
  /// Its payload of the running round is not there.
  [[nodiscard]] bool is_owing(const Neighbour& neighbour) const {
    return in_round(neighbour) && !neighbour.payloads.contains(round_);
  }
  [[nodiscard]] Instant deadline_of(const Neighbour& neighbour) const {
    return std::max(deadline_, neighbour.patience_ends);
  }
  [[nodiscard]] Duration patience() const {
    return options_.round_time_max + limits::slower_peer_factor * compute_time_;
  }
  [[nodiscard]] bool in_round(const Neighbour& neighbour) const {
    return neighbour.start != 0 && neighbour.start <= round_;
  }
  [[nodiscard]] bool complete() const;
  [[nodiscard]] RoundMix finish_round(Effects& effects);

  Options options_;
  EdgeBook& edges_;
  std::uint64_t round_ = 0;  ///< The running round, or the last one.
  std::optional<Bulk> own_;
  Instant deadline_ = Instant::never();
  Duration compute_time_{0};
  std::map<NodeId, Neighbour> neighbours_;
  std::vector<RoundMix> late_;
};

}  // namespace starling::protocol
