#pragma once
// What goes wrong, and when: written down in the scenario, or drawn from the seed.

#include <cstdint>
#include <variant>
#include <vector>

#include "starling/instant.h"

namespace starling::sim {

/// The process ends; what it put on disk remains. It starts again `down` later, or never.
struct Crash {
  std::uint32_t node = 0;
  Duration down = Duration::max();
  bool is_silent = false;  ///< The machine loses power: its peers' sockets stay open.
};
/// The process stands still: it receives and sends nothing, but its sockets stay open.
struct Pause {
  std::uint32_t node = 0;
  Duration length{0};
};
/// One connection breaks; both ends notice.
struct Cut {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};
/// Only nodes of the same group reach each other; unnamed nodes are a group of their own.
struct Partition {
  std::vector<std::vector<std::uint32_t>> groups;
  Duration length{0};
  /// Nothing crosses, and no socket breaks: what was sent arrives once the groups are one again.
  bool is_silent = false;
};
/// One bit of a replica's integer grid turns over, as in a failing memory (recipe votes).
struct Flip {
  std::uint32_t node = 0;
};
/// The node signs a second packet of votes under the number of its newest, and sends it to half of
/// its neighbours (recipe votes).
struct Equivocate {
  std::uint32_t node = 0;
};
/// A copy of the node's disk, as it is now, begins to run on another machine.
struct Copy {
  std::uint32_t node = 0;
};
/// The node starts only now.
struct LateJoin {
  std::uint32_t node = 0;
};

struct Fault {
  Instant at;
  std::variant<Crash, Pause, Cut, Partition, LateJoin, Flip, Equivocate, Copy> what;
};

/// Rates are of the whole swarm; 0: never.
struct RandomFaults {
  Instant from;
  Instant until;
  double crashes_per_s = 0;
  Duration down = std::chrono::seconds(2);
  double pauses_per_s = 0;
  Duration pause = std::chrono::seconds(1);
  double cuts_per_s = 0;
};

/// Arrivals of three Poisson processes, one after another. nodes >= 2.
[[nodiscard]] std::vector<Fault> draw_faults(const RandomFaults& rule, std::uint32_t nodes,
                                             std::uint64_t seed);

}  // namespace starling::sim
