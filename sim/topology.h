#pragma once
// Fixed neighbourhoods for experiments; `overlay` leaves the choice to the nodes.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace starling::sim {

enum class Topology : std::uint8_t { overlay, ring, grid, exponential, full };

[[nodiscard]] std::optional<Topology> parse_topology(std::string_view name);

/// Neighbours of `node` among `nodes`, ascending, without itself; the relation is symmetric.
/// Empty for `overlay`. grid: a torus with the most nearly square sides that divide `nodes`.
/// exponential: +-2^k around a ring (Assran et al. 2019, static and undirected).
[[nodiscard]] std::vector<std::uint32_t> pinned_neighbours(Topology topology, std::uint32_t node,
                                                           std::uint32_t nodes);

}  // namespace starling::sim
