#include "model/shard.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "starling/rng.h"

namespace starling::model {
namespace {

using Rows = std::vector<std::uint32_t>;
using Partition = std::vector<Rows>;  // one list of rows per node

template <class Number>
std::optional<Number> parse_after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + prefix.size(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// log of a Gamma(shape, 1) variate; the logarithm stays finite where the variate underflows.
/// Source: Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; shapes below
/// 1 by its section 6: Gamma(a) = Gamma(a + 1) * U^(1/a).
double log_gamma_variate(double shape, Rng& rng) {
  if (shape < 1) {
    const double log_uniform = std::log(1.0 - rng.uniform());
    return log_gamma_variate(shape + 1, rng) + log_uniform / shape;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = rng.normal();
    const double root = 1.0 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1.0 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d) + std::log(v);
    }
  }
}

/// A point of the simplex with `count` corners, drawn from the symmetric Dirichlet(alpha).
std::vector<double> dirichlet_variate(std::size_t count, double alpha, Rng& rng) {
  std::vector<double> shares(count);
  for (double& share : shares) share = log_gamma_variate(alpha, rng);
  const double largest = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (double& share : shares) sum += share = std::exp(share - largest);
  for (double& share : shares) share /= sum;
  return shares;
}

/// Gives rows[begin_k .. end_k) to holders[k], cut at the cumulative shares.
void deal(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> holders,
          std::span<const double> shares, Partition& partition) {
  double cumulative = 0;
  std::size_t begin = 0;
  for (std::size_t k = 0; k < holders.size(); ++k) {
    cumulative += shares[k];
    const auto cut = static_cast<std::size_t>(
        std::llround(std::min(cumulative, 1.0) * static_cast<double>(rows.size())));
    const std::size_t end = k + 1 == holders.size() ? rows.size() : std::max(begin, cut);
    Rows& own = partition[holders[k]];
    own.insert(own.end(), rows.data() + begin, rows.data() + end);
    begin = end;
  }
}

std::vector<double> equal_shares(std::size_t count) {
  return std::vector<double>(count, 1.0 / static_cast<double>(count));
}

/// The shuffled rows of each class.
std::vector<Rows> rows_by_class(std::span<const Label> labels, Rng& rng) {
  const std::size_t class_count = std::size_t{*std::max_element(labels.begin(), labels.end())} + 1;
  std::vector<Rows> classes(class_count);
  for (std::uint32_t row = 0; row < labels.size(); ++row) classes[labels[row]].push_back(row);
  for (Rows& rows : classes) rng.shuffle(std::span(rows));
  return classes;
}

/// holders[c]: the nodes that hold class c. Node i takes the next K classes of a shuffled circle.
std::vector<Rows> label_holders(std::size_t class_count, const ShardPlan& plan, Rng& rng) {
  Rows circle(class_count);
  std::iota(circle.begin(), circle.end(), 0U);
  rng.shuffle(std::span(circle));
  const std::size_t covering = (class_count + plan.node_count - 1) / plan.node_count;
  const std::size_t per_node =
      std::min(class_count, std::max<std::size_t>(plan.rule.labels_per_node, covering));
  std::vector<Rows> holders(class_count);
  std::size_t at = 0;
  for (std::uint32_t node = 0; node < plan.node_count; ++node) {
    for (std::size_t k = 0; k < per_node; ++k) holders[circle[at++ % class_count]].push_back(node);
  }
  return holders;
}

Partition partition_rows(std::span<const Label> labels, const ShardPlan& plan) {
  Rng rng(plan.seed);
  Partition partition(plan.node_count);
  Rows everyone(plan.node_count);
  std::iota(everyone.begin(), everyone.end(), 0U);
  if (plan.rule.skew == Skew::iid) {
    Rows rows(labels.size());
    std::iota(rows.begin(), rows.end(), 0U);
    rng.shuffle(std::span(rows));
    deal(rows, everyone, equal_shares(everyone.size()), partition);
    return partition;
  }
  const std::vector<Rows> classes = rows_by_class(labels, rng);
  std::vector<Rows> holders(classes.size(), everyone);
  if (plan.rule.skew == Skew::labels) holders = label_holders(classes.size(), plan, rng);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto shares = plan.rule.skew == Skew::dirichlet
                            ? dirichlet_variate(holders[c].size(), plan.rule.alpha, rng)
                            : equal_shares(holders[c].size());
    deal(classes[c], holders[c], shares, partition);
  }
  return partition;
}

/// Moves one row from the largest share (the first of equals) to each empty one.
void fill_empty_shares(Partition& partition) {
  const auto smaller = [](const Rows& a, const Rows& b) { return a.size() < b.size(); };
  for (Rows& rows : partition) {
    if (!rows.empty()) continue;
    Rows& largest = *std::max_element(partition.begin(), partition.end(), smaller);
    rows.push_back(largest.back());
    largest.pop_back();
  }
}

}  // namespace

Result<ShardRule> parse_shard_rule(std::string_view text) {
  if (text == "iid") return ShardRule{};
  if (const auto alpha = parse_after<double>(text, "dirichlet:");
      alpha && *alpha > 0 && std::isfinite(*alpha)) {
    return ShardRule{Skew::dirichlet, *alpha, 0};
  }
  if (const auto count = parse_after<std::uint32_t>(text, "labels:"); count && *count >= 1) {
    return ShardRule{Skew::labels, 0, *count};
  }
  return invalid_input("skew is '" + std::string(text) +
                       "', expected iid, dirichlet:ALPHA with ALPHA > 0, or labels:K with K >= 1");
}

Result<std::vector<std::uint32_t>> shard_rows(std::span<const Label> labels, const ShardPlan& plan,
                                              std::uint32_t node) {
  if (node >= plan.node_count) {
    return invalid_input("node index is " + std::to_string(node) + ", expected below " +
                         std::to_string(plan.node_count));
  }
  if (labels.size() < plan.node_count) {
    return invalid_input(std::to_string(labels.size()) + " samples for " +
                         std::to_string(plan.node_count) + " nodes, expected at least one each");
  }
  Partition partition = partition_rows(labels, plan);
  fill_empty_shares(partition);
  Rows own = std::move(partition[node]);
  std::sort(own.begin(), own.end());
  return own;
}

}  // namespace starling::model
