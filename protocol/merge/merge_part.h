#pragma once
// What travels up the tree of a slice: the parts of some members, added up. Foreign bytes.
//
// Layout, little endian; sizes in bits:
//
//   part = root (16), fresh (8: 0 or 1), members (one bit each, whole bytes), value*
//
// One member's part is its own int32 values. The sum of several is the sum of weight times value,
// in as few bytes a value as hold it whatever the values are.

#include <cstdint>
#include <optional>

#include "protocol/merge/member_set.h"
#include "protocol/merge/roster.h"
#include "starling/ids.h"

namespace starling::protocol {

struct MergePart {
  Member root = no_member;  ///< Where it is going.
  /// Sent for the first time: nobody else holds it, so it may be added to other parts.
  bool is_fresh = false;
  MemberSet members;
  Bytes values;
};

/// Of a sum of members whose weights add up to `weight`: 5 to 8 bytes.
[[nodiscard]] std::size_t sum_value_bytes(std::uint64_t weight);

/// The weights of `members` together.
[[nodiscard]] std::uint64_t weight_of(const Roster& roster, const MemberSet& members);

[[nodiscard]] Bytes encode_part(const MergePart& part);
/// elements: values in the slice. Nothing unless the bytes are exactly such a part.
[[nodiscard]] std::optional<MergePart> decode_part(ByteSpan bytes, const Roster& roster,
                                                   std::size_t elements);

}  // namespace starling::protocol
