#pragma once
// The addresses under which a node is announced, as its machine moves between networks. Included
// only inside node/runtime, because it shows Asio.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "node/runtime/own_address.h"

namespace starling::runtime {

/// Looks every few seconds. Thread: the network thread.
class AddressWatch {
 public:
  struct Actions {
    /// Those who are to reach this node, as address texts: their routes say which of its addresses
    /// is good for them.
    std::function<std::vector<std::string>()> destinations;
    /// What is to be announced from now on.
    std::function<void(const std::string&)> changed;
  };
  /// current: what is announced at the start.
  AddressWatch(asio::io_context& network, std::string listened_on, AnnouncedAddress announced,
               std::string current, Actions actions);

  void start();

 private:
  void look();

  asio::steady_timer timer_;
  std::string listened_on_;
  AnnouncedAddress announced_;
  std::string current_;
  Actions actions_;
};

}  // namespace starling::runtime
