#pragma once
// How a merge divides its work (PROTOCOL.md section 6): the vector is cut into slices, and each
// slice has an order of its own among the members. The first of them that lives is its root.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/merge/member_set.h"
#include "protocol/merge/roster.h"
#include "starling/ids.h"

namespace starling::protocol {

/// Where the slices of a vector lie. All members of a merge compute the same from its length.
class SlicePlan {
 public:
  explicit SlicePlan(std::size_t vector_bytes) : vector_bytes_(vector_bytes) {}

  [[nodiscard]] std::uint32_t count() const;
  /// The first byte of `slice`; of slice count(): the end of the vector.
  [[nodiscard]] std::size_t offset(std::uint32_t slice) const;
  /// In bytes. slice: below count().
  [[nodiscard]] std::size_t size(std::uint32_t slice) const;
  /// 4-byte values. slice: below count().
  [[nodiscard]] std::size_t elements(std::uint32_t slice) const { return size(slice) / 4; }
  /// A copy of the slice's bytes. vector: of the length given above.
  [[nodiscard]] Bytes cut(const Bytes& vector, std::uint32_t slice) const;

 private:
  std::size_t vector_bytes_;
};

/// The members in the order in which they come to be the root of `slice`. When one dies only its
/// slices move, each to another member. Source: rendezvous hashing (Thaler, Ravishankar 1998).
[[nodiscard]] std::vector<Member> rendezvous_order(const Digest& merge, std::uint32_t slice,
                                                   const Roster& roster);

}  // namespace starling::protocol
