#pragma once
// Who a node's neighbours are: HyParView (Leitao, Pereira, Rodrigues 2007). A small active view of
// linked neighbours, a larger passive view of replacements, and an address book of everyone heard
// of, from which a node that has lost everyone, or half of the swarm, finds back.
//
// A link (an open session) is not a neighbour: it becomes one when both ends agree.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/effects.h"
#include "protocol/overlay/address_book.h"
#include "protocol/overlay/contact_list.h"
#include "protocol/reject_reason.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::protocol {

struct MembershipOptions {
  PeerRecord self;  ///< What is told to others; an empty address: nobody can dial this node.
  std::uint64_t seed = 0;
  double interval_scale = 1;  ///< Times every interval of limits.h; > 0.
  /// A fixed topology: exactly these peers become neighbours, whenever they are linked.
  std::optional<std::vector<PeerRecord>> pinned;
};

struct NeighbourChange {
  NodeId peer;
  bool up = false;
  CloseReason reason = CloseReason::normal;  ///< Why it went down.
};

class Membership {
 public:
  explicit Membership(MembershipOptions options);

  /// Begins to look for neighbours. contacts: ticket addresses and remembered peers, the best
  /// first; a zero NodeId accepts whoever answers there.
  void start(const std::vector<PeerRecord>& contacts, Instant now, Effects& effects);

  /// The owner reports each authenticated peer once, whatever the number of its sockets.
  /// peer.address: as dialled, or empty if the peer dialled us.
  void link_up(const PeerRecord& peer, bool dialled_by_us, Instant now, Effects& effects);
  void link_down(const NodeId& peer, CloseReason reason, Instant now, Effects& effects);
  /// record: as in the Dial effect.
  void dial_failed(const PeerRecord& record, Instant now, Effects& effects);

  /// A beacon of this run came from there. Dialled if neighbours are wanted; a zero NodeId only as
  /// long as there is none.
  void lan_contact(const PeerRecord& contact, Instant now, Effects& effects);

  /// What is told to others from now on.
  void set_self_address(std::string address) { options_.self.address = std::move(address); }
  /// The contact at `address` is this very node.
  void forget_contact(const std::string& address) { contacts_.remove(address); }

  [[nodiscard]] Handled receive(const NodeId& from, const Join& join, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const ForwardJoin& walk, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const NeighbourRequest& request, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const NeighbourReply& reply, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const LeaveView& leave, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const Shuffle& shuffle, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const ShuffleReply& reply);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  /// Says farewell to all neighbours; the owner closes the links afterwards.
  void leave(Effects& effects) const;

  /// While true, no link is given up or exchanged for another: a merge travels over those there
  /// are.
  void hold_links(bool hold) { holds_links_ = hold; }
  /// Adds to the address book. source: first_hand where the peer itself has signed it.
  void remember(const PeerRecord& record,
                AddressBook::Source source = AddressBook::Source::hearsay);

  /// What became of the neighbours since the last call, in order.
  [[nodiscard]] std::vector<NeighbourChange> take_changes();
  /// Ascending order of NodeId.
  [[nodiscard]] std::vector<NodeId> neighbours() const;
  [[nodiscard]] bool is_neighbour(const NodeId& peer) const;
  /// True while there is no neighbour at all; the address book is tried until there is.
  [[nodiscard]] bool isolated() const { return neighbour_count() == 0; }
  /// Where to dial any node ever heard of.
  [[nodiscard]] std::optional<PeerRecord> find(const NodeId& peer) const;
  [[nodiscard]] const AddressBook& address_book() const { return book_; }
  [[nodiscard]] const std::vector<PeerRecord>& passive_view() const { return passive_; }

 private:
  enum class Standing { stranger, asked, neighbour };
  struct Link {
    PeerRecord record;
    bool dialled_by_us = false;
    bool has_joined = false;  ///< Its Join was spread; once for each link, or it could flood.
    Standing standing = Standing::stranger;
    Instant expires;  ///< stranger: hang up; asked: no answer came. Unused for neighbours.
  };
  /// A dial under way and what to say once it succeeds.
  struct Greeting {
    Message greeting;
    Instant expires;
  };

  [[nodiscard]] std::size_t neighbour_count() const;
  [[nodiscard]] std::size_t courted_count() const;
  [[nodiscard]] bool mostly_dialled_by_others() const;
  [[nodiscard]] bool is_pinned(const NodeId& peer) const;
  [[nodiscard]] bool admits(const NodeId& peer, bool high_priority) const;
  [[nodiscard]] Duration scaled_interval(Duration interval) const;
  [[nodiscard]] std::vector<PeerRecord> candidates(Instant now) const;
  [[nodiscard]] std::optional<NodeId> random_neighbour(const std::vector<NodeId>& except);
  [[nodiscard]] std::vector<PeerRecord> shuffle_sample();

  void reach(const PeerRecord& peer, Message greeting, Instant now, Effects& effects);
  void dial(const PeerRecord& peer, PathKind path, Message greeting, Instant now, Effects& effects);
  [[nodiscard]] Message courtship(bool high_priority) const;
  void greet(const NodeId& peer, Message greeting, Instant now, Effects& effects);
  void court(const PeerRecord& peer, bool high_priority, Instant now, Effects& effects);
  void note_answer(const PeerRecord& peer, Instant now);
  void introduce(const PeerRecord& sender);
  void answer_request(const NodeId& from, bool high_priority, Instant now, Effects& effects);
  void promote(const NodeId& peer);
  void demote(const NodeId& peer, CloseReason reason);
  void make_room(Instant now, Effects& effects);
  bool drop_joined(Effects& effects);
  void learn(const PeerRecord& record);
  void learn_all(const std::vector<PeerRecord>& records);
  void drop_passive(const NodeId& peer);

  void refill(Instant now, Effects& effects);
  void dial_pinned(Instant now, Effects& effects);
  void yield_dialling(const NodeId& peer, Instant now);
  void shuffle(Instant now, Effects& effects);
  void rebalance(Instant now, Effects& effects);
  void probe(Instant now, Effects& effects);
  void expire_links(Instant now, Effects& effects);

  MembershipOptions options_;
  Rng rng_;
  AddressBook book_;
  ContactList contacts_;
  std::map<NodeId, Link> links_;
  std::map<NodeId, Greeting> dialling_;
  std::vector<PeerRecord> passive_;
  std::vector<NeighbourChange> changes_;
  bool holds_links_ = false;
  Instant refill_at_ = Instant::never();
  Instant shuffle_at_ = Instant::never();
  Instant probe_at_ = Instant::never();
};

}  // namespace starling::protocol
