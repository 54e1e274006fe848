#include "protocol/merge/merge_part.h"

#include <bit>

namespace starling::protocol {
namespace {

constexpr std::size_t own_value_bytes = 4;
constexpr std::size_t head_bytes = 3;

}  // namespace

std::size_t sum_value_bytes(std::uint64_t weight) {
  // A sum is at most weight * 2^31 in magnitude; weight itself is at most 2^bit_width.
  const auto bits = static_cast<std::size_t>(32 + std::bit_width(weight));
  return (bits + 7) / 8;
}

std::uint64_t weight_of(const Roster& roster, const MemberSet& members) {
  std::uint64_t weight = 0;
  members.for_each([&](Member member) { weight += roster.members[member].weight; });
  return weight;
}

Bytes encode_part(const MergePart& part) {
  const Bytes members = part.members.to_bytes();
  Bytes out;
  out.reserve(head_bytes + members.size() + part.values.size());
  out.push_back(static_cast<std::uint8_t>(part.root));
  out.push_back(static_cast<std::uint8_t>(part.root >> 8U));
  out.push_back(part.is_fresh ? 1 : 0);
  out.insert(out.end(), members.begin(), members.end());
  out.insert(out.end(), part.values.begin(), part.values.end());
  return out;
}

std::optional<MergePart> decode_part(ByteSpan bytes, const Roster& roster, std::size_t elements) {
  const std::size_t count = roster.members.size();
  const std::size_t values_at = head_bytes + MemberSet::bytes_of(count);
  if (bytes.size() < values_at || bytes[2] > 1) return std::nullopt;
  const auto members =
      MemberSet::from_bytes(bytes.subspan(head_bytes, values_at - head_bytes), count);
  if (!members || members->count() == 0) return std::nullopt;
  const auto root = static_cast<Member>(bytes[0] | bytes[1] << 8U);
  const std::size_t value_bytes =
      members->count() == 1 ? own_value_bytes : sum_value_bytes(weight_of(roster, *members));
  const ByteSpan values = bytes.subspan(values_at);
  if (root >= count || values.size() != elements * value_bytes) return std::nullopt;
  return MergePart{.root = root,
                   .is_fresh = bytes[2] == 1,
                   .members = *members,
                   .values = Bytes(values.begin(), values.end())};
}

}  // namespace starling::protocol
