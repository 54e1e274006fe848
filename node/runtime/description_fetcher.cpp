#include "node/runtime/description_fetcher.h"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <utility>
#include <variant>

#include "node/core/description_fetch.h"
#include "node/runtime/endpoint.h"
#include "node/runtime/lan_beacon.h"
#include "node/runtime/leave_triggers.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

/// One fetch and what it needs of the machine.
class Fetcher {
 public:
  explicit Fetcher(const DescriptionFetcherOptions& options)
      : on_failure_(options.on_failure),
        key_(crypto::SigningKey::from_seed(random_secret())),
        endpoint_(network_, Listener(), {.run = options.run, .key = key_, .psk = options.psk},
                  [this](node::Input input) { deliver(std::move(input)); }),
        fetch_(options.run, options.addresses),
        timer_(network_),
        end_timer_(network_),
        triggers_(network_, {.leave = [this] { stop("it was told to stop"); },
                             .end_now = [this] { stop("it was told to stop"); }}) {
    if (options.looks_on_lan) {
      beacon_.emplace(
          network_, LanBeaconOptions{.run = options.run, .psk = options.psk, .self = key_.id()},
          LanBeacon::Actions{
              .found =
                  [this](protocol::PeerRecord peer) { deliver(node::LanContact{std::move(peer)}); },
              .warn = options.on_warning});
    }
    if (options.stop_on_signal) triggers_.watch_signals();
    if (options.stop_when_standard_input_ends) triggers_.watch_standard_input();
    if (options.time_max == Duration::max()) return;
    end_timer_.expires_after(options.time_max);
    end_timer_.async_wait([this](std::error_code cancelled) {
      if (!cancelled) stop("no member gave it in time");
    });
  }

  Result<std::string> run() {
    handling_ = true;
    perform_all(fetch_.start(monotonic_now()));
    handle_inbox();
    if (beacon_) beacon_->ask();
    network_.run();
    if (const auto& text = fetch_.description()) return std::string(text->begin(), text->end());
    std::string reason = "the run's description was not fetched: " + stop_reason_;
    if (last_failure_) reason += " (" + last_failure_->address + ": " + last_failure_->advice + ")";
    return failure(std::move(reason));
  }

 private:
  void deliver(node::Input input) {
    inbox_.push_back(std::move(input));
    if (!handling_) handle_inbox();
  }

  void handle_inbox() {
    handling_ = true;
    while (!inbox_.empty()) {
      node::Input next = std::move(inbox_.front());
      inbox_.pop_front();
      perform_all(fetch_.handle(std::move(next), monotonic_now()));
    }
    handling_ = false;
    if (fetch_.description()) end();
  }

  void perform_all(std::vector<node::Output> outputs) {
    for (node::Output& output : outputs) {
      if (const auto* connect = std::get_if<node::Connect>(&output)) {
        endpoint_.connect(connect->peer, connect->path);
      } else if (auto* send = std::get_if<node::Send>(&output)) {
        endpoint_.send(send->peer, std::move(send->message));
      } else if (const auto* hang_up = std::get_if<node::Disconnect>(&output)) {
        endpoint_.disconnect(hang_up->peer, hang_up->reason);
      } else if (const auto* timer = std::get_if<node::StartTimer>(&output)) {
        start_timer(timer->at);
      } else if (const auto* notice = std::get_if<node::Notify>(&output)) {
        notify(notice->event);
      }
    }
  }

  /// The last one is also why it was given up.
  void notify(const Event& event) {
    const auto* failed = std::get_if<ContactFailed>(&event);
    if (failed == nullptr) return;
    last_failure_ = *failed;
    if (on_failure_) on_failure_(*failed);
  }

  void start_timer(Instant at) {
    timer_.expires_after(at - monotonic_now());
    timer_.async_wait([this](std::error_code cancelled) {
      if (!cancelled) deliver(node::TimerFired{});
    });
  }

  void stop(std::string reason) {
    if (stop_reason_.empty()) stop_reason_ = std::move(reason);
    end();
  }

  /// Says farewell, so that no member waits for this link.
  void end() {
    if (std::exchange(ending_, true)) return network_.stop();
    timer_.cancel();
    if (beacon_) beacon_->close();
    endpoint_.close(protocol::CloseReason::normal, [this] { network_.stop(); });
  }

  std::function<void(const ContactFailed&)> on_failure_;
  std::optional<ContactFailed> last_failure_;
  asio::io_context network_;
  crypto::SigningKey key_;
  Endpoint endpoint_;
  std::optional<LanBeacon> beacon_;
  node::DescriptionFetch fetch_;
  asio::steady_timer timer_;
  asio::steady_timer end_timer_;
  LeaveTriggers triggers_;
  std::deque<node::Input> inbox_;  // what an output caused while outputs were being performed
  bool handling_ = false;
  bool ending_ = false;
  std::string stop_reason_;
};

}  // namespace

Result<std::string> fetch_description(const DescriptionFetcherOptions& options) {
  if (options.addresses.empty() && !options.looks_on_lan) {
    return invalid_input(
        "the ticket names no address to fetch the run's description from, and the local network is "
        "not asked; give the file that the run's owner has of it with --offline-description");
  }
  return Fetcher(options).run();
}

}  // namespace starling::runtime
