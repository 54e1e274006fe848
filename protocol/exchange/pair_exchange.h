#pragma once
// Asynchronous pairwise exchange (PROTOCOL.md section 5): offer, accept or busy, both send, both
// mix the same two payloads, so the sum over the pair is conserved. One exchange at a time per
// node; nobody waits holding anything, so there is no deadlock: a busy peer says so and another one
// is asked.

#include <cstdint>
#include <optional>
#include <set>

#include "protocol/effects.h"
#include "protocol/exchange/edge_book.h"
#include "protocol/limits.h"
#include "protocol/wire/message.h"
#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::protocol {

/// Both payloads are here: to be mixed with weight 1/2.
struct PairMix {
  NodeId peer;
  std::uint64_t number = 0;
  SharedBytes own;
  SharedBytes theirs;
  Step peer_step = 0;
};

class PairExchange {
 public:
  struct Options {
    std::uint64_t seed = 0;
    Digest recipe;  ///< Payloads of another recipe are refused.
    Duration answer_time_max = std::chrono::seconds(2);
    Duration payload_time_max = limits::payload_time_max;
  };
  PairExchange(Options options, EdgeBook& edges)
      : options_(options), edges_(edges), rng_(options.seed) {}

  /// Offers an exchange to a random open edge that has not just been busy and has nothing to
  /// complete. False if there is none, or one is running.
  bool offer(Step step, Instant now, Effects& effects);

  /// Answers busy unless `willing`. Returns true if an exchange begins: encode now.
  [[nodiscard]] bool on_offer(const NodeId& peer, const ExchangeOffer& offer, bool willing,
                              Step step, Effects& effects);
  /// Returns true if our offer was taken: encode now.
  [[nodiscard]] bool on_accept(const NodeId& peer, const ExchangeAccept& accept, Effects& effects);
  void on_busy(const NodeId& peer, const ExchangeBusy& busy);

  /// What the steps between two exchanges take here: a peer may take longer by
  /// limits::slower_peer_factor before its silence counts.
  void set_compute_time(Duration time) { compute_time_ = time; }

  /// Our payload is ready; it is sent and retained. Only now does the peer owe us its own.
  [[nodiscard]] std::optional<PairMix> on_encoded(SharedBytes payload, Step step, Instant now,
                                                  Effects& effects);
  [[nodiscard]] std::optional<PairMix> on_payload(const NodeId& peer, Bulk&& bulk,
                                                  Effects& effects);

  /// A part of the peer's payload of exchange `number` has come.
  void on_progress(const NodeId& peer, std::uint64_t number, Instant now);

  void on_link_down(const NodeId& peer);
  [[nodiscard]] Instant next_deadline() const {
    return active_ ? active_->deadline : Instant::never();
  }
  /// Gives up an offer that was not answered, hangs up on a peer that owes a payload.
  void tick(Instant now, Effects& effects);

  [[nodiscard]] bool running() const { return active_.has_value(); }

 private:
  enum class Stage : std::uint8_t { offered, encoding, sent };
  struct Active {
    NodeId peer;
    std::uint64_t number = 0;
    Stage stage = Stage::offered;
    Instant deadline;  ///< never: we have to encode first.
    SharedBytes own;   ///< Kept here too: a peer that says hello again can empty the edge.
    std::optional<Bulk> theirs;
  };

  void begin(const NodeId& peer, std::uint64_t number, Stage stage, Instant deadline);
  [[nodiscard]] Duration patience() const {
    return options_.payload_time_max + limits::slower_peer_factor * compute_time_;
  }
  [[nodiscard]] std::optional<PairMix> mix_if_complete(Effects& effects);

  Options options_;
  EdgeBook& edges_;
  Rng rng_;
  std::optional<Active> active_;
  Duration compute_time_{0};
  std::set<NodeId> busy_;  ///< Asked since our last exchange, and busy.
};

}  // namespace starling::protocol
