#include "node/runtime/node_thread.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace starling::runtime {
namespace {

/// Asio throws, and so may the user's task: neither may end the program around the node.
template <class Call>
std::invoke_result_t<Call> without_exceptions(Call&& call) {
  try {
    return call();
  } catch (const std::exception& problem) {
    return failure(std::string("the node broke off: ") + problem.what());
  }
}

}  // namespace

Result<std::unique_ptr<NodeThread>> NodeThread::start(DriverOptions options) {
  std::unique_ptr<NodeThread> node(new NodeThread);
  options.on_event = [&node = *node](const Event& event) { node.on_event(event); };
  options.on_merged_model = [&node = *node](std::vector<protocol::SharedBytes> pieces) {
    node.on_merged_model(std::move(pieces));
  };
  Outcome created;
  std::future<Result<void>> creation = created.get_future();
  node->thread_ = std::thread(&NodeThread::run, node.get(), std::move(options), std::move(created));
  if (Result<void> is_created = creation.get(); !is_created) {
    return std::unexpected(is_created.error());
  }
  return node;
}

NodeThread::~NodeThread() {
  request_leave();
  if (thread_.joinable()) thread_.join();
}

void NodeThread::run(DriverOptions options, Outcome created) {
  auto driver = without_exceptions([&] { return Driver::create(std::move(options)); });
  if (!driver) return created.set_value(std::unexpected(driver.error()));
  show_driver(driver->get());
  created.set_value({});
  const Result<void> ended = without_exceptions([&] { return (*driver)->run(); });
  show_driver(nullptr);
  driver->reset();  // the sockets and the node directory are free when the owner hears of the end
  events_.push(Stopped{ended ? std::string() : ended.error().message});
  ended_.set_value(ended);
}

/// Merged waits for the parameters, Stopped for what the sockets and the disk say at the end.
void NodeThread::on_event(const Event& event) {
  if (const auto* merged = std::get_if<Merged>(&event)) {
    merged_ = *merged;
  } else if (!std::holds_alternative<Stopped>(event)) {
    events_.push(event);
  }
}

void NodeThread::on_merged_model(std::vector<protocol::SharedBytes> pieces) {
  {
    const std::lock_guard lock(mutex_);
    merged_pieces_ = std::move(pieces);
  }
  events_.push(*std::exchange(merged_, std::nullopt));
}

void NodeThread::show_driver(Driver* driver) {
  const std::lock_guard lock(mutex_);
  if (driver == nullptr) last_status_ = driver_->status();
  driver_ = driver;
}

std::optional<Event> NodeThread::wait_event(std::chrono::milliseconds patience) {
  return events_.pop(patience);
}

NodeStatus NodeThread::status() const {
  const std::lock_guard lock(mutex_);
  return driver_ != nullptr ? driver_->status() : last_status_;
}

void NodeThread::request_merge() {
  const std::lock_guard lock(mutex_);
  if (driver_ != nullptr) driver_->request_merge();
}

void NodeThread::request_leave() {
  const std::lock_guard lock(mutex_);
  if (driver_ != nullptr) driver_->request_leave();
}

std::vector<float> NodeThread::merged_parameters() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const protocol::SharedBytes& piece : merged_pieces_) bytes += piece.size();
  std::vector<float> parameters(bytes / sizeof(float));
  auto* at = reinterpret_cast<std::uint8_t*>(parameters.data());
  for (const protocol::SharedBytes& piece : merged_pieces_) {
    at = std::copy(piece.begin(), piece.end(), at);
  }
  return parameters;
}

Result<void> NodeThread::wait() const {
  return end_.get();
}

}  // namespace starling::runtime
