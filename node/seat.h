#pragma once
// One node's place in a run: what it brings along, put together with what the run fixes.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "node/invitation.h"
#include "node/runtime/driver.h"
#include "node/runtime/listener.h"
#include "node/runtime/store.h"
#include "node/start_model.h"
#include "protocol/wire/message.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling {

/// Where a node listens, and what others dial, unless its user says otherwise.
struct Place {
  std::string listen;
  std::string address;  ///< As AnnouncedAddress::named.
};

/// The ticket's first address text is the run's owner's. Everyone else takes any port. Both listen
/// on this machine alone if the run is on it, otherwise on every interface, for IPv6 and IPv4.
/// Error: that text is not HOST:PORT, or a list of them.
[[nodiscard]] Result<Place> usual_place(const Invitation& invitation, const NodeId& self);

/// Of a node's own batches: the same after a restart, different on every node.
[[nodiscard]] std::uint64_t data_seed(std::uint64_t run_seed, const NodeId& self);

struct Seat {
  crypto::SigningKey key;
  std::unique_ptr<Task> task;
  runtime::Listener listener;
  std::string listener_warning = {};  ///< As SteadyListener::warning.
  std::string address = {};           ///< As AnnouncedAddress::named.
  bool address_is_final = false;      ///< As AnnouncedAddress::is_final.
  std::optional<runtime::Store> store = std::nullopt;
  std::vector<protocol::PeerRecord> pinned_neighbours = {};
  runtime::HomeNetworkUse home_network = {};
  std::optional<StartModel> start = std::nullopt;  ///< If the run starts from a model's file.
};

/// Options of a driver that trains the run's recipe on the seat's task.
/// Error: the recipe or the starting model does not fit the task; an address that nobody can dial.
[[nodiscard]] Result<runtime::DriverOptions> take_seat(const Invitation& invitation, Seat seat);

}  // namespace starling
