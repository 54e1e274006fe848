#pragma once
// The set of votes, kept equal everywhere: exact de-duplication by (author, packet), a version
// vector, and anti-entropy that fetches what a neighbour has and this node lacks (LEDGER.md).

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/effects.h"
#include "protocol/ledger/vote_requests.h"
#include "protocol/limits.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/announcement.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::protocol {

struct LedgerSyncOptions {
  std::uint64_t seed = 0;
  double interval_scale = 1;  ///< Times every interval of limits.h; > 0.
  std::size_t store_bytes_max = limits::vote_store_bytes_max;
};

/// A packet whose bytes are at hand.
struct HeldPacket {
  NodeId author;
  std::uint64_t packet = 0;
  ByteSpan signed_bytes;  ///< Valid until the ledger changes.
};

/// True if a packet's votes count for nothing: evaluated on a replica more than `window` (the
/// recipe's votes.window_steps) behind. Decided from the packet alone, so that all replicas agree.
[[nodiscard]] constexpr bool is_void(const VotePacket& packet, Step window) {
  // Written without a sum that could wrap.
  return packet.step > packet.replica_step && packet.step - packet.replica_step > window;
}

/// What became of a packet offered to the ledger.
enum class VoteInsertion {
  stored,         ///< New: apply it (unless is_void).
  duplicate,      ///< Held already, byte for byte.
  conflict,       ///< The author signed two packets with this number; the first is kept.
  too_frequent,   ///< More than vote_packets_per_step_max packets a step: refused everywhere.
  too_far_ahead,  ///< Beyond vote_packets_ahead_max; anti-entropy will bring it in order.
  too_many_authors,
  voided,  ///< The author is proven to equivocate at this number or before it.
};

/// What a proof of equivocation takes out of the ledger.
struct Voided {
  /// Number and signed bytes of the packets that were at hand, ascending.
  std::map<std::uint64_t, Bytes> packets;
  /// False: others have been counted whose bytes are not at hand, so that nobody here can take
  /// them out of the sum.
  bool is_complete = true;
};

class LedgerSync {
 public:
  explicit LedgerSync(LedgerSyncOptions options)
      : options_(options), rng_(options.seed), requests_(options.interval_scale) {}

  void neighbour_up(const NodeId& peer, Instant now, Effects& effects);
  void neighbour_down(const NodeId& peer);

  /// Offers a packet whose signature was verified. signed_bytes: as the author broadcast them.
  [[nodiscard]] VoteInsertion insert(const NodeId& author, const VotePacket& packet,
                                     Bytes signed_bytes);
  /// Voids an author's packets from the proof's number on, those that are to come too. proof: as
  /// opened and verified; signed_bytes: its own. Nothing if that was known already.
  [[nodiscard]] std::optional<Voided> convict(const EquivocationProof& proof, Bytes signed_bytes);
  /// From which number on an author's packets are void; nothing if all may count.
  [[nodiscard]] std::optional<std::uint64_t> voided_from(const NodeId& author) const;
  [[nodiscard]] std::size_t convicted() const { return convicted_; }
  /// The bytes of a packet, if they are at hand.
  [[nodiscard]] const Bytes* find(const NodeId& author, std::uint64_t packet) const;
  /// Forgets whatever is counted without its bytes: the ledger is what is at hand, and the rest is
  /// fetched like anything that is missing.
  void begin_anew();
  /// Counts packets as held that are contained in an adopted snapshot, without their bytes.
  void adopt(const std::vector<VoteCount>& counts);

