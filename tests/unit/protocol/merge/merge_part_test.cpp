#include "protocol/merge/merge_part.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"

namespace starling::protocol {
namespace {

constexpr std::size_t elements = 3;

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

TEST(MergePart, HoldsTheGreatestSumOfItsWeight) {
  for (std::uint64_t weight = 1; weight <= limits::merge_members_max * limits::merge_weight_max;
       weight *= 2) {
    for (const std::uint64_t near : {weight, weight + 1, weight * 2 - 1}) {
      const std::size_t bits = 8 * sum_value_bytes(near);
      ASSERT_LE(bits, 64U);
      // Of int32 values the least, -2^31, has the largest magnitude.
      EXPECT_LE(near, std::uint64_t{1} << (bits - 1 - 31)) << near;
    }
  }
}

TEST(MergePart, OfAFewHundredMembersTakesFiveBytesAValue) {
  EXPECT_EQ(sum_value_bytes(2), 5U);
  EXPECT_EQ(sum_value_bytes(255), 5U);
  EXPECT_EQ(sum_value_bytes(1000), 6U);
}

TEST(MergePart, ReadsBackWhatItWrote) {
  const Roster roster = roster_of_weights({1, 2, 300, 4, 5, 6, 7, 8, 9});
  for (const auto& members : std::vector<std::vector<Member>>{{0}, {8}, {0, 1}, {1, 2, 8}}) {
    const MemberSet set = set_of(9, members);
    const std::size_t width = members.size() == 1 ? 4 : sum_value_bytes(weight_of(roster, set));
    const MergePart part{
        .root = 5, .is_fresh = true, .members = set, .values = Bytes(elements * width, 7)};
    const auto read = decode_part(encode_part(part), roster, elements);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->root, part.root);
    EXPECT_EQ(read->is_fresh, part.is_fresh);
    EXPECT_EQ(read->members, part.members);
    EXPECT_EQ(read->values, part.values);
  }
}

TEST(MergePart, OfAnotherLengthThanItsMembersSayIsNone) {
  const Roster roster = roster_of_weights({1, 1, 1});
  Bytes bytes = encode_part({.root = 0, .members = set_of(3, {0, 1}), .values = Bytes(15)});
  ASSERT_TRUE(decode_part(bytes, roster, elements));
  EXPECT_FALSE(decode_part(bytes, roster, elements + 1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_part(ByteSpan(bytes).first(size), roster, elements)) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_part(bytes, roster, elements));
}

TEST(MergePart, OfNobodyOrOfNoMembersOrForNoRootIsNone) {
  const Roster roster = roster_of_weights({1, 1, 1});
  const Bytes bytes = encode_part({.root = 0, .members = set_of(3, {0}), .values = Bytes(12)});
  ASSERT_TRUE(decode_part(bytes, roster, elements));
  for (const auto& [at, value] :
       std::vector<std::pair<std::size_t, int>>{{0, 3}, {1, 1}, {2, 2}, {3, 0}, {3, 8}}) {
    Bytes wrong = bytes;
    wrong[at] = static_cast<std::uint8_t>(value);
    EXPECT_FALSE(decode_part(wrong, roster, elements)) << at << ": " << value;
  }
}

}  // namespace
}  // namespace starling::protocol
