#pragma once
// How peers are reached. Whoever wants a link names the peer; the path book tries one path after
// the other (path_kind.h) until one leads there: it dials, has the peer dial us, has both dial at
// once through their routers, and at last goes over a member that both are linked with. A path that
// takes its time is not waited for: the next one begins beside it, and the better one stays.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/effects.h"
#include "protocol/limits.h"
#include "protocol/overlay/path_kind.h"
#include "protocol/reject_reason.h"
#include "protocol/token_bucket.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

class PathBook {
 public:
  PathBook(const NodeId& self, double interval_scale)
      : self_(self), interval_scale_(interval_scale) {}

  /// Whether others can dial this node: asking them to is pointless otherwise.
  void set_own_reach(Reach reach) { own_reach_ = reach; }
  /// This machine is somewhere else now: what failed before may work, and the other way round.
  void moved() { memory_.clear(); }

  /// A link with this peer is wanted. Nothing happens if it is sought already. first: direct or
  /// lan. reach: what the peer says of itself.
  void want(const PeerRecord& peer, PathKind first, Reach reach, Instant now, Effects& effects);
  /// seen_at: the address of the peer's end, empty over a relay.
  void link_up(const NodeId& peer, PathKind path, const std::string& seen_at, Instant now);
  void link_down(const NodeId& peer);
  /// A Dial effect has failed.
  void failed(const NodeId& peer, PathKind path, Instant now, Effects& effects);

  /// known: where the message's origin says that it can be dialled, if it ever has.
  [[nodiscard]] Handled receive(const NodeId& from, const Rendezvous& message,
                                const std::string& known, Instant now, Effects& effects);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);

  /// Of a peer that is linked after a dial of its own, because we asked for it; otherwise direct.
  [[nodiscard]] PathKind path_of_accepted(const NodeId& peer) const;
  /// Peers linked over a relay for which a better path should be sought again now.
  [[nodiscard]] std::vector<NodeId> take_upgrades(Instant now);
  /// Those sought in vain since the last call, each told once.
  [[nodiscard]] std::vector<PeerRecord> take_given_up();
  [[nodiscard]] bool is_sought(const NodeId& peer) const { return searches_.contains(peer); }

 private:
  struct Link {
    PathKind path = PathKind::direct;
    std::string seen_at;
    TokenBucket rendezvous{limits::rendezvous_per_second_max};  ///< That are passed on for it.
  };
  /// What became of one kind of path to a peer.
  struct Attempts {
    int failures = 0;
    Instant retry_at;
  };
  using Memory = std::array<Attempts, path_kind_names.size()>;

  struct Search {
    PeerRecord peer;
    PathKind stage = PathKind::unknown;
    Reach reach = Reach::unknown;
    bool is_upgrade = false;  ///< There is a relayed link; a better path is sought.
    Instant next_stage_at;
    std::vector<NodeId> helpers = {};  ///< Not asked yet in this stage.
    std::optional<NodeId> helper = {};
    bool is_reversal_asked = false;
    std::optional<NodeId> willing = {};  ///< Has passed something on, so that it has a link there.
    Instant asked_at = {};
    std::string punch_at = {};  ///< The peer's address, once it has answered.
    Instant punch_due = Instant::never();
  };
  /// Others' wish that we dial them, answered to over `via`.
  struct Promise {
    NodeId via;
    std::string address;
    bool is_punch = false;
    Instant expires;
  };

  using Searches = std::map<NodeId, Search>;

  void next_stage(Searches::iterator at, Instant now, Effects& effects);
  [[nodiscard]] bool begin(Search& search, PathKind stage, Instant now, Effects& effects);
  [[nodiscard]] bool ask_next(Search& search, Instant now, Effects& effects);
  [[nodiscard]] bool is_due(const NodeId& peer, PathKind path, Instant now) const;
  [[nodiscard]] std::vector<NodeId> helpers_for(const Search& search) const;
  void note_failure(const NodeId& peer, PathKind path, Instant now);
  void note_success(const NodeId& peer, PathKind path);
  void pass_on(const NodeId& from, const Rendezvous& message, Instant now, Effects& effects);
  void on_request(const NodeId& from, const Rendezvous& message, const std::string& known,
                  Instant now, Effects& effects);
  void on_answer(const NodeId& from, const Rendezvous& message, Instant now, Effects& effects);
  void refuse(const NodeId& via, const NodeId& origin, Effects& effects) const;
  [[nodiscard]] Duration patience(Duration time) const;

  NodeId self_;
  double interval_scale_;
  Reach own_reach_ = Reach::unknown;
  std::map<NodeId, Link> links_;
  std::map<NodeId, Memory> memory_;
  Searches searches_;
  std::map<NodeId, Promise> promises_;
  std::map<NodeId, Instant> upgrades_;  ///< Relayed links: when a better path is sought.
  std::map<NodeId, int> upgrades_tried_;
  std::vector<PeerRecord> given_up_;
};

}  // namespace starling::protocol
