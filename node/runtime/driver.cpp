#include "node/runtime/driver.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <iterator>
#include <mutex>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "node/core/node_core.h"
#include "node/runtime/address_watch.h"
#include "node/runtime/compute_pool.h"
#include "node/runtime/control.h"
#include "node/runtime/disk_troubles.h"
#include "node/runtime/endpoint.h"
#include "node/runtime/evaluated_models.h"
#include "node/runtime/home_network.h"
#include "node/runtime/leave_triggers.h"
#include "node/runtime/platform.h"
#include "node/runtime/start_up.h"
#include "node/runtime/telemetry.h"
#include "node/runtime/worker_team.h"
#include "starling/check.h"

namespace starling::runtime {

namespace {

using namespace std::chrono_literals;

constexpr Duration status_interval = 1s;
// A leaving node saves its state and says farewell; whoever asked it to leave waits no longer.
constexpr Duration leave_time_max = 10s;
// A state is written meanwhile; our guess: what a hard disk does beside other work.
constexpr std::uint64_t disk_bytes_per_second_least = 50'000'000;

HomeNetworkOptions home_network_options(const DriverOptions& options) {
  const std::string& listened_on = options.listener.address;
  const auto own = parse_host_port(listened_on);
  return {.use = useful_on(listened_on, options.home_network),
          .run = options.core.run,
          .psk = options.psk,
          .self = options.core.self.id,
          .port = own ? own->port_number() : std::uint16_t{0}};
}

}  // namespace

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

Driver::Node::Node(DriverOptions options, SavedState saved)
    : options_(std::move(options)),
      saved_(std::move(saved)),
      address_watch_(network_, options_.listener.address, options_.announced,
                     options_.core.self.address,
                     {.destinations = [this] { return destinations(); },
                      .changed = [this](const std::string& address) { announce(address); }}),
      home_network_(network_, home_network_options(options_),
                    {.deliver = [this](node::Input input) { deliver(std::move(input)); },
                     .warn = [this](const std::string& text) { notify(Warned{text}); }}),
      telemetry_(options_.store ? &*options_.store : nullptr, options_.events_to_standard_output),
      endpoint_(network_, std::move(options_.listener),
                endpoint_options(options_.core, options_.psk),
                [this](node::Input input) { deliver(std::move(input)); }),
      core_(options_.core),
      team_(options_.compute_threads, options_.compute_niceness),
      worker_([this](ComputePool::Completion done) { asio::post(network_, std::move(done)); },
              options_.compute_niceness),
      core_timer_(network_),
      status_timer_(network_),
      leave_timer_(network_),
      leave_triggers_(network_, {.leave = [this] { leave(); }, .end_now = [this] { end_now(); }}) {
  if (options_.store && options_.evaluated_models_kept > 0) {
    evaluated_.emplace(options_.store->directory(), options_.evaluated_models_kept);
  }
  options_.learner.compute_with(
      [this](std::size_t count, const auto& work) { team_.run(count, work); });
}

Result<void> Driver::Node::open_control() {
  if (!options_.store) return {};
  auto server = ControlServer::create(network_, options_.store->directory(),
                                      [this](std::string_view line) { return answer(line); });
  if (!server) return std::unexpected(server.error());
  control_.emplace(std::move(*server));
  return {};
}

Result<void> Driver::Node::run() {
  if (options_.leave_on_signal) leave_triggers_.watch_signals();
  if (options_.leave_when_standard_input_ends) leave_triggers_.watch_standard_input();
  start();
  network_.run();
  refresh_status();
  static_cast<void>(telemetry_.publish(status()));
  if (error_) return std::unexpected(*error_);
  return {};
}

void Driver::Node::start() {
  endpoint_.start();
  handling_ = true;  // what the first outputs cause waits in the inbox
  perform_all(core_.start(monotonic_now(), std::move(saved_.checkpoint), saved_.votes));
  for (const std::string& warning : saved_.warnings) notify(Warned{warning});
  for (const std::string& warning : options_.warnings) notify(Warned{warning});
  saved_ = {};
  handle_inbox();
  tick_status();
  if (options_.core.self.address.empty()) {
    notify(Warned{"this machine has no network address yet; waiting for one"});
  }
  address_watch_.start();
  home_network_.start();
}

void Driver::Node::post(node::Input input) {
  const bool leave_requested = std::holds_alternative<node::LeaveRequested>(input);
  asio::post(network_, [this, leave_requested, input = std::move(input)]() mutable {
    leave_requested ? leave() : deliver(std::move(input));
  });
}

void Driver::Node::deliver(node::Input input) {
  if (ending_) return;
  inbox_.push_back(std::move(input));
  if (!handling_) handle_inbox();
}

void Driver::Node::handle_inbox() {
  handling_ = true;
  while (!inbox_.empty() && !ending_) {
    node::Input next = std::move(inbox_.front());
    inbox_.pop_front();
    perform_all(core_.handle(std::move(next), monotonic_now()));
  }
  handling_ = false;
}

void Driver::Node::perform_all(std::vector<node::Output> outputs) {
  for (node::Output& output : outputs) {
    std::visit([this](auto& item) { perform(item); }, output);
  }
}

void Driver::Node::perform(node::StartTimer& output) {
  core_timer_.cancel();
  core_timer_due_ = output.at;
  if (output.at == Instant::never()) return;
  core_timer_.expires_after(output.at - monotonic_now());
  core_timer_.async_wait([this, due = output.at](std::error_code cancelled) {
    // A wait that was over already when it was cancelled is not told so.
    if (cancelled || due != core_timer_due_) return;
    core_timer_due_ = Instant::never();
    deliver(node::TimerFired{});
  });
}

void Driver::Node::perform(node::RunLearner& output) {
  if (const auto* evaluate = std::get_if<node::EvaluateJob>(&output.job); evaluate && evaluated_) {
    // Before the job, so that the file is there when the event is told; on the learner's thread.
    save_on_worker(
        [this, step = evaluate->step] {
          return evaluated_->keep(step, options_.learner.parameters());
        },
        [this](const Result<void>& kept) { note_disk("an evaluated model", kept); });
  }
  run_on_worker([this, job = std::move(output.job)]() mutable -> ComputePool::Completion {
    node::LearnerFinished finished{options_.learner.run(std::move(job))};
    return [this, finished = std::move(finished)]() mutable { deliver(std::move(finished)); };
  });
}

void Driver::Node::perform(node::SaveCheckpoint& output) {
  if (!options_.store) return;
  save_on_worker(
      [this, state = std::move(output.state)] { return options_.store->save_checkpoint(state); },
      [this](const Result<void>& saved) { note_checkpoint(saved); });
}

void Driver::Node::perform(node::StoreState&) {
  save_on_worker(
      [this]() -> Result<void> {
        if (!options_.store) return {};
        return options_.store->save_checkpoint([this](const std::function<void(ByteSpan)>& write) {
          static_cast<void>(options_.learner.write_state(write));
        });
      },
      [this](const Result<void>& saved) {
        note_checkpoint(saved);
        deliver(node::StateStored{});
      });
}

/// What is not saved when leaving is lost; in the middle of a run the next one may succeed.
void Driver::Node::note_checkpoint(const Result<void>& saved) {
  leaving_ && !saved ? fail(saved.error()) : note_disk("the checkpoint", saved);
}

void Driver::Node::perform(node::AppendVotes& output) {
  if (!options_.store) return;
  const Result<void> appended = options_.store->append_votes(output.packet);
  if (!appended) fail(appended.error());
}

void Driver::Node::perform(node::SavePeers& output) {
  if (!options_.store) return;
  save_on_worker(
      [this, peers = std::move(output.peers)] { return options_.store->save_peers(peers); },
      [this](const Result<void>& saved) { note_disk("the address book", saved); });
}

void Driver::Node::perform(node::SaveMergedModel& output) {
  if (options_.on_merged_model) give_merged_model();
  if (!options_.store) return;
  save_on_worker(
      [this, manifest = std::move(output.manifest)] {
        const Bytes model = options_.encode_model(options_.learner.parameters());
        return options_.store->save_model(model, manifest_json(manifest));
      },
      [this](const Result<void>& saved) {
        if (!saved) fail(saved.error());
      });
}

/// Taken on the worker, which alone touches the learner.
void Driver::Node::give_merged_model() {
  run_on_worker([this]() -> ComputePool::Completion {
    return [this, pieces = options_.learner.parameter_pieces()]() mutable {
      options_.on_merged_model(std::move(pieces));
    };
  });
}

void Driver::Node::notify(const Event& event) {
  refresh_status();
  const NodeStatus now = status();
  const Result<void> recorded = telemetry_.record(event, {.since_start = monotonic_now() - started_,
                                                          .bytes_sent = now.bytes_sent,
                                                          .bytes_received = now.bytes_received,
                                                          .neighbours = now.neighbours.size()});
  note_disk("the events", recorded);
  if (options_.on_event) options_.on_event(event);
  if (const auto* stopped = std::get_if<Stopped>(&event)) begin_end(stopped->error);
}

/// Runs work in order. While too much waits nothing is read from peers, who cause most of it.
void Driver::Node::run_on_worker(ComputePool::Work work) {
  worker_.run([this, work = std::move(work)]() mutable -> ComputePool::Completion {
    ComputePool::Completion complete = work();
    return [this, complete = std::move(complete)]() mutable {
      complete();
      if (worker_.queue_length() < ComputePool::queue_length_high / 2) {
        endpoint_.pause_reading(false);
      }
    };
  });
  if (worker_.queue_length() > ComputePool::queue_length_high) endpoint_.pause_reading(true);
}

void Driver::Node::save_on_worker(std::move_only_function<Result<void>()> save,
                                  std::function<void(const Result<void>&)> done) {
  run_on_worker([save = std::move(save), done = std::move(done)]() mutable {
    return ComputePool::Completion([saved = save(), done = std::move(done)] { done(saved); });
  });
}

void Driver::Node::note_disk(const std::string& what, const Result<void>& written) {
  if (const auto news = disk_troubles_.note(what, written)) notify(*news);
}

void Driver::Node::leave() {
  if (ending_ || std::exchange(leaving_, true)) return;
  bound_the_end();
  deliver(node::LeaveRequested{});
}

/// The first failure is the one to report; what follows from it is not.
void Driver::Node::fail(Error error) {
  if (!error_) error_ = std::move(error);
  leave();
}

/// The core has stopped: sockets drain, and saves under way reach the disk.
void Driver::Node::begin_end(const std::string& error) {
  if (std::exchange(ending_, true)) return;
  if (!error.empty() && !error_) error_ = Error{ErrorKind::failure, error};
  bound_the_end();
  core_timer_.cancel();
  endpoint_.close(protocol::CloseReason::shutting_down, [this] {
    sockets_closed_ = true;
    end_when_done();
  });
  home_network_.close([this] {
    home_network_left_ = true;
    end_when_done();
  });
  worker_.run([this]() -> ComputePool::Completion {
    return [this] {
      worker_idle_ = true;
      end_when_done();
    };
  });
}

void Driver::Node::bound_the_end() {
  const std::uint64_t state_bytes = std::uint64_t{4} * options_.core.parameter_count;
  leave_timer_.expires_after(leave_time_max +
                             std::chrono::seconds(state_bytes / disk_bytes_per_second_least));
  leave_timer_.async_wait([this](std::error_code cancelled) {
    if (!cancelled) end_now();
  });
}

void Driver::Node::end_now() {
  was_cut_short_ = true;
  if (!error_) error_ = Error{ErrorKind::failure, "the node was ended before it had left the run"};
  network_.stop();
}

void Driver::Node::end_when_done() {
  if (sockets_closed_ && worker_idle_ && home_network_left_) network_.stop();
}

void Driver::Node::tick_status() {
  refresh_status();
  note_disk("the status", telemetry_.publish(status()));
  // After the machine has slept its timers are late by as long as that; its clock is not.
  if (core_timer_due_ <= monotonic_now()) {
    core_timer_due_ = Instant::never();
    deliver(node::TimerFired{});
  }
  status_timer_.expires_after(status_interval);
  status_timer_.async_wait([this](std::error_code cancelled) {
    if (!cancelled) tick_status();
  });
}

void Driver::Node::announce(const std::string& address) {
  if (ending_) return;
  endpoint_.drop_links_of_lost_addresses();
  home_network_.moved();
  deliver(node::AddressChanged{address});
  notify(Warned{address.empty() ? "this machine has no network address any more; waiting for one"
                                : "others dial this node at " + address + " from now on"});
}

std::vector<std::string> Driver::Node::destinations() const {
  std::vector<std::string> addresses;
  for (const protocol::PeerRecord& contact : options_.core.bootstrap) {
    addresses.push_back(contact.address);
  }
  for (const NeighbourStatus& neighbour : status().neighbours) {
    addresses.push_back(neighbour.address);
  }
  return addresses;
}

void Driver::Node::refresh_status() {
  NodeStatus fresh = core_.status(monotonic_now());
  const Traffic traffic = endpoint_.traffic();
  fresh.bytes_sent = traffic.bytes_sent;
  fresh.bytes_received = traffic.bytes_received;
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(fresh);
}

NodeStatus Driver::Node::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

std::string Driver::Node::answer(std::string_view request) {
  if (request == "status") {
    refresh_status();
    return status_json(status());
  }
  if (request == "merge" || request == "merge accept-partial") return answer_merge(request);
  if (request == "leave") {
    post(node::LeaveRequested{});  // after the answer
    return R"({"accepted":"leave"})";
  }
  return R"({"error":"unknown request; allowed: status, merge, merge accept-partial, leave"})";
}

std::string Driver::Node::answer_merge(std::string_view request) {
  const bool accepts_partial = request.ends_with("accept-partial");
  refresh_status();
  const NodeStatus now = status();
  if (now.nodes_present < now.quorum && !accepts_partial) {
    return R"({"error":"only )" + std::to_string(now.nodes_present) + " of the " +
           std::to_string(now.nodes_seen) + " nodes seen in the run are here, expected at least " +
           std::to_string(now.quorum) + R"( for a final merge"})";
  }
  deliver(node::MergeRequested{accepts_partial});
  return R"({"accepted":"merge"})";
}

