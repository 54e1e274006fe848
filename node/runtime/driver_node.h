#pragma once
// The state behind Driver. Included only by the two files that implement it, because it shows Asio.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/node_core.h"
#include "node/runtime/address_watch.h"
#include "node/runtime/compute_pool.h"
#include "node/runtime/control.h"
#include "node/runtime/disk_troubles.h"
#include "node/runtime/driver.h"
#include "node/runtime/endpoint.h"
#include "node/runtime/evaluated_models.h"
#include "node/runtime/home_network.h"
#include "node/runtime/leave_triggers.h"
#include "node/runtime/platform.h"
#include "node/runtime/start_up.h"
#include "node/runtime/telemetry.h"
#include "node/runtime/worker_team.h"

namespace starling::runtime {

/// All parts of a running node. Inputs go in by deliver(); perform() has one overload per output.
class Driver::Node {
 public:
  Node(DriverOptions options, SavedState saved);

  Result<void> open_control();
  Result<void> run();
  void post(node::Input input);
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] bool was_cut_short() const { return was_cut_short_; }

 private:
  void deliver(node::Input input);
  void handle_inbox();
  void perform_all(std::vector<node::Output> outputs);
  void perform(node::Connect& output) { endpoint_.connect(output.peer, output.path, output.via); }
  void perform(node::ProbeAddress& output) { endpoint_.probe(output.peer, output.nonce); }
  void perform(node::Disconnect& output) { endpoint_.disconnect(output.peer, output.reason); }
  void perform(node::Send& output) { endpoint_.send(output.peer, std::move(output.message)); }
  void perform(node::Admit& output) { endpoint_.admit(output.peer, output.incarnation); }
  void perform(node::Refuse& output) {
    endpoint_.refuse(output.peer, output.incarnation, std::move(output.proof));
  }
  void perform(node::StartTimer& output);
  void perform(node::RunLearner& output);
  void perform(node::SaveCheckpoint& output);
  void perform(node::StoreState&);
  void perform(node::AppendVotes& output);
  void perform(node::SavePeers& output);
  void perform(node::SaveMergedModel& output);
  void perform(node::Notify& output) { notify(output.event); }

  void start();
  void give_merged_model();
  void notify(const Event& event);
  void run_on_worker(ComputePool::Work work);
  void save_on_worker(std::move_only_function<Result<void>()> save,
                      std::function<void(const Result<void>&)> done);
  void leave();
  void fail(Error error);
  void begin_end(const std::string& error);
  void bound_the_end();
  void end_now();
  void end_when_done();
  void note_checkpoint(const Result<void>& saved);
  void note_disk(const std::string& what, const Result<void>& written);
  void tick_status();
  void announce(const std::string& address);
  [[nodiscard]] std::vector<std::string> destinations() const;
  void refresh_status();
  [[nodiscard]] std::string answer(std::string_view request);
  [[nodiscard]] std::string answer_merge(std::string_view request);

  DriverOptions options_;
  SavedState saved_;
  asio::io_context network_;
  AddressWatch address_watch_;
  HomeNetwork home_network_;
  Telemetry telemetry_;
  Endpoint endpoint_;
  node::NodeCore core_;
  WorkerTeam team_;
  ComputePool worker_;
  std::optional<EvaluatedModels> evaluated_;  // the worker's
  std::optional<ControlServer> control_;
  asio::steady_timer core_timer_;
  Instant core_timer_due_ = Instant::never();
  asio::steady_timer status_timer_;
  asio::steady_timer leave_timer_;
  LeaveTriggers leave_triggers_;
  DiskTroubles disk_troubles_;

  Instant started_ = monotonic_now();
  std::deque<node::Input> inbox_;  // what an output caused while outputs were being performed
  bool handling_ = false;
  bool leaving_ = false;
  bool ending_ = false;
  bool sockets_closed_ = false;
  bool worker_idle_ = false;
  bool home_network_left_ = false;
  bool was_cut_short_ = false;
  std::optional<Error> error_;

  mutable std::mutex status_mutex_;
  NodeStatus status_;
};

}  // namespace starling::runtime
