#pragma once
// Everyone heard of: where to dial them and whether it is worth trying now. Bounded; a peer that
// never answers is forgotten before one that did.

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "protocol/limits.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::protocol {

/// True if the record names somebody and can be dialled.
[[nodiscard]] bool is_dialable(const PeerRecord& record);

/// Delay before dial number `failures` + 1 is tried: doubles from redial_delay_first to `longest`,
/// times `interval_scale`.
[[nodiscard]] Duration redial_delay(int failures, double interval_scale,
                                    Duration longest = limits::redial_delay_max);

class AddressBook {
 public:
  /// Who says where a peer is: hearsay never replaces an address that works.
  enum class Source { hearsay, first_hand };

  explicit AddressBook(double interval_scale) : interval_scale_(interval_scale) {}

  /// Records that cannot be dialled are ignored.
  void remember(const PeerRecord& record, Source source);
  void dial_failed(const NodeId& peer, Instant now);
  /// Clears the failures: the peer answered.
  void answered(const NodeId& peer, Instant now);
  /// A link to the peer, whoever dialled it, was open until now: it is worth trying often.
  void linked(const NodeId& peer, Instant now);
  /// Leaves the peer alone until `until`.
  void rest(const NodeId& peer, Instant until);

  [[nodiscard]] std::optional<PeerRecord> find(const NodeId& peer) const;
  /// True if the peer may be dialled now; unknown peers may.
  [[nodiscard]] bool is_due(const NodeId& peer, Instant now) const;
  /// Those that may be dialled now, in ascending order of NodeId.
  [[nodiscard]] std::vector<PeerRecord> due(Instant now) const;
  /// Everyone, in ascending order of NodeId: what a node writes to disk.
  [[nodiscard]] std::vector<PeerRecord> all() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    PeerRecord record;
    int failures = 0;
    Instant retry_at;
    std::optional<Instant> linked_at = {};  ///< When a link to the peer was last open.
  };

  void make_room();

  double interval_scale_;
  std::map<NodeId, Entry> entries_;
};

}  // namespace starling::protocol
