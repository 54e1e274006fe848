#pragma once
// What travels up the tree of a slice: the parts of some members, added up. Foreign bytes.
//
// Layout, little endian; sizes in bits:
//
//   part = root (16), fresh (8: 0 or 1), members (one bit each, whole bytes), blocks
//
// One member's part is its own values. The sum of several is the sum of weight times value, exact.
// Blocks: merge_block.h.

#include <cstdint>
#include <optional>

#include "protocol/merge/member_set.h"
#include "protocol/merge/roster.h"
#include "protocol/shared_bytes.h"
#include "starling/ids.h"

namespace starling::protocol {

struct MergePart {
  Member root = no_member;  ///< Where it is going.
  /// Sent for the first time: nobody else holds it, so it may be added to other parts.
  bool is_fresh = false;
  MemberSet members;
  SharedBytes blocks;
};

/// The weights of `members` together.
[[nodiscard]] std::uint64_t weight_of(const Roster& roster, const MemberSet& members);

[[nodiscard]] Bytes encode_part(const MergePart& part);
/// values: in the slice. Nothing unless the bytes are exactly such a part, of members that have
/// something to give. The part's blocks hold on to `bytes`.
[[nodiscard]] std::optional<MergePart> decode_part(const SharedBytes& bytes, const Roster& roster,
                                                   std::size_t values);

/// The most that a part of so many values takes among so many members.
[[nodiscard]] std::size_t merge_part_bytes_max(std::size_t values, std::size_t members);

}  // namespace starling::protocol
