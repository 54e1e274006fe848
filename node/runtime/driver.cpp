#include "node/runtime/driver.h"

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "node/runtime/driver_node.h"
#include "node/runtime/platform.h"
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
