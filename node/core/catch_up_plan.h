#pragma once
// How a node that misses many votes gets them: all of them, or a neighbour's sum of the older ones
// and the rest. The cheaper by what was measured (LEDGER.md, joining).

#include <cstdint>
#include <optional>
#include <string_view>

#include "starling/result.h"

namespace starling::node {

enum class CatchUpMethod : std::uint8_t { replay, snapshot };
[[nodiscard]] std::string_view name_of(CatchUpMethod method);

/// What the user wants; automatic: the cheaper.
enum class CatchUpMode : std::uint8_t { automatic, replay, snapshot };
/// "auto", "replay" or "snapshot". Error: invalid_input naming the text seen and those allowed.
[[nodiscard]] Result<CatchUpMode> parse_catch_up_mode(std::string_view text);

struct CatchUpFacts {
  bool has_whole_ledger = false;      ///< A neighbour can give every packet since the start.
  std::uint64_t packets_missing = 0;  ///< Not held here.
  std::uint64_t packets_held = 0;
  double packet_bytes = 0;  ///< Mean size of one.
  /// To verify a packet and to add its votes. A tile costs the same for any number of votes, so
  /// this depends on how many packets of a step come together, which a sample shows.
  double packet_s = 0;
  double download_bytes_per_s = 0;
  double round_trip_s = 0;                      ///< Until anything asked for begins to come.
  std::optional<std::uint64_t> snapshot_bytes;  ///< Of one that may be adopted, if there is any.
  std::uint64_t snapshot_packets = 0;           ///< What it contains.
};

/// Predicted seconds; infinite where a way is not possible.
struct CatchUpPlan {
  CatchUpMethod method = CatchUpMethod::replay;
  double replay_s = 0;
  double snapshot_s = 0;
};

/// Nothing if what the mode allows is not possible now.
[[nodiscard]] std::optional<CatchUpPlan> plan_catch_up(const CatchUpFacts& facts, CatchUpMode mode);

}  // namespace starling::node
