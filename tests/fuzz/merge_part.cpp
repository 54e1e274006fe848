// Parts of merges are foreign bytes, and so is what their integers claim.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "node/core/merge_blocks.h"
#include "protocol/merge/merge_block.h"
#include "protocol/merge/merge_part.h"
#include "starling/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  constexpr std::size_t values = 260;  // two blocks
  protocol::Roster roster;
  for (const std::uint64_t weight : {std::uint64_t{1}, std::uint64_t{1} << 20U, std::uint64_t{0}}) {
    roster.members.push_back({.id = {}, .weight = weight});
  }
  const auto part = protocol::decode_part(Bytes(data, data + size), roster, values);
  if (!part) return 0;
  const std::vector<float> own(values, 1.0F);
  const std::vector<node::WeightedSlice> parts = {
      {protocol::weight_of(roster, part->members), part->members.count() > 1, part->blocks},
      {3, false, node::blocks_of(own)}};
  const node::WeightedSlice sum{parts[0].weight + 3, true, node::weighted_sum(parts, values)};
  STARLING_CHECK(protocol::are_merge_blocks(sum.blocks, values, true));
  const Bytes mean = node::weighted_mean(parts, values, node::ModelForm::floats);
  for (std::size_t at = 0; at < mean.size(); at += 4) {
    float value = 0;
    std::memcpy(&value, &mean[at], 4);
    STARLING_CHECK(std::isfinite(value));
  }
  static_cast<void>(node::weighted_mean(parts, values, node::ModelForm::grid));
  return 0;
}
