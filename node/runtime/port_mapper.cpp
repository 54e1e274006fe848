#include "node/runtime/port_mapper.h"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "node/runtime/address.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

using namespace std::chrono_literals;

// Whether the machine has come into a private network without anybody having noticed; our guess.
constexpr Duration look_interval_max = 60s;

}  // namespace

/// What belongs to the loop: the thread may outlive it, and must not be the one to destroy it.
struct PortMapper::Loop {
  Loop(asio::io_context& network, Actions wanted)
      : actions(std::move(wanted)), close_timer(network) {}

  Actions actions;
  asio::steady_timer close_timer;
  std::function<void()> closed;
  std::set<std::string> warned_of;

  void warn(const std::string& text) {
    constexpr std::size_t warnings_max = 4;
    if (warned_of.size() < warnings_max && warned_of.insert(text).second) actions.warn(text);
  }
  void finish() {
    close_timer.cancel();
    if (auto tell_closed = std::exchange(closed, nullptr)) tell_closed();
  }
};

/// What the thread has, and how it is reached.
struct PortMapper::Worker {
  // The thread's own.
  PortMapperOptions options;
  std::weak_ptr<Loop> loop;  // locked on the loop only
  MappingLease lease = {};
  std::string host = {};        // the private one, from which the router was asked
  Gateway* speaking = nullptr;  // of options.gateways: has opened the port

  std::mutex mutex = {};  // of what follows
  std::condition_variable changed = {};
  asio::io_context* network = nullptr;  // null once nobody wants to be told
  bool has_moved = false;
  bool is_ending = false;

  void work();
  [[nodiscard]] bool take_move();
  void look(bool has_moved_now);
  void ask();
  [[nodiscard]] std::optional<OpenedPort> open_somewhere();
  void tell(const std::vector<MappingNews>& news);
  void warn(std::string text);
  bool await_next();
  bool must_end();
  void post(std::function<void(Loop&)> task);
};

/// To the loop, unless that is gone.
void PortMapper::Worker::post(std::function<void(Loop&)> task) {
  const std::lock_guard lock(mutex);
  if (network == nullptr) return;
  asio::post(*network, [loop = loop, task = std::move(task)] {
    if (const auto living = loop.lock()) task(*living);
  });
}

void PortMapper::Worker::work() {
  do {
    look(take_move());
  } while (await_next());
  if (speaking != nullptr) speaking->close();
  post([](Loop& l) { l.finish(); });
}

bool PortMapper::Worker::take_move() {
  const std::lock_guard lock(mutex);
  return std::exchange(has_moved, false);
}

/// True: there is something to look at; false: the end has come.
bool PortMapper::Worker::await_next() {
  std::unique_lock lock(mutex);
  // In no private network nobody is asked, however long the time for it has come.
  const Duration until_ask = host.empty() ? look_interval_max : lease.ask_at() - monotonic_now();
  const Duration pause = std::clamp<Duration>(until_ask, 0s, look_interval_max);
  changed.wait_for(lock, pause, [this] { return has_moved || is_ending; });
  return !is_ending;
}

void PortMapper::Worker::look(bool has_moved_now) {
  const std::string now_host = options.private_host().value_or("");
  if (now_host != host || has_moved_now) {
    // The old router is out of reach, and forgets the port by itself.
    tell(lease.moved(monotonic_now()));
    speaking = nullptr;
    host = now_host;
  }
  if (!host.empty() && lease.ask_at() <= monotonic_now()) ask();
}

void PortMapper::Worker::ask() {
  const std::optional<OpenedPort> opened = open_somewhere();
  const Instant now = monotonic_now();
  if (!opened) return tell(lease.refused(now));
  const std::string address = address_text(opened->host, std::to_string(opened->port));
  if (is_private_host(opened->host)) {
    warn("the router has opened port " + std::to_string(opened->port) + " by " +
         std::string(speaking->name()) + ", but its own address, " + opened->host +
         ", is one of a private network: others on the internet cannot dial it");
    return tell(lease.refused(now));
  }
  tell(lease.granted(address, opened->lease, now));
}

std::optional<OpenedPort> PortMapper::Worker::open_somewhere() {
  if (speaking != nullptr) {
    if (auto renewed = speaking->open(host, options.port)) return renewed;
  }
  for (const std::unique_ptr<Gateway>& gateway : options.gateways) {
    if (must_end()) return std::nullopt;
    if (gateway.get() == speaking) continue;
    auto opened = gateway->open(host, options.port);
    if (!opened) continue;
    speaking = gateway.get();
    return opened;
  }
  return std::nullopt;
}

void PortMapper::Worker::tell(const std::vector<MappingNews>& news) {
  for (const MappingNews& each : news) {
    post([each](Loop& l) { l.actions.changed(each); });
  }
}

void PortMapper::Worker::warn(std::string text) {
  post([text = std::move(text)](Loop& l) { l.warn(text); });
}

bool PortMapper::Worker::must_end() {
  const std::lock_guard lock(mutex);
  return is_ending;
}

std::optional<std::string> private_v4_host() {
  auto host = outward_v4_host();
  return host && is_private_host(*host) ? host : std::nullopt;
}

PortMapper::PortMapper(asio::io_context& network, PortMapperOptions options, Actions actions)
    : loop_(std::make_shared<Loop>(network, std::move(actions))),
      worker_(std::make_shared<Worker>(std::move(options), loop_)) {
  worker_->network = &network;
  try {
    std::thread([worker = worker_] { worker->work(); }).detach();
  } catch (const std::system_error&) {  // no thread to be had: no port is opened
    worker_.reset();
  }
}

PortMapper::~PortMapper() {
  if (!worker_) return;
  const std::lock_guard lock(worker_->mutex);
  worker_->network = nullptr;
  worker_->is_ending = true;
  worker_->changed.notify_all();
}

void PortMapper::moved() {
  if (!worker_) return;
  const std::lock_guard lock(worker_->mutex);
  worker_->has_moved = true;
  worker_->changed.notify_all();
}

void PortMapper::close(std::function<void()> closed) {
  loop_->closed = std::move(closed);
  loop_->close_timer.expires_after(worker_ ? close_time_max : Duration{});
  loop_->close_timer.async_wait([loop = std::weak_ptr(loop_)](std::error_code cancelled) {
    const auto living = loop.lock();
    if (!cancelled && living) living->finish();
  });
  if (!worker_) return;
  const std::lock_guard lock(worker_->mutex);
  worker_->is_ending = true;
  worker_->changed.notify_all();
}

}  // namespace starling::runtime
