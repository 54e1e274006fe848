#pragma once
// One node's place in a run: what it brings along, put together with what the run fixes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "node/invitation.h"
#include "node/runtime/driver.h"
#include "node/runtime/listener.h"
#include "node/runtime/store.h"
#include "protocol/message.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling {

struct Seat {
  crypto::SigningKey key;
  std::unique_ptr<Task> task;
  runtime::Listener listener;
  std::string address = {};  ///< What others dial; empty: the listener's.
  std::optional<runtime::Store> store = std::nullopt;
  std::vector<protocol::PeerRecord> pinned_neighbours = {};
};

/// Options of a driver that trains the run's recipe on the seat's task.
/// Error: the recipe does not fit the task.
[[nodiscard]] Result<runtime::DriverOptions> take_seat(const Invitation& invitation, Seat seat);

}  // namespace starling
