#pragma once
// What makes a process leave besides a request: SIGINT, SIGTERM, SIGHUP, the end of standard input.
// Included only inside node/runtime, because it shows Asio.

#include <array>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <functional>

namespace starling::runtime {

class LeaveTriggers {
 public:
  struct Actions {
    std::function<void()> leave;    ///< The first signal, or the end of the input.
    std::function<void()> end_now;  ///< Every further signal.
  };
  /// actions: called on the network thread.
  LeaveTriggers(asio::io_context& network, Actions actions);

  /// Also makes the process survive a closed pipe: a reader of our events that ends is no reason
  /// to die without a farewell.
  void watch_signals();

  /// Nothing is watched if standard input is a file or /dev/null: then there is no parent.
  void watch_standard_input();

 private:
  void await_signal();
  void await_input();

  Actions actions_;
  bool signalled_ = false;
  asio::signal_set signals_;
  asio::posix::stream_descriptor input_;
  std::array<char, 256> ignored_;
};

}  // namespace starling::runtime
