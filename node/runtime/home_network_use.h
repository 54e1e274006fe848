#pragma once

#include <string>

namespace starling::runtime {

/// What a node uses of the network that its machine is in (home_network.h).
struct HomeNetworkUse {
  bool beacon = false;
  bool port_mapping = false;
};

/// Nothing for a node that nobody outside this machine can dial. listened_on: as
/// Listener::address.
[[nodiscard]] HomeNetworkUse useful_on(const std::string& listened_on, HomeNetworkUse wanted);

}  // namespace starling::runtime
