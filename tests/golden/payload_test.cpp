// Payload bytes are a wire format: they must not change without a new version. Expected bytes come
// from tools/golden_payloads.py, which knows only the written layouts.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "optim/codec/codec.h"
#include "optim/replica.h"

namespace starling::optim {
namespace {

std::string payload_of(Chosen<CodecEntry> codec, std::vector<float> values) {
  Recipe recipe;
  recipe.name = "golden";
  recipe.gossip().codec = std::move(codec);
  Replica replica(recipe, std::move(values), 1, 100);
  replica.local_step(7, [](std::span<const float>, std::span<float> out) {
    std::ranges::fill(out, 0.0F);
    return 0.0;
  });
  return to_hex(replica.encode());
}

const std::vector<float> values{3, -1, 0, 1, -3, 2, -2, 3};

TEST(GoldenPayload, Identity) {
  EXPECT_EQ(payload_of(codecs().choose("identity"), values),
            "53500101000000000000000000000000070000000000000000004040000080bf000000000000803f"
            "000040c000000040000000c000004040");
}

TEST(GoldenPayload, QuantizeWithThreeBits) {
  EXPECT_EQ(payload_of(codecs().choose("quantize", {{"bits", 3}}), {6, -6, 4, -4, 2, -2, 0, 6}),
            "5350010101000000000000000000000007000000000000000000c0404643cd");
}

TEST(GoldenPayload, TopK) {
  EXPECT_EQ(payload_of(codecs().choose("top_k", {{"density", 3.0 / 8}}), values),
            "53500101020000000000000000000000070000000000000000000400070000004040000040c00000"
            "4040");
}

TEST(GoldenPayload, Sign) {
  EXPECT_EQ(payload_of(codecs().choose("sign"), values),
            "5350010104000000000000000000000007000000000000000000f03f52");
}

}  // namespace
}  // namespace starling::optim
