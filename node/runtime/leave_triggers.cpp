#include "node/runtime/leave_triggers.h"

#include <unistd.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace starling::runtime {

LeaveTriggers::LeaveTriggers(asio::io_context& network, Actions actions)
    : actions_(std::move(actions)), signals_(network), input_(network) {}

void LeaveTriggers::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  signals_.add(SIGINT);
  signals_.add(SIGTERM);
  // The terminal's window was closed. Whoever starts a node with nohup wants it to stay.
  struct sigaction before{};
  const bool is_ignored =
      ::sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
  if (!is_ignored) signals_.add(SIGHUP);
  await_signal();
}

void LeaveTriggers::await_signal() {
  signals_.async_wait([this](std::error_code cancelled, int) {
    if (cancelled) return;
    std::exchange(signalled_, true) ? actions_.end_now() : actions_.leave();
    await_signal();
  });
}

void LeaveTriggers::watch_standard_input() {
  std::error_code refused;
  const int copy = ::dup(STDIN_FILENO);
  input_.assign(copy, refused);
  if (!refused) return await_input();
  ::close(copy);
}

void LeaveTriggers::await_input() {
  input_.async_read_some(asio::buffer(ignored_), [this](std::error_code ended, std::size_t) {
    if (ended == asio::error::operation_aborted) return;
    ended ? actions_.leave() : await_input();
  });
}

}  // namespace starling::runtime
