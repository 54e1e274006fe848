#pragma once
// Where a node stands in its run, and what may follow what.

#include <array>
#include <cstdint>
#include <string_view>

namespace starling::node {

enum class Phase : std::uint8_t {
  restoring,    ///< Its checkpoint is being loaded.
  joining,      ///< It looks for the others.
  catching_up,  ///< It takes over the state of a run under way.
  training,
  waiting,  ///< Its steps are done, or a merge has failed.
  merging,  ///< Its vector is part of a merge under way.
  done,     ///< It has the merged model.
  leaving,
  stopped
};

inline constexpr std::size_t phase_count = 9;

/// As status has them.
inline constexpr std::array<std::string_view, phase_count> phase_names = {
    "restoring", "joining", "catching_up", "training", "waiting_for_merge",
    "merging",   "done",    "leaving",     "stopped"};

[[nodiscard]] constexpr std::string_view name_of(Phase phase) {
  return phase_names[static_cast<std::size_t>(phase)];
}

/// True if a node may go from one phase to the other. Whoever has nothing to give to a merge
/// (restoring, joining, catching_up) takes its result and is done; everyone may leave at any time.
[[nodiscard]] constexpr bool may_follow(Phase before, Phase after) {
  switch (after) {
    case Phase::restoring:
      return before == Phase::joining;
    case Phase::joining:
      return before == Phase::restoring;
    case Phase::catching_up:
      return before == Phase::joining;
    case Phase::training:
      return before == Phase::joining || before == Phase::catching_up;
    case Phase::waiting:
      return before == Phase::training || before == Phase::merging;
    case Phase::merging:
      return before == Phase::training || before == Phase::waiting || before == Phase::merging;
    case Phase::done:
      return before < Phase::done;
    case Phase::leaving:
      return before < Phase::stopped;
    case Phase::stopped:  // a copy of a node that runs stops without taking leave
      return before != Phase::stopped;
  }
  return false;
}

}  // namespace starling::node
