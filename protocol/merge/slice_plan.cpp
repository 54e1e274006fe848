#include "protocol/merge/slice_plan.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"

namespace starling::protocol {
namespace {

/// The vector is cut at multiples of its 4-byte elements.
constexpr std::size_t element_bytes = 4;

Digest rendezvous_score(const Digest& merge, std::uint32_t slice, const NodeId& member) {
  Bytes input(merge.bytes.begin(), merge.bytes.end());
  for (unsigned shift = 0; shift < 32; shift += 8) {
    input.push_back(static_cast<std::uint8_t>(slice >> shift));
  }
  input.insert(input.end(), member.bytes.begin(), member.bytes.end());
  return crypto::digest_of(input);
}

}  // namespace

std::uint32_t SlicePlan::count() const {
  const std::size_t by_size = vector_bytes_ / limits::merge_slice_bytes_min;
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(by_size, 1, limits::merge_slices_max));
}

std::size_t SlicePlan::offset(std::uint32_t slice) const {
  const std::size_t elements = vector_bytes_ / element_bytes;
  return elements * slice / count() * element_bytes;
}

std::size_t SlicePlan::size(std::uint32_t slice) const {
  return offset(slice + 1) - offset(slice);
}

Bytes SlicePlan::cut(const Bytes& vector, std::uint32_t slice) const {
  const auto begin = vector.begin();
  return {begin + static_cast<std::ptrdiff_t>(offset(slice)),
          begin + static_cast<std::ptrdiff_t>(offset(slice + 1))};
}

std::vector<Member> rendezvous_order(const Digest& merge, std::uint32_t slice,
                                     const Roster& roster) {
  std::vector<std::pair<Digest, Member>> scored;
  scored.reserve(roster.members.size());
  for (Member member = 0; member < roster.members.size(); ++member) {
    scored.emplace_back(rendezvous_score(merge, slice, roster.members[member].id), member);
  }
  std::ranges::sort(scored);
  std::vector<Member> order;
  order.reserve(scored.size());
  for (const auto& [score, member] : scored) order.push_back(member);
  return order;
}

}  // namespace starling::protocol