  [[nodiscard]] Handled receive(const NodeId& from, const VoteVector& vector, Instant now,
                                Effects& effects);
  [[nodiscard]] Handled receive(const NodeId& from, const VoteRangeRequest& request,
                                Effects& effects) const;
  /// To be called after the packets of a VoteRange were verified and inserted: asks for more.
  void range_inserted(const NodeId& from, Instant now, Effects& effects);

  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, Effects& effects);
  /// Anti-entropy at once with every neighbour that differs, not only one at the next interval.
  void sync_now(Effects& effects);

  /// Asks nobody for anything until fetch_from(); what is under way goes on.
  void pause_fetching() { sources_.emplace(); }
  /// From now on asks these neighbours for what is missing; nullopt, as at first: all of them.
  void fetch_from(std::optional<std::set<NodeId>> sources, Instant now, Effects& effects);
  /// Asks `peer` for one range, the longest it has for us. False: it has none.
  bool fetch_one_from(const NodeId& peer, Instant now, Effects& effects);

  /// Asks `peer` for packets that are held here already, some at each call and all in the end: two
  /// packets under one number show themselves when both are offered to insert().
  void compare_with(const NodeId& peer, Instant now, Effects& effects);

  [[nodiscard]] std::vector<NodeId> neighbours() const;
  /// The highest count of an author, and of each author, that a neighbour has told.
  [[nodiscard]] std::uint64_t told_of(const NodeId& author) const;
  [[nodiscard]] std::vector<VoteCount> told() const;
  /// True if some of `peers` has told of all packets below these counts.
  [[nodiscard]] bool is_told_by(const std::set<NodeId>& peers,
                                const std::vector<VoteCount>& counts) const;
  /// Counted here, at hand or not.
  [[nodiscard]] std::uint64_t packets_held() const;
  /// True if all packets below these counts are held.
  [[nodiscard]] bool contains(const std::vector<VoteCount>& counts) const;
  /// Something has been asked for, and may still come.
  [[nodiscard]] bool is_fetching(Instant now) const { return requests_.are_open(now); }
  /// Packets not held: of these counts, or of all that neighbours have.
  [[nodiscard]] std::uint64_t packets_missing(const std::vector<VoteCount>& counts) const;
  [[nodiscard]] std::uint64_t packets_missing() const { return packets_missing(told()); }
  /// The packets at hand that are not below these counts, ascending by author and number.
  [[nodiscard]] std::vector<HeldPacket> held_beyond(const std::vector<VoteCount>& counts) const;
  /// Every packet ever counted is at hand: neighbours can fetch the whole ledger here.
  [[nodiscard]] bool is_whole() const { return is_whole_; }

  /// Ascending order of author; authors without a packet are left out.
  [[nodiscard]] std::vector<VoteCount> version_vector() const;
  /// Names the version vector and what is void, whatever the order of arrival: equal digests, equal
  /// vectors.
  [[nodiscard]] const Digest& digest() const { return digest_; }
  /// True if every neighbour's last digest equals ours, and there is a neighbour.
  [[nodiscard]] bool agrees_with_neighbours() const;
  /// Every packet held, for a replay from the start; nothing if bytes of older ones were let go.
  [[nodiscard]] std::optional<std::vector<Bytes>> all_packets() const;
  [[nodiscard]] std::size_t stored_bytes() const { return stored_bytes_; }

 private:
  struct Author {
    std::uint64_t contiguous = 0;            ///< All packets below are held.
    std::uint64_t changed_at = 0;            ///< LedgerSync::changes_ when that last grew.
    std::map<std::uint64_t, Bytes> packets;  ///< Those whose bytes are at hand.
    std::optional<std::uint64_t> voided_from;
    Bytes proof;  ///< Of that.
  };
  struct Neighbour {
    std::map<NodeId, std::uint64_t> heard;  ///< What it has told of its version vector.
    std::optional<Digest> digest;           ///< Of the whole of it, as last told.
    std::uint64_t told_at = 0;              ///< What changed after this it has not been told.
    bool has_spoken = false;                ///< It knows us as its neighbour.
    Instant repeat_at;                      ///< Not before it is told everything again.
    VoteCount compared;                     ///< compare_with() goes on from this author's packet.
    Instant compare_at;                     ///< Not before.
  };

  void advance(const NodeId& author, Author& record, std::uint64_t contiguous);
  void set_contiguous(const NodeId& author, Author& record, std::uint64_t contiguous);
  void send_proofs(const NodeId& peer, const std::set<NodeId>& authors, Effects& effects) const;
  /// How many of an author's packets can ever count, of so many that a neighbour tells of.
  [[nodiscard]] std::uint64_t countable(const NodeId& author, std::uint64_t told) const;
  [[nodiscard]] bool holds(const NodeId& author, std::uint64_t packet) const;
  [[nodiscard]] VoteRangeRequest first_gap(const NodeId& author, std::uint64_t end) const;
  void probe(const NodeId& peer, Effects& effects) const;
  void send_vector(const NodeId& peer, bool wants_reply, Effects& effects);
  void request_missing(const NodeId& peer, Instant now, Effects& effects);
  [[nodiscard]] const NodeId& source_of(const VoteRangeRequest& gap, const NodeId& first) const;
  void request(const NodeId& peer, const VoteRangeRequest& gap, Instant now, Effects& effects);
  void forget_oldest();

  LedgerSyncOptions options_;
  Rng rng_;
  std::map<NodeId, Author> authors_;
  std::map<NodeId, Neighbour> neighbours_;
  VoteRequests requests_;
  std::deque<std::pair<NodeId, std::uint64_t>> insertion_order_;
  std::size_t stored_bytes_ = 0;
  std::uint64_t changes_ = 0;  ///< Of the version vector.
  std::size_t convicted_ = 0;  ///< Authors with voided_from.
  Digest digest_;
  bool is_whole_ = true;
  std::optional<std::set<NodeId>> sources_;  ///< See fetch_from().
  Instant sync_at_ = Instant::never();
};

}  // namespace starling::protocol
