#include "protocol/merge/slice_plan.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/merge/merge_block.h"

namespace starling::protocol {
namespace {

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
  const std::size_t by_size = values_ * merged_value_bytes / limits::merge_slice_bytes_min;
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(by_size, 1, limits::merge_slices_max));
}

std::size_t SlicePlan::first(std::uint32_t slice) const {
  const std::size_t block = merge_blocks_of(values_) * slice / count();
  return std::min(values_, block * merge_block_values);
}

std::size_t SlicePlan::values_max() const {
  const std::size_t blocks = (merge_blocks_of(values_) + count() - 1) / count();
  return std::min(values_, blocks * merge_block_values);
}

Digest digest_of_slices(std::span<const Digest> slices) {
  if (slices.size() == 1) return slices.front();
  crypto::Hasher whole("merged slices");
  for (const Digest& slice : slices) whole.update(slice.bytes);
  return whole.finish();
}

Digest digest_by_slices(ByteSpan vector) {
  const SlicePlan plan(vector.size() / merged_value_bytes);
  std::vector<Digest> slices;
  for (std::uint32_t slice = 0; slice < plan.count(); ++slice) {
    slices.push_back(crypto::digest_of(
        vector.subspan(merged_value_bytes * plan.first(slice), plan.size(slice))));
  }
  return digest_of_slices(slices);
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
