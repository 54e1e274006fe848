#pragma once
// How a merge divides its work (PROTOCOL.md section 6): the vector is cut into slices, and each
// slice has an order of its own among the members. The first of them that lives is its root.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/merge/roster.h"
#include "starling/ids.h"

namespace starling::protocol {

/// Of a merged value: a float32, or under votes an int32.
inline constexpr std::size_t merged_value_bytes = 4;

/// Where the slices of a vector lie: at the edges of blocks (merge_block.h). All members of a merge
/// compute the same from its length.
class SlicePlan {
 public:
  /// values: of the vector.
  explicit SlicePlan(std::size_t values) : values_(values) {}

  [[nodiscard]] std::uint32_t count() const;
  /// The first value of `slice`; of slice count(): the end of the vector.
  [[nodiscard]] std::size_t first(std::uint32_t slice) const;
  /// slice: below count().
  [[nodiscard]] std::size_t values(std::uint32_t slice) const {
    return first(slice + 1) - first(slice);
  }
  /// Of the merged slice, in bytes. slice: below count().
  [[nodiscard]] std::size_t size(std::uint32_t slice) const {
    return merged_value_bytes * values(slice);
  }
  /// The values of the longest slice.
  [[nodiscard]] std::size_t values_max() const;

 private:
  std::size_t values_;
};

/// The digest of a vector of which the slices have these: of one slice, its own; of more, the
/// digest of theirs, one after another. Whoever has verified every slice need not read them again.
[[nodiscard]] Digest digest_of_slices(std::span<const Digest> slices);

/// The same from the vector's bytes, merged_value_bytes a value.
[[nodiscard]] Digest digest_by_slices(ByteSpan vector);

/// The members in the order in which they come to be the root of `slice`. When one dies only its
/// slices move, each to another member. Source: rendezvous hashing (Thaler, Ravishankar 1998).
[[nodiscard]] std::vector<Member> rendezvous_order(const Digest& merge, std::uint32_t slice,
                                                   const Roster& roster);

}  // namespace starling::protocol
