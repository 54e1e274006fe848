#pragma once
// Two processes with one node's key, most often a directory that was copied to a second machine:
// the one that began later stops, and nobody else is disturbed
// (docs/adr/0020-the-copy-that-began-later-stops.md). What it needs to tell a copy from a node that
// was restarted is a word of the other process that names this one: what a process said before it
// died cannot.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/effects.h"
#include "protocol/wire/announcement.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

struct IdentityWatchOptions {
  NodeId self;
  std::uint64_t incarnation = 0;
  double interval_scale = 1;  ///< Times every interval; > 0.
};

/// What is to become of a second process that asks for a link under a linked peer's id.
struct NewcomerVerdict {
  NodeId peer;
  std::uint64_t incarnation = 0;
  bool is_admitted = false;  ///< In place of the older link.
  Bytes proof;               ///< Else: signed by the peer's key, names this incarnation as later.
};

class IdentityWatch {
 public:
  explicit IdentityWatch(IdentityWatchOptions options) : options_(options) {}

  /// A second process of a linked peer asks for a link: the first one is asked whether it lives.
  void newcomer(const NodeId& peer, std::uint64_t incarnation, Instant now, Effects& effects);
  /// The link to the first process has ended.
  void link_down(const NodeId& peer);
  /// The answer of a process to a challenge that we sent it. Error: not its presence.
  [[nodiscard]] Handled answered(const NodeId& from, const SignedAnnouncement& answer, Bytes bytes);

  /// A presence signed with our own key, from wherever. True: another process of this node began
  /// earlier, and knows of us: this one has to stop.
  [[nodiscard]] bool is_outranked_by(const Presence& other) const {
    return other.rival == options_.incarnation && other.incarnation < options_.incarnation;
  }
  /// True if such a presence asks for a word from us: its process began later, if it lives.
  [[nodiscard]] bool outranks(const Presence& other) const {
    return options_.incarnation < other.incarnation;
  }

  [[nodiscard]] std::vector<NewcomerVerdict> take_verdicts();
  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now);

 private:
  struct Newcomer {
    std::uint64_t incarnation = 0;
    Instant deadline;
  };

  IdentityWatchOptions options_;
  std::map<NodeId, Newcomer> newcomers_;  ///< At most one for each link.
  std::vector<NewcomerVerdict> verdicts_;
};

}  // namespace starling::protocol
