#pragma once
// From an address text to a connected socket: all of its names are looked up and all addresses
// raced, as RFC 8305 ("happy eyeballs") says. Included only inside node/runtime, because it shows
// Asio.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "node/runtime/resolver.h"
#include "protocol/link/dial_problem.h"
#include "starling/instant.h"

namespace starling::runtime {

struct DialOptions {
  std::string address;  ///< An address text (address.h).
  /// The port to dial from, where the system allows it: the one listened on, so that the peer and
  /// the routers on the way see the address under which this node can be dialled. 0: any.
  std::uint16_t source_port = 0;
  /// From another port the dial would be of no use.
  bool needs_source_port = false;
  /// Tells our own listening address: it is not dialled.
  std::function<bool(const asio::ip::tcp::endpoint&)> is_self;
};

/// One dial; its handlers share it.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  using Tcp = asio::ip::tcp;
  /// No problem: the socket is open. Called from Asio's loop, once for each start() and resume().
  using Done = std::function<void(std::optional<protocol::DialProblem>, Tcp::socket)>;

  /// network, resolver: outlive the dial's handlers.
  Dial(asio::io_context& network, Resolver& resolver, DialOptions options, Done done);

  void start();

  /// Whoever answered was not the one meant, for the reason given: goes on with what is left.
  void resume(protocol::DialProblem problem);

  /// Two nodes that dial each other from their listening ports at the same moment can meet in one
  /// connection (TCP's simultaneous open), in which both speak first. Dials the address that
  /// answered last once more, from a port at which that cannot happen. False: it was dialled so
  /// already.
  [[nodiscard]] bool dial_from_another_port();

  /// Nothing is called any more.
  void cancel();

 private:
  struct Target {
    Tcp::endpoint at;
    bool from_any_port = false;  ///< Not from the one listened on.
  };
  struct Attempt {
    Attempt(asio::io_context& network, const Target& target)
        : to(target), socket(network), timer(network) {}

    Target to;
    Tcp::socket socket;
    asio::steady_timer timer;
    bool is_from_port = false;
    bool is_out = false;  ///< Of the race: what its handlers still say does not matter.
  };
  using AttemptPtr = std::shared_ptr<Attempt>;

  void look_up(const HostPort& target);
  void add(const std::vector<Tcp::endpoint>& found);
  void begin_race();
  void proceed();
  [[nodiscard]] std::optional<Target> take_next();
  void put_first(const Target& target);
  void attempt(const Target& to);
  void connect(const AttemptPtr& attempt, bool from_port);
  void connected(const AttemptPtr& attempt, std::error_code problem);
  void note(protocol::DialProblem problem);
  void stop_attempts();
  void finish(std::optional<protocol::DialProblem> problem, Tcp::socket socket);

  asio::io_context& network_;
  Resolver& resolver_;
  DialOptions options_;
  Done done_;
  asio::steady_timer stagger_;
  asio::steady_timer deadline_;  // of the whole race
  bool is_racing_ = false;
  bool is_staggered_ = false;  // the next attempt waits for stagger_
  bool is_over_ = false;       // no attempt begins any more
  bool takes_v6_next_ = true;
  std::size_t lookups_ = 0;
  std::size_t tried_ = 0;
  std::deque<Target> v6_;  // to be tried
  std::deque<Target> v4_;
  std::optional<Target> reached_;     // by the last winner, if from the port listened on
  std::vector<AttemptPtr> attempts_;  // under way
  std::optional<protocol::DialProblem> problem_;  // the most telling one so far
};

}  // namespace starling::runtime
