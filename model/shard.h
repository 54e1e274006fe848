#pragma once
// Which samples a node holds: a pure function of labels, rule, node and seed, so that processes
// that share a data set agree on a partition without talking.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/dataset.h"
#include "starling/result.h"

namespace starling::model {

enum class Skew {
  iid,        ///< A random equal share of all samples.
  dirichlet,  ///< Each class is cut in proportions drawn from Dirichlet(alpha) (Hsu et al. 2019).
  labels,     ///< Each node holds K classes.
};

struct ShardRule {
  Skew skew = Skew::iid;
  double alpha = 0;                   ///< dirichlet: > 0; small is skewed.
  std::uint32_t labels_per_node = 0;  ///< labels: >= 1.
};

/// "iid", "dirichlet:0.1" or "labels:2".
/// Error: invalid_input naming the text seen and the forms allowed.
[[nodiscard]] Result<ShardRule> parse_shard_rule(std::string_view text);

struct ShardPlan {
  ShardRule rule = {};
  std::uint32_t node_count = 1;
  std::uint64_t seed = 0;
};

/// The samples of node `node`, in ascending order. Every sample belongs to exactly one node, and
/// every node has at least one: a node left empty takes samples from the largest. Under `labels`, K
/// is raised to ceil(classes / nodes) so that each class has a holder. Error: invalid_input if node
/// >= node_count or there are fewer samples than nodes.
[[nodiscard]] Result<std::vector<std::uint32_t>> shard_rows(std::span<const Label> labels,
                                                            const ShardPlan& plan,
                                                            std::uint32_t node);

}  // namespace starling::model
