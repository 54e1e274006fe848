#pragma once
// How the roster of a merge spreads: its proposer broadcasts the digest, and everyone fetches the
// content from the neighbour that brought the word, who passes it on once it is there itself.

#include <optional>
#include <set>

#include "protocol/effects.h"
#include "protocol/merge/roster.h"
#include "protocol/shared_bytes.h"
#include "protocol/wire/announcement.h"
#include "starling/instant.h"

namespace starling::protocol {

class RosterExchange {
 public:
  struct Options {
    Digest merge;
    Duration fetch_time = std::chrono::seconds(4);  ///< Then another neighbour is asked.
  };
  RosterExchange() = default;
  explicit RosterExchange(Options options) : options_(options) {}

  /// As the proposer: the word to broadcast.
  [[nodiscard]] MergeRoster offer(const Roster& roster, Effects& effects);
  /// The proposer's word, and the neighbour that brought it.
  void hear(const MergeRoster& word, const std::optional<NodeId>& from, Instant now,
            Effects& effects);
  void on_request(const NodeId& peer, Effects& effects);
  /// Nothing unless these are the bytes that the word names, and a roster.
  [[nodiscard]] std::optional<Roster> take(SharedBytes content, Effects& effects);

  [[nodiscard]] bool is_wanted() const { return word_ && content_.empty(); }
  [[nodiscard]] Instant next_deadline() const { return is_wanted() ? ask_at_ : Instant::never(); }
  void tick(const std::set<NodeId>& linked, Instant now, Effects& effects);

 private:
  void send(const NodeId& peer, Effects& effects) const;

  Options options_;
  std::optional<MergeRoster> word_;
  SharedBytes content_;
  std::set<NodeId> askers_;
  NodeId asked_;
  Instant ask_at_ = Instant::never();
};

}  // namespace starling::protocol
