#pragma once
// Whether neighbours are alive: SWIM's direct and indirect probes (Das, Gupta, Motivala 2002)
// with Lifeguard's local health (Dadgar, Phillips, Currey 2017): a node that misses many answers
// doubts itself first and gives its peers more time.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/effects.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::protocol {

struct FailureDetectorOptions {
  std::uint64_t seed = 0;
  double interval_scale = 1;  ///< Times every interval of limits.h; > 0.
};

class FailureDetector {
 public:
  explicit FailureDetector(FailureDetectorOptions options)
      : options_(options), rng_(options.seed) {}

  void neighbour_up(const NodeId& peer, Instant now);
  void neighbour_down(const NodeId& peer);

  /// The peer has sent something, whatever it is. A link so busy that an answer waits behind other
  /// bytes is not silent.
  void heard(const NodeId& peer, Instant now);
  void receive(const NodeId& from, const Ping& ping, Instant now, Effects& effects);
  void receive(const NodeId& from, const Pong& pong, Instant now, Effects& effects);
  void receive(const NodeId& from, const IndirectPing& ping, Instant now, Effects& effects);
  void receive(const NodeId& from, const IndirectPong& pong, Instant now, Effects& effects);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  /// Neighbours that answered no probe, direct or indirect, since the last call, and those that
  /// others still reach while our own link to them carries nothing any more. The owner hangs up on
  /// them, which brings neighbour_down.
  [[nodiscard]] std::vector<NodeId> take_dead();
  /// Smoothed; nothing before the first answer.
  [[nodiscard]] std::optional<Duration> round_trip(const NodeId& peer) const;
  /// 1 (healthy) to local_health_multiplier_max.
  [[nodiscard]] int local_health_multiplier() const { return health_; }

 private:
  enum class Phase { resting, pinged, asked_others, dead };
  struct Neighbour {
    Phase phase = Phase::resting;
    Instant deadline;  ///< resting: next ping; pinged and asked_others: time-out.
    Instant pinged_at;
    Instant heard_at;  ///< Anything at all.
    std::uint64_t nonce = 0;
    int misses = 0;          ///< Direct probes in a row that went unanswered.
    int helpers_silent = 0;  ///< Asked to probe, not heard of yet.
    std::optional<Duration> round_trip;
  };
  /// A probe on behalf of another node.
  struct Relay {
    NodeId requester;
    NodeId target;
    std::uint64_t requester_nonce = 0;
    Instant deadline;
  };

  void ping(const NodeId& peer, Neighbour& neighbour, Instant now, Effects& effects);
  void ask_others(const NodeId& peer, Neighbour& neighbour, Instant now, Effects& effects);
  void declare_dead(const NodeId& peer, Neighbour& neighbour);
  [[nodiscard]] static bool was_heard_since_ping(const Neighbour& neighbour);
  void note_alive(Neighbour& neighbour, Instant now);
  void note_health(int change);
  void expire_relays(Instant now, Effects& effects);
  [[nodiscard]] Duration patience(Duration interval) const;

  FailureDetectorOptions options_;
  Rng rng_;
  int health_ = 1;
  std::map<NodeId, Neighbour> neighbours_;
  std::map<std::uint64_t, Relay> relays_;  ///< By the nonce of our own ping.
  std::vector<NodeId> dead_;
};

}  // namespace starling::protocol
