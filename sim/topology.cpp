#include "sim/topology.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace starling::sim {

namespace {

constexpr std::array<std::pair<std::string_view, Topology>, 5> topology_names{
    {{"overlay", Topology::overlay},
     {"ring", Topology::ring},
     {"grid", Topology::grid},
     {"exponential", Topology::exponential},
     {"full", Topology::full}}};

std::uint32_t rows_of_grid(std::uint32_t nodes) {
  auto rows = static_cast<std::uint32_t>(std::sqrt(static_cast<double>(nodes)));
  while (nodes % rows != 0) --rows;
  return rows;
}

std::set<std::uint32_t> around(Topology topology, std::uint32_t node, std::uint32_t nodes) {
  std::set<std::uint32_t> found;
  const auto both_ways = [&](std::uint32_t distance) {
    found.insert((node + distance) % nodes);
    found.insert((node + nodes - distance) % nodes);
  };
  if (topology == Topology::ring) both_ways(1);
  if (topology == Topology::exponential) {
    for (std::uint32_t distance = 1; distance < nodes; distance *= 2) both_ways(distance);
  }
  if (topology == Topology::full) {
    for (std::uint32_t other = 0; other < nodes; ++other) found.insert(other);
  }
  if (topology == Topology::grid) {
    const std::uint32_t rows = rows_of_grid(nodes);
    const std::uint32_t columns = nodes / rows;
    const std::uint32_t row = node / columns;
    const std::uint32_t column = node % columns;
    for (const std::uint32_t step : {1U, columns - 1}) {
      found.insert(row * columns + (column + step) % columns);
    }
    for (const std::uint32_t step : {1U, rows - 1}) {
      found.insert((row + step) % rows * columns + column);
    }
  }
  return found;
}

}  // namespace

std::optional<Topology> parse_topology(std::string_view name) {
  for (const auto& [known, topology] : topology_names) {
    if (known == name) return topology;
  }
  return std::nullopt;
}

std::vector<std::uint32_t> pinned_neighbours(Topology topology, std::uint32_t node,
                                             std::uint32_t nodes) {
  std::set<std::uint32_t> found = around(topology, node, nodes);
  found.erase(node);
  return {found.begin(), found.end()};
}

}  // namespace starling::sim
