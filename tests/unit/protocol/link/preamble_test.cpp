#include "protocol/link/preamble.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/session_peers.h"

namespace starling::protocol {
namespace {

const Bytes message = {1, 2, 3};

TEST(Preamble, IsReadBack) {
  for (const bool is_private : {false, true}) {
    const Preamble preamble{
        .version = 7, .is_private = is_private, .tag = run_tag(testing::run_of(1), message)};
    EXPECT_EQ(decode_preamble(encode_preamble(preamble)), preamble);
  }
}

TEST(Preamble, NamesItsVersionInItsFirstFiveBytes) {
  const auto bytes = encode_preamble({.version = 9});
  EXPECT_EQ(preamble_version(std::span(bytes).first<preamble_version_bytes>()), 9);
}

TEST(Preamble, WithAnotherBeginningOrUnknownFlagsIsNone) {
  for (std::size_t i = 0; i < 4; ++i) {
    auto bytes = encode_preamble({.version = 1});
    bytes[i] ^= 0x20U;  // also the other case of a letter
    EXPECT_FALSE(preamble_version(std::span(bytes).first<preamble_version_bytes>())) << i;
    EXPECT_FALSE(decode_preamble(bytes)) << i;
  }
  auto bytes = encode_preamble({.version = 1});
  bytes[preamble_version_bytes] = 2;
  EXPECT_FALSE(decode_preamble(bytes));
}

TEST(RunTag, IsAnotherForEveryRunAndEveryMessage) {
  const RunTag tag = run_tag(testing::run_of(1), message);
  EXPECT_NE(tag, run_tag(testing::run_of(2), message));
  EXPECT_NE(tag, run_tag(testing::run_of(1), Bytes{1, 2, 4}));
  const RunId run = testing::run_of(1);
  EXPECT_TRUE(std::ranges::search(run.bytes, tag).empty());
}

TEST(Refusal, IsReadBackAndShorterThanWhatItAnswers) {
  for (const RefusalReason reason :
       {RefusalReason::other_version, RefusalReason::other_run, RefusalReason::wrong_key}) {
    const Refusal refusal{.reason = reason, .version = 3};
    EXPECT_EQ(decode_refusal(encode_refusal(refusal)), refusal);
  }
  EXPECT_LT(frame_header_bytes + refusal_bytes, preamble_version_bytes);
}

TEST(Refusal, OfAnotherLengthOrReasonIsNone) {
  EXPECT_FALSE(decode_refusal(Bytes{1}));
  EXPECT_FALSE(decode_refusal(Bytes{1, 2, 3}));
  EXPECT_FALSE(decode_refusal(Bytes{0, 2}));
  EXPECT_FALSE(decode_refusal(Bytes{4, 2}));
}

}  // namespace
}  // namespace starling::protocol
