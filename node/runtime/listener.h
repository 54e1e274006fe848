#pragma once
// A listening TCP socket, made before anything runs on it: so a taken port is an error at the
// start, and a parent can open the sockets of its children and tell all of them all addresses.

#include <cstdint>
#include <string>
#include <string_view>

#include "node/runtime/address.h"
#include "node/runtime/file.h"
#include "node/runtime/store.h"
#include "starling/result.h"

namespace starling::runtime {

struct Listener {
  FileDescriptor socket;
  std::string address;  ///< As bound: numeric host and the port chosen.
};

/// address: "host:port"; port 0 lets the system choose. Host [::] or * stands for every interface
/// and both families, where this machine has IPv6; 0.0.0.0 for every interface of IPv4.
/// Sockets that dial may share the port (SO_REUSEPORT); another listener may not.
/// Error: names the address and the cause.
[[nodiscard]] Result<Listener> listen_on(std::string_view address);

struct SteadyListener {
  Listener listener;
  std::string warning;  ///< Set if the port that the node had before is taken.
};

/// As listen_on(), but a port that the system may choose is the one that this node had before, if
/// it can be had (Store::load_port), so that those who know the address find the node.
/// Error: as listen_on().
[[nodiscard]] Result<SteadyListener> listen_steadily(std::string_view address, const Store& store);

/// Takes over a socket that the parent process opened with listen_on(). Error: not such a socket.
[[nodiscard]] Result<Listener> inherited_listener(int fd);

}  // namespace starling::runtime
