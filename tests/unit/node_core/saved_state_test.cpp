#include "node/core/saved_state.h"

#include <gtest/gtest.h>

#include <limits>

namespace starling::node {
namespace {

const SavedState state{
    .recipe = "name = \"gossip\"\n", .step = 42, .parameters = {1.5F, -2.0F, 0.0F}};

TEST(SavedState, RoundTrips) {
  const auto back = decode_saved_state(encode_saved_state(state));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->recipe, state.recipe);
  EXPECT_EQ(back->step, state.step);
  EXPECT_EQ(back->parameters, state.parameters);
}

TEST(SavedState, IsRefusedWhenCutAnywhereOrTooLong) {
  Bytes bytes = encode_saved_state(state);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_saved_state(ByteSpan(bytes).first(length))) << length;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_saved_state(bytes));
}

TEST(SavedState, IsRefusedWithAValueThatIsNotFinite) {
  SavedState broken = state;
  broken.parameters[1] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(decode_saved_state(encode_saved_state(broken)));
}

}  // namespace
}  // namespace starling::node
