#pragma once
// Keeps a port open on the router of a home network for as long as the node runs. The libraries
// for it block, so that they have a thread of their own. Included only inside node/runtime, because
// it shows Asio.

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "node/runtime/gateway.h"
#include "node/runtime/mapping_lease.h"

namespace starling::runtime {

/// outward_v4_host(), if it is private.
[[nodiscard]] std::optional<std::string> private_v4_host();

struct PortMapperOptions {
  std::uint16_t port = 0;  ///< Where this node listens.
  Gateways gateways = all_gateways();
  /// This machine's address on the way to the router, if that is a private one; nothing: no port
  /// has to be opened. Called on the mapper's thread.
  std::function<std::optional<std::string>()> private_host = private_v4_host;
};

/// Thread: the one that runs `network`, for every call.
class PortMapper {
 public:
  struct Actions {
    std::function<void(const MappingNews&)> changed;
    /// What a person should know; each text once.
    std::function<void(const std::string&)> warn;
  };

  /// Begins at once. network must outlive the mapper.
  PortMapper(asio::io_context& network, PortMapperOptions options, Actions actions);
  PortMapper(const PortMapper&) = delete;
  PortMapper& operator=(const PortMapper&) = delete;
  /// Does not wait: what a router is being asked at the moment takes its time without us.
  ~PortMapper();

  /// This machine is somewhere else now.
  void moved();
  /// Closes the port. `closed` is called once it is closed, or after close_time_max.
  void close(std::function<void()> closed);

  /// Whoever ends a program waits no longer for a router.
  static constexpr Duration close_time_max = std::chrono::seconds(2);

 private:
  struct Loop;
  struct Worker;
  std::shared_ptr<Loop> loop_;
  std::shared_ptr<Worker> worker_;  ///< Shared with its thread; null: there is none.
};

}  // namespace starling::runtime
