#pragma once
// What the network that a machine is in does for its node: other members in it are found by
// beacons, and its router opens a port. Included only inside node/runtime, because it shows Asio.

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "crypto/secret.h"
#include "node/core/io.h"
#include "node/runtime/home_network_use.h"
#include "node/runtime/lan_beacon.h"
#include "node/runtime/port_mapper.h"

namespace starling::runtime {

struct HomeNetworkOptions {
  HomeNetworkUse use;
  RunId run;
  std::optional<crypto::Secret<32>> psk = std::nullopt;
  NodeId self;
  std::uint16_t port = 0;  ///< Where the node listens.
};

/// Thread: the one that runs `network`, for every call.
class HomeNetwork {
 public:
  struct Actions {
    std::function<void(node::Input)> deliver;  ///< LanContact and AddressMapped.
    std::function<void(const std::string&)> warn;
  };

  /// network must outlive it.
  HomeNetwork(asio::io_context& network, HomeNetworkOptions options, Actions actions);

  void start();
  /// This machine is in another network now.
  void moved();
  /// `closed` is called once, within PortMapper::close_time_max.
  void close(std::function<void()> closed);

 private:
  void on_mapping(const MappingNews& news);

  asio::io_context& network_;
  HomeNetworkOptions options_;
  Actions actions_;
  std::optional<LanBeacon> beacon_;
  std::optional<PortMapper> mapper_;
};

}  // namespace starling::runtime
