#pragma once
// What tests of the merge say of its swarm again and again.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <variant>
#include <vector>

#include "crypto/digest.h"
#include "protocol/wire/message.h"
#include "tests/support/merge_swarm.h"

namespace starling::testing {

using protocol::Bulk;
using protocol::BulkKind;
using protocol::Message;

[[nodiscard]] inline Digest name(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

inline void expect_merged(MergeSwarm& swarm, const std::vector<std::size_t>& nodes) {
  for (const std::size_t node : nodes) {
    ASSERT_TRUE(swarm[node].manifest) << "node " << node << " did not finish";
    EXPECT_EQ(swarm[node].manifest->model, swarm[nodes[0]].manifest->model);
    EXPECT_EQ(swarm[node].adopted, swarm[nodes[0]].adopted);
  }
}

/// The node that is the root of `slice` in a merge of these members, by the definition.
[[nodiscard]] inline std::size_t root_of(MergeSwarm& swarm, const Digest& merge,
                                         std::uint32_t slice) {
  std::map<Digest, std::size_t> order;
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    Bytes input(merge.bytes.begin(), merge.bytes.end());
    input.insert(input.end(), {static_cast<std::uint8_t>(slice), 0, 0, 0});
    input.insert(input.end(), swarm[i].id.bytes.begin(), swarm[i].id.bytes.end());
    order[crypto::digest_of(input)] = i;
  }
  return order.begin()->second;
}

[[nodiscard]] inline std::vector<std::size_t> first(std::size_t count) {
  std::vector<std::size_t> nodes(count);
  std::iota(nodes.begin(), nodes.end(), 0);
  return nodes;
}

[[nodiscard]] inline const Bulk* bulk_of(const Message& message, BulkKind kind) {
  const auto* bulk = std::get_if<Bulk>(&message);
  return bulk != nullptr && bulk->kind == kind ? bulk : nullptr;
}

}  // namespace starling::testing
