#pragma once
// When a node trains and when it exchanges. The clocks' machines are trainers (node/core); here is
// what recipes say of them. A new clock is one file of this folder, a row of catalog.cpp and a
// trainer.

#include <cstdint>

#include "optim/part.h"

namespace starling::optim {

/// How peers come together.
enum class MeetingKind : std::uint8_t {
  pair,   ///< Two nodes, whenever both are free.
  round,  ///< A node and all its neighbours, in step.
};

struct ClockTraits {
  MeetingKind meeting = MeetingKind::pair;
};

struct ClockEntry : PartRow {
  ClockTraits (*traits)(const Settings&) = nullptr;
};

[[nodiscard]] const Catalog<ClockEntry>& clocks();

}  // namespace starling::optim