Result<std::unique_ptr<Driver>> Driver::create(DriverOptions options) {
  STARLING_CHECK(!options.store || options.encode_model);
  options.core = completed(std::move(options.core), options.learner, options.listener);
  Result<SavedState> saved = load_saved_state(options.store);
  if (!saved) return std::unexpected(saved.error());
  if (options.store) {
    auto kept = keep_port(*options.store, options.listener);
    if (!kept) return std::unexpected(kept.error());
    auto recalled = recall_peers(*options.store, options.core, *saved);
    if (!recalled) return std::unexpected(recalled.error());
  }
  if (options.store && options.core.recipe.as_ledger() != nullptr) {
    auto kept = keep_start(*options.store, options.learner);
    if (!kept) return std::unexpected(kept.error());
  }
  auto node = std::make_unique<Node>(std::move(options), std::move(*saved));
  if (auto opened = node->open_control(); !opened) return std::unexpected(opened.error());
  return std::unique_ptr<Driver>(new Driver(std::move(node)));
}

Driver::Driver(std::unique_ptr<Node> node) : node_(std::move(node)) {}
Driver::~Driver() = default;

Result<void> Driver::run() {
  return node_->run();
}
void Driver::request_merge() {
  node_->post(node::MergeRequested{});
}
void Driver::request_leave() {
  node_->post(node::LeaveRequested{});
}
NodeStatus Driver::status() const {
  return node_->status();
}
bool Driver::was_cut_short() const {
  return node_->was_cut_short();
}

}  // namespace starling::runtime
