#pragma once
// Names to addresses, each on a thread of its own: a name server that does not answer holds up
// neither other names nor the end of the program, as it would with Asio's one resolver thread.
// Included only inside node/runtime, because it shows Asio.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "node/runtime/address.h"

namespace starling::runtime {

class Resolver {
 public:
  /// Empty: the name is unknown, nobody answers, or too many lookups are under way.
  using Found = std::function<void(std::vector<asio::ip::tcp::endpoint>)>;

  explicit Resolver(asio::io_context& network);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  /// Answers that come later are dropped.
  ~Resolver();

  /// Calls `found` exactly once, from Asio's loop; how long it takes is the name server's affair.
  void look_up(const HostPort& target, Found found);

  /// The address, if the host is one already. Needs no lookup.
  [[nodiscard]] static std::vector<asio::ip::tcp::endpoint> numeric(const HostPort& target);

 private:
  struct Mailbox;
  struct Waiting;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace starling::runtime
