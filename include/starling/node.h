#pragma once
// A node inside your program: your task in, events out. It trains and talks on threads of its own.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/config.h"
#include "starling/event.h"
#include "starling/ids.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling {

/// A running node. Destruction leaves the run and waits for that, 10 s at most once the task's
/// call under way has returned. Every const or request function may be called from any thread.
class Node {
 public:
  /// Makes a run and takes part in it. Others need ticket(), and the same objective on their data.
  /// Error: invalid_input naming the option, the value seen and those allowed; a port in use; a
  /// node directory that has a run already.
  [[nodiscard]] static Result<Node> create(const RunOptions& run, std::unique_ptr<Task> task,
                                           const NodeOptions& options = {});

  /// Takes part in a run. An empty ticket: the one kept in options.directory, to go on after a
  /// restart, whether it has expired or not. A newcomer first asks a member what the run is, which
  /// blocks for options.patience at most. Error: invalid_input, a ticket that is cut short, forged
  /// or expired; a recipe that needs a gradient the task does not have; as create(). failure: no
  /// member gave the run's description.
  [[nodiscard]] static Result<Node> join(std::string_view ticket, std::unique_ptr<Task> task,
                                         const NodeOptions& options = {});

  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;
  ~Node();

  [[nodiscard]] const std::string& ticket() const;
  /// What the run is, as NodeOptions::description takes it.
  [[nodiscard]] const std::string& description() const;
  [[nodiscard]] NodeId id() const;

  /// The next event; nothing if none came within `patience` (a day at most), or at once after
  /// Stopped. Of more than a thousand events that nobody takes the oldest are dropped, but never
  /// Merged and Stopped.
  [[nodiscard]] std::optional<Event> wait_event(std::chrono::milliseconds patience);

  /// Not older than the last event or a second.
  [[nodiscard]] NodeStatus status() const;

  /// Opens the final merge now instead of after the last step.
  void request_merge();
  /// Saves and says farewell; Stopped follows within 10 s, and a second for every 50 MB of model.
  void leave();

  /// The merged parameters, from the Merged event on; empty before.
  [[nodiscard]] std::vector<float> parameters() const;

  /// Blocks until the node has ended by itself or by leave(). Error: what Stopped says.
  [[nodiscard]] Result<void> wait();

 private:
  class Running;
  explicit Node(std::unique_ptr<Running> running);

  std::unique_ptr<Running> running_;
};

}  // namespace starling
