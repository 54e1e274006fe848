#pragma once
// Finds the members of the run on the local network: asks by multicast, answers who asks
// (protocol/link/beacon.h has the datagrams). Included only inside node/runtime, because it shows
// Asio.

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "node/runtime/lan_addresses.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::runtime {

/// All processes of a machine share this UDP port. Not registered; beside the 4747 of examples.
inline constexpr std::uint16_t beacon_port = 4748;

struct LanBeaconOptions {
  RunId run;
  std::optional<crypto::Secret<32>> psk = std::nullopt;  ///< Set: a private run.
  NodeId self;
  std::uint16_t port = 0;  ///< Where this node takes links; 0: nowhere, it only asks.
  std::uint16_t group_port = beacon_port;
  /// From where it asks: asked anew each time, for a machine moves.
  std::function<std::vector<LanAddress>()> addresses = lan_addresses;
};

/// Thread: the one that runs `network`, for every call.
class LanBeacon {
 public:
  struct Actions {
    /// A member of the run listens there: it has asked or answered. Told each time, at most
    /// limits::beacon_contacts_per_second_max times a second.
    std::function<void(protocol::PeerRecord)> found;
    /// What a person should know; each once.
    std::function<void(std::string)> warn;
  };

  /// network must outlive the beacon.
  LanBeacon(asio::io_context& network, LanBeaconOptions options, Actions actions);
  LanBeacon(const LanBeacon&) = delete;
  LanBeacon& operator=(const LanBeacon&) = delete;
  ~LanBeacon();

  /// Asks now, soon again, and then at longer intervals. Call it again when the machine has moved.
  /// Without a network nothing is sent until there is one.
  void ask();
  /// Closes all sockets; nothing is told any more.
  void close();

 private:
  class Sockets;
  std::shared_ptr<Sockets> sockets_;
};

}  // namespace starling::runtime
