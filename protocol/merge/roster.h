#pragma once
// Who takes part in a merge, and which of them were linked: what the proposer cuts and everybody
// fetches. The content is foreign bytes to all but the proposer.
//
// Layout, little endian; sizes in bits:
//
//   roster = count (16), nodes seen (32), member*
//   member = id (32 bytes), contribution (16 bytes), weight (varint), step (varint),
//            edges (varint), place of a later member (16)*     each edge once, at its earlier end
//
// Members ascend by id, a member's edges by place. A varint has 7 bits a byte, the lowest first,
// and no more bytes than it needs; so a roster has one encoding.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/wire/announcement.h"
#include "starling/ids.h"

namespace starling::protocol {

/// Of a contribution's digest a roster has so many bytes: who finds another vector with the same
/// ones has broken 128 bits.
using ContributionName = std::array<std::uint8_t, 16>;
[[nodiscard]] ContributionName name_of_contribution(const Digest& digest);

struct RosterMember {
  NodeId id;
  ContributionName contribution{};
  /// At most merge_weight_max. 0: it has nothing to give, and passes on what others have.
  std::uint64_t weight = 1;
  Step step = 0;
  std::vector<Member> edges = {};  ///< Later members linked with this one, ascending.
  friend bool operator==(const RosterMember&, const RosterMember&) = default;
};

struct Roster {
  std::uint32_t nodes_seen = 0;  ///< The most that any member has heard of.
  std::vector<RosterMember> members;

  [[nodiscard]] std::optional<Member> find(const NodeId& id) const;
  friend bool operator==(const Roster&, const Roster&) = default;
};

/// Edges are pairs of which either names the other. commitments: at most merge_members_max, or the
/// last ones are left out.
[[nodiscard]] Roster roster_of(const std::map<NodeId, MergeCommitment>& commitments,
                               std::uint32_t nodes_seen);

[[nodiscard]] Bytes encode_roster(const Roster& roster);
/// Nothing unless the bytes are exactly a roster of at least one member.
[[nodiscard]] std::optional<Roster> decode_roster(ByteSpan bytes);

}  // namespace starling::protocol
