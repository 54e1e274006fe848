#include "protocol/merge/merge_part.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "protocol/merge/merge_block.h"
#include "starling/rng.h"

namespace starling::protocol {
namespace {

/// Two blocks, the last one short.
constexpr std::size_t values = merge_block_values + 3;

Roster roster_of_weights(const std::vector<std::uint64_t>& weights) {
  Roster roster;
  for (const std::uint64_t weight : weights) roster.members.push_back({.id = {}, .weight = weight});
  return roster;
}

MemberSet set_of(std::size_t members, const std::vector<Member>& chosen) {
  MemberSet set(members);
  for (const Member member : chosen) set.insert(member);
  return set;
}

/// The blocks of `values` values, all of one unit and width.
Bytes blocks(std::uint8_t unit, std::uint8_t width) {
  Bytes bytes;
  for (std::size_t left = values; left > 0;) {
    const std::size_t count = std::min(left, merge_block_values);
    bytes.insert(bytes.end(), {unit, width});
    bytes.resize(bytes.size() + count * width, 7);
    left -= count;
  }
  return bytes;
}

TEST(MergeBlock, OfOneMemberHasIntegersOf32BitsAtMost) {
  for (const int bytes : {0, 1, 3, 4}) {
    const auto width = static_cast<std::uint8_t>(bytes);
    EXPECT_TRUE(are_merge_blocks(blocks(246, width), values, false)) << bytes;
  }
  EXPECT_FALSE(are_merge_blocks(blocks(100, 5), values, false));
  EXPECT_FALSE(are_merge_blocks(blocks(247, 4), values, false)) << "no float32 is so large";
}

TEST(MergeBlock, OfASumHasNoBitsThatNoSumOfMembersHas) {
  EXPECT_TRUE(are_merge_blocks(blocks(0, 40), values, true));
  EXPECT_FALSE(are_merge_blocks(blocks(0, 41), values, true));
  EXPECT_FALSE(are_merge_blocks(blocks(1, 40), values, true));
  EXPECT_TRUE(are_merge_blocks(blocks(246, 9), values, true));
  EXPECT_FALSE(are_merge_blocks(blocks(246, 10), values, true));
  EXPECT_FALSE(are_merge_blocks(blocks(247, 1), values, true));
}

TEST(MergeBlock, HoldsTheSumOfAllMembersThatThereCanBe) {
  // 2^20 * 2^31 of each, in units that are as far apart as can be.
  const unsigned bits = merge_unit_max + 31 + 20 + 10 + 1;
  EXPECT_LE((bits + 7) / 8 * 8, merge_sum_bits_max);
  EXPECT_EQ(limits::merge_members_max, std::size_t{1} << 10U);
  EXPECT_EQ(limits::merge_weight_max, std::uint64_t{1} << 20U);
}

TEST(MergeBlock, OfAnotherLengthIsNone) {
  Bytes bytes = blocks(125, 4);
  EXPECT_FALSE(are_merge_blocks(bytes, values + 1, false));
  EXPECT_FALSE(are_merge_blocks(bytes, values - 1, false));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(are_merge_blocks(ByteSpan(bytes).first(size), values, false)) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(are_merge_blocks(bytes, values, false));
}

TEST(MergeBlock, TakesNoMoreBytesThanItsBound) {
  EXPECT_EQ(blocks(0, 4).size(), merge_blocks_bytes_max(values, false));
  EXPECT_EQ(blocks(0, 40).size(), merge_blocks_bytes_max(values, true));
}

TEST(MergePart, ReadsBackWhatItWrote) {
  const Roster roster = roster_of_weights({1, 2, 300, 4, 5, 6, 7, 8, 9});
  for (const auto& members : std::vector<std::vector<Member>>{{0}, {8}, {0, 1}, {1, 2, 8}}) {
    const std::uint8_t width = members.size() == 1 ? 4 : 5;
    const MergePart part{
        .root = 5, .is_fresh = true, .members = set_of(9, members), .blocks = blocks(100, width)};
    const Bytes bytes = encode_part(part);
    EXPECT_LE(bytes.size(), merge_part_bytes_max(values, 9));
    const auto read = decode_part(bytes, roster, values);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->root, part.root);
    EXPECT_EQ(read->is_fresh, part.is_fresh);
    EXPECT_EQ(read->members, part.members);
    EXPECT_EQ(read->blocks, part.blocks);
  }
}

TEST(MergePart, OfAnotherLengthThanItsBlocksSayIsNone) {
  const Roster roster = roster_of_weights({1, 1, 1});
  Bytes bytes = encode_part({.root = 0, .members = set_of(3, {0, 1}), .blocks = blocks(100, 5)});
  ASSERT_TRUE(decode_part(bytes, roster, values));
  EXPECT_FALSE(decode_part(bytes, roster, values + 1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(
        decode_part(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(size)), roster, values))
        << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_part(bytes, roster, values));
}

TEST(MergePart, OfOneMemberWithTheWidthOfASumIsNone) {
  const Roster roster = roster_of_weights({1, 1, 1});
  const Bytes wide = encode_part({.root = 0, .members = set_of(3, {1}), .blocks = blocks(100, 5)});
  EXPECT_FALSE(decode_part(wide, roster, values));
}

TEST(MergePart, OfMembersWithNothingToGiveIsNone) {
  const Roster roster = roster_of_weights({1, 0, 0});
  const auto part_of = [&](const std::vector<Member>& members) {
    return encode_part({.root = 0, .members = set_of(3, members), .blocks = blocks(100, 4)});
  };
  EXPECT_FALSE(decode_part(part_of({1, 2}), roster, values));
  EXPECT_TRUE(decode_part(part_of({0, 2}), roster, values));
}

TEST(MergePart, OfNobodyOrOfNoMembersOrForNoRootIsNone) {
  const Roster roster = roster_of_weights({1, 1, 1});
  const Bytes bytes = encode_part({.root = 0, .members = set_of(3, {0}), .blocks = blocks(100, 4)});
  ASSERT_TRUE(decode_part(bytes, roster, values));
  for (const auto& [at, value] :
       std::vector<std::pair<std::size_t, int>>{{0, 3}, {1, 1}, {2, 2}, {3, 0}, {3, 8}}) {
    Bytes wrong = bytes;
    wrong[at] = static_cast<std::uint8_t>(value);
    EXPECT_FALSE(decode_part(wrong, roster, values)) << at << ": " << value;
  }
}

}  // namespace
}  // namespace starling::protocol
