#pragma once
// One factor shortens every interval of a machine, so that a LAN or a testnet repairs itself
// sooner (PROTOCOL.md section 3).

#include "starling/instant.h"

namespace starling::protocol {

/// scale: > 0; 1 is the wide-area pace of limits.h.
[[nodiscard]] inline Duration scaled(Duration interval, double scale) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(interval.count()) * scale));
}

}  // namespace starling::protocol
