#include "protocol/merge/merge_part.h"

#include "protocol/merge/merge_block.h"

namespace starling::protocol {
namespace {

constexpr std::size_t head_bytes = 3;

}  // namespace

std::uint64_t weight_of(const Roster& roster, const MemberSet& members) {
  std::uint64_t weight = 0;
  members.for_each([&](Member member) { weight += roster.members[member].weight; });
  return weight;
}

Bytes encode_part(const MergePart& part) {
  const Bytes members = part.members.to_bytes();
  Bytes out;
  out.reserve(head_bytes + members.size() + part.blocks.size());
  out.push_back(static_cast<std::uint8_t>(part.root));
  out.push_back(static_cast<std::uint8_t>(part.root >> 8U));
  out.push_back(part.is_fresh ? 1 : 0);
  out.insert(out.end(), members.begin(), members.end());
  out.insert(out.end(), part.blocks.begin(), part.blocks.end());
  return out;
}

std::optional<MergePart> decode_part(const SharedBytes& bytes, const Roster& roster,
                                     std::size_t values) {
  const std::size_t count = roster.members.size();
  const std::size_t blocks_at = head_bytes + MemberSet::bytes_of(count);
  if (bytes.size() < blocks_at || bytes[2] > 1) return std::nullopt;
  const auto members =
      MemberSet::from_bytes(ByteSpan(bytes).subspan(head_bytes, blocks_at - head_bytes), count);
  if (!members || weight_of(roster, *members) == 0) return std::nullopt;
  const auto root = static_cast<Member>(bytes[0] | bytes[1] << 8U);
  if (root >= count) return std::nullopt;
  MergePart part{.root = root,
                 .is_fresh = bytes[2] == 1,
                 .members = *members,
                 .blocks = bytes.from(blocks_at)};
  if (!are_merge_blocks(part.blocks, values, members->count() > 1)) return std::nullopt;
  return part;
}

std::size_t merge_part_bytes_max(std::size_t values, std::size_t members) {
  return head_bytes + MemberSet::bytes_of(members) + merge_blocks_bytes_max(values, true);
}

}  // namespace starling::protocol
