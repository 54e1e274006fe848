#pragma once
// Whether others can dial this node, and where. Peers say at which address they see it; its router
// may have opened a port. Nothing of that is believed until a peer has dialled back: from another
// port than that of the link, so that no router lets it pass for an answer, and with a handshake
// that proves that it is this node which listens there.
//
// An address that is not this machine's own is told to others only if two peers of different
// networks have named it, or the router has; one peer alone may lie, and confirm its own lie.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/effects.h"
#include "protocol/overlay/path_kind.h"
#include "protocol/reject_reason.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

class OwnReach {
 public:
  /// listening: the addresses at which this machine listens, as in PeerRecord.
  OwnReach(std::string listening, double interval_scale)
      : listening_(std::move(listening)), interval_scale_(interval_scale) {}

  /// This machine is somewhere else now: nothing is known any more.
  void moved(std::string listening);
  /// The router has opened a port for us, or withdrawn it.
  void mapped(const std::string& address, bool is_up, Instant now);

  /// seen_at: the address of the peer's end, empty over a relay. The peer is told.
  void link_up(const NodeId& peer, const std::string& seen_at, Effects& effects);
  void link_down(const NodeId& peer);

  void receive(const NodeId& from, const ObservedAddress& observed, Instant now);
  /// Dials back for a peer, if it asks for an address of the machine that we see it on.
  void receive(const NodeId& from, const DialBackRequest& request, Instant now, Effects& effects);
  void receive(const NodeId& from, const DialBackReply& reply, Instant now);
  /// What became of a ProbeAddress effect.
  void probed(const NodeId& peer, std::uint64_t nonce, bool is_reached, Effects& effects);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  [[nodiscard]] Reach reach() const;
  /// What is told to others: proven addresses of routers, then this machine's own.
  [[nodiscard]] std::string announced() const;
  /// True once after announced() or reach() may have changed.
  [[nodiscard]] bool take_change() { return std::exchange(has_changed_, false); }

 private:
  struct Peer {
    std::string seen_at;
    Instant next_dial_back;  ///< It is not dialled back before that.
    Instant next_question;   ///< It is not asked to dial back before that.
    bool is_dialled_back = false;
  };
  struct Candidate {
    std::map<NodeId, std::string> witnesses = {};  ///< And the network that each is in.
    bool is_mapped = false;
    bool is_proven = false;
    bool has_failed = false;
    std::set<NodeId> asked = {};
    std::optional<NodeId> waits_for = {};
    std::uint64_t nonce = 0;
    Instant due;
  };
  using Candidates = std::map<std::string, Candidate>;

  [[nodiscard]] bool is_own(const std::string& address) const;
  [[nodiscard]] bool is_credible(const std::string& address, const Candidate& candidate) const;
  [[nodiscard]] std::optional<NodeId> next_prober(const Candidate& candidate) const;
  [[nodiscard]] Instant question_due(const Candidate& candidate) const;
  void note(Candidate& candidate, DialBackOutcome outcome, Instant now);
  void ask(const std::string& address, Candidate& candidate, Instant now, Effects& effects);

  std::string listening_;
  double interval_scale_;
  std::map<NodeId, Peer> peers_;  ///< Linked without a relay.
  Candidates candidates_;
  std::uint64_t nonces_ = 0;
  bool has_changed_ = false;
};

/// The host in "host:port", without brackets; empty if the text is none.
[[nodiscard]] std::string host_of(const std::string& address);
/// What one party is taken to own of an address: an IPv4 address' first 16 bits, an IPv6 address'
/// first 32.
[[nodiscard]] std::string network_of(const std::string& address);

}  // namespace starling::protocol
