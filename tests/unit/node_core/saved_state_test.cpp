#include "node/core/saved_state.h"

#include <gtest/gtest.h>

#include <limits>

namespace starling::node {
namespace {

NodeId author(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}

const SavedState parameters{
    .recipe = "name = \"gossip\"\n", .step = 42, .values = std::vector{1.5F, -2.0F, 0.0F}};
const SavedState ledger{
    .recipe = "name = \"votes\"\n",
    .step = 7,
    .values = LedgerState{
        .packets = {{author(1), 3}, {author(2), 1}}, .votes = 64, .grid = {1, -5, 0x7fffffff}}};

TEST(SavedState, RoundTrips) {
  for (const SavedState& state : {parameters, ledger}) {
    const auto back = decode_saved_state(encode_saved_state(state));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, state);
  }
}

TEST(SavedState, AViewReadsItsValuesAlignedWhereTheyLie) {
  for (const SavedState& state : {parameters, ledger}) {
    const Bytes bytes = encode_saved_state(state);
    const auto view = view_saved_state(bytes);
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->recipe, state.recipe);
    EXPECT_EQ(view->step, state.step);
    EXPECT_EQ((view->values.data() - bytes.data()) % 8, 0);
    EXPECT_EQ(view->values.size(), 12U);
  }
}

TEST(SavedState, IsRefusedWhenCutAnywhereOrTooLong) {
  for (const SavedState& state : {parameters, ledger}) {
    Bytes bytes = encode_saved_state(state);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(decode_saved_state(ByteSpan(bytes).first(length))) << length;
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_saved_state(bytes));
  }
}

TEST(SavedState, IsRefusedWithAValueThatIsNotFinite) {
  SavedState broken = parameters;
  std::get<0>(broken.values)[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(decode_saved_state(encode_saved_state(broken)));
}

TEST(SavedState, IsRefusedWithOtherBytesWhereZerosBelong) {
  Bytes bytes = encode_saved_state(parameters);
  bytes[5] = 1;
  EXPECT_FALSE(decode_saved_state(bytes));
  SavedState padded = parameters;
  padded.recipe += "\n";
  bytes = encode_saved_state(padded);
  EXPECT_TRUE(decode_saved_state(bytes));
  bytes[bytes.size() - 13] = 1;  // before three values
  EXPECT_FALSE(decode_saved_state(bytes));
}

TEST(SavedState, IsRefusedOfAnUnknownKind) {
  Bytes bytes = encode_saved_state(ledger);
  bytes[4] = 2;
  EXPECT_FALSE(decode_saved_state(bytes));
}

TEST(SavedState, IsRefusedWithAuthorsOutOfOrderTwiceOrWithoutPackets) {
  using Counts = std::vector<protocol::VoteCount>;
  for (const Counts& counts : {Counts{{author(2), 1}, {author(1), 1}},
                               Counts{{author(1), 1}, {author(1), 2}}, Counts{{author(1), 0}}}) {
    SavedState broken = ledger;
    std::get<LedgerState>(broken.values).packets = counts;
    EXPECT_FALSE(decode_saved_state(encode_saved_state(broken)));
  }
}

}  // namespace
}  // namespace starling::node
