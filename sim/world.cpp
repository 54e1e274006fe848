#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "sim/curve.h"
#include "sim/event_queue.h"
#include "sim/network.h"
#include "sim/sim_node.h"
#include "sim/trace.h"

namespace starling::sim {

namespace {

/// More at one instant is a node that asks to be woken in the past, again and again.
constexpr std::uint64_t actions_per_instant_max = 1'000'000;

std::vector<SimNode> make_nodes(const Scenario& scenario, std::uint64_t seed,
                                AnnouncementMemo& announcements) {
  std::vector<SimNode> nodes;
  nodes.reserve(scenario.nodes);
  for (std::uint32_t i = 0; i < scenario.nodes; ++i)
    nodes.emplace_back(scenario, seed, i, announcements);
  for (const Fault& fault : scenario.faults) {
    const auto* copy = std::get_if<Copy>(&fault.what);
    if (copy == nullptr) continue;
    nodes.push_back(nodes[copy->node].copy_for(static_cast<std::uint32_t>(nodes.size())));
  }
  return nodes;
}

std::vector<NodeId> ids_of(const std::vector<SimNode>& nodes) {
  std::vector<NodeId> ids;
  for (const SimNode& node : nodes) ids.push_back(node.id());
  return ids;
}

/// What of an input the trace has to name; messages are traced where they are sent.
Bytes content_of(const node::Input& input) {
  const NodeId* peer = nullptr;
  if (const auto* up = std::get_if<node::PeerConnected>(&input)) peer = &up->peer.id;
  if (const auto* down = std::get_if<node::PeerDisconnected>(&input)) peer = &down->peer;
  if (const auto* message = std::get_if<node::MessageReceived>(&input)) peer = &message->peer;
  return peer != nullptr ? Bytes(peer->bytes.begin(), peer->bytes.end()) : Bytes{};
}

class World {
 public:
  World(const Scenario& scenario, std::uint64_t seed);

  Result<Record> run(const ProgressSink& progress);

 private:
  void start(std::uint32_t node);
  void deliver(std::uint32_t node, node::Input input);
  void perform_all(std::uint32_t node, std::vector<node::Output>&& outputs);
  void perform(std::uint32_t node, node::Connect& output) { network_.connect(node, output); }
  void perform(std::uint32_t node, node::ProbeAddress& output) { network_.probe(node, output); }
  void perform(std::uint32_t node, node::Disconnect& output) {
    network_.disconnect(node, output.peer, output.reason);
  }
  void perform(std::uint32_t node, node::Send& output) {
    network_.send(node, output.peer, output.message);
  }
  void perform(std::uint32_t node, node::Admit& output) {
    network_.admit(node, output.peer, output.incarnation);
  }
  void perform(std::uint32_t node, node::Refuse& output) {
    network_.refuse(node, output.peer, output.incarnation, std::move(output.proof));
  }
  void perform(std::uint32_t node, node::StartTimer& output);
  void perform(std::uint32_t node, node::RunLearner& output);
  void perform(std::uint32_t node, node::SaveCheckpoint& output);
  void perform(std::uint32_t node, node::StoreState&);
  void perform(std::uint32_t node, node::AppendVotes& output);
  void perform(std::uint32_t node, node::SavePeers& output);
  void perform(std::uint32_t, node::SaveMergedModel&) {}
  void perform(std::uint32_t node, node::Notify& output);

  void strike(const Fault& fault);
  void strike(const Crash& crash);
  void strike(const Pause& pause);
  void strike(const Cut& cut) { network_.cut(cut.a, cut.b); }
  void strike(const Partition& partition);
  void strike(const LateJoin& join) { start(join.node); }
  void strike(const Flip& flip) { nodes_[flip.node].flip_bit(); }
  void strike(const Equivocate& fork);
  void strike(const Copy& copy);
  void resume(std::uint32_t node, std::uint64_t life);

  void draw_curve();
  [[nodiscard]] bool is_over() const;
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] Record record();

  const Scenario& scenario_;
  EventQueue queue_;
  Trace trace_;
  AnnouncementMemo announcements_;
  std::vector<SimNode> nodes_;
  std::vector<NodeId> ids_;
  Network network_;
  std::vector<std::uint64_t> timers_;  ///< By node: the newest; older ones are void.
  std::vector<Fault> faults_;
  std::vector<CurvePoint> curve_;
  std::size_t starts_due_ = 0;        ///< Joins and restarts that are still to come.
  std::uint64_t standing_still_ = 0;  ///< Actions since virtual time last moved.
  std::optional<Error> error_;
};

World::World(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      announcements_(run_of(seed)),
      nodes_(make_nodes(scenario, seed, announcements_)),
      ids_(ids_of(nodes_)),
      network_(
          queue_, trace_,
          LinkModel(scenario.link, static_cast<std::uint32_t>(nodes_.size()), split_mix(seed)),
          ids_, [this](std::uint32_t node, node::Input input) { deliver(node, std::move(input)); },
          scenario.barriers),
      timers_(nodes_.size()),
      faults_(scenario.faults) {
  for (Fault& fault : draw_faults(scenario.random_faults, scenario.nodes, split_mix(~seed))) {
    faults_.push_back(std::move(fault));
  }
}

// --- A node's life ---

void World::start(std::uint32_t node) {
  starts_due_ -= 1;
  auto outputs = nodes_[node].start(queue_.now(), ids_);
  if (!outputs) {
    error_ = outputs.error();
    return;
  }
  network_.start(node, nodes_[node].incarnation(), nodes_[node].bulk_bounds());
  perform_all(node, std::move(*outputs));
}

void World::deliver(std::uint32_t node, node::Input input) {
  SimNode& target = nodes_[node];
  if (!target.is_running()) return;
  if (target.is_paused) {
    target.waiting.push_back(std::move(input));
    return;
  }
  trace_.note(queue_.now(), node, TraceKind::input, input.index(), content_of(input));
  perform_all(node, target.handle(std::move(input), queue_.now()));
}

void World::perform_all(std::uint32_t node, std::vector<node::Output>&& outputs) {
  for (node::Output& output : outputs) {
    std::visit([&](auto& kind) { perform(node, kind); }, output);
  }
}

void World::perform(std::uint32_t node, node::StartTimer& output) {
  const std::uint64_t number = ++timers_[node];
  queue_.schedule(output.at, [this, node, number] {
    if (timers_[node] == number) deliver(node, node::TimerFired{});
  });
}

void World::perform(std::uint32_t node, node::RunLearner& output) {
  auto [result, due] = nodes_[node].compute(std::move(output.job), queue_.now());
  queue_.schedule(due, [this, node, life = nodes_[node].life(),
                        done = node::LearnerFinished{std::move(result)}]() mutable {
    if (nodes_[node].life() == life) deliver(node, std::move(done));
  });
}

void World::perform(std::uint32_t node, node::SaveCheckpoint& output) {
  trace_.note(queue_.now(), node, TraceKind::saved, 0, output.state);
  nodes_[node].save(std::move(output));
}

void World::perform(std::uint32_t node, node::StoreState&) {
  auto [state, due] = nodes_[node].store_state(queue_.now());
  queue_.schedule(due, [this, node, life = nodes_[node].life(),
                        saved = node::SaveCheckpoint{std::move(state)}]() mutable {
    if (nodes_[node].life() != life || !nodes_[node].is_running()) return;
    perform(node, saved);
    deliver(node, node::StateStored{});
  });
}

void World::perform(std::uint32_t node, node::AppendVotes& output) {
  trace_.note(queue_.now(), node, TraceKind::saved, 1, output.packet);
  nodes_[node].save(std::move(output));
}

void World::perform(std::uint32_t node, node::SavePeers& output) {
  trace_.note(queue_.now(), node, TraceKind::saved, 2, {});
  nodes_[node].save(std::move(output));
}

void World::perform(std::uint32_t node, node::Notify& output) {
  const auto* evaluated = std::get_if<Evaluated>(&output.event);
  const ByteSpan content = evaluated != nullptr ? ByteSpan(evaluated->model.bytes) : ByteSpan();
  trace_.note(queue_.now(), node, TraceKind::notified, output.event.index(), content);
  nodes_[node].notice(output.event, queue_.now());
  if (std::holds_alternative<Stopped>(output.event)) network_.stop(node);
}

// --- Faults ---

void World::strike(const Fault& fault) {
  trace_.note(queue_.now(), 0, TraceKind::fault, fault.what.index(), {});
  std::visit([this](const auto& kind) { strike(kind); }, fault.what);
}

void World::strike(const Crash& crash) {
  SimNode& node = nodes_[crash.node];
  if (!node.is_running() || node.has_stopped()) return;
  node.end();
  timers_[crash.node] += 1;
  network_.pause(crash.node, false);
  crash.is_silent ? network_.power_off(crash.node) : network_.stop(crash.node);
  for (SimNode& other : nodes_) other.lose_edge(node.id());
  if (crash.down == Duration::max()) return;
  starts_due_ += 1;
  queue_.schedule(queue_.now() + crash.down, [this, index = crash.node] { start(index); });
}

void World::strike(const Pause& pause) {
  SimNode& node = nodes_[pause.node];
  if (!node.is_running() || node.is_paused) return;
  node.is_paused = true;
  network_.pause(pause.node, true);
  queue_.schedule(queue_.now() + pause.length,
                  [this, index = pause.node, life = node.life()] { resume(index, life); });
}

void World::strike(const Equivocate& fork) {
  const auto packet = nodes_[fork.node].fork_of_newest_packet();
  if (!packet) return;
  const std::vector<NodeId> neighbours = nodes_[fork.node].neighbours(queue_.now());
  for (std::size_t i = 0; i < (neighbours.size() + 1) / 2; ++i) {
    network_.send(fork.node, neighbours[i], protocol::VoteRange{{*packet}});
  }
}

/// The next of the copies of this node that has not run yet.
void World::strike(const Copy& copy) {
  for (std::uint32_t i = scenario_.nodes; i < nodes_.size(); ++i) {
    if (nodes_[i].id() != nodes_[copy.node].id() || nodes_[i].life() > 0) continue;
    nodes_[i].take_disk_of(nodes_[copy.node]);
    return start(i);
  }
}

void World::resume(std::uint32_t node, std::uint64_t life) {
  if (nodes_[node].life() != life || !nodes_[node].is_running()) return;
  nodes_[node].is_paused = false;
  nodes_[node].wake(queue_.now());
  network_.pause(node, false);
  std::deque<node::Input> waiting = std::exchange(nodes_[node].waiting, {});
  for (node::Input& input : waiting) deliver(node, std::move(input));
}

void World::strike(const Partition& partition) {
  std::vector<std::uint32_t> groups(nodes_.size(), 0);
  for (std::size_t group = 0; group < partition.groups.size(); ++group) {
    for (const std::uint32_t node : partition.groups[group]) {
      groups[node] = static_cast<std::uint32_t>(group + 1);
    }
  }
  network_.partition(groups, partition.is_silent);
  if (partition.length == Duration{0}) return;
  queue_.schedule(queue_.now() + partition.length, [this] {
    network_.partition(std::vector<std::uint32_t>(nodes_.size(), 0), false);
  });
}

// --- The run ---

Result<Record> World::run(const ProgressSink& progress_sink) {
  std::vector<bool> is_late(nodes_.size(), false);
  starts_due_ = nodes_.size();
  for (Fault& fault : faults_) {
    if (const auto* join = std::get_if<LateJoin>(&fault.what)) is_late[join->node] = true;
    queue_.schedule(fault.at, [this, &fault] { strike(fault); });
  }
  for (std::uint32_t node = 0; node < scenario_.nodes; ++node) {
    if (!is_late[node]) start(node);
  }
  if (scenario_.curve_every > Duration{0}) draw_curve();
  const Instant end = Instant{} + scenario_.duration_max;
  std::uint64_t performed = 0;
  while (!error_ && !is_over() && !queue_.empty() && queue_.next_at() <= end) {
    const Instant before = queue_.now();
    queue_.run_next();
    standing_still_ = queue_.now() == before ? standing_still_ + 1 : 0;
    if (standing_still_ > actions_per_instant_max) break;
    if (progress_sink && ++performed % progress_events_interval == 0) progress_sink(progress());
  }
  if (error_) return std::unexpected(*error_);
  return record();
}

/// Looks only: the nodes do not notice, and the trace does not tell.
void World::draw_curve() {
  curve_.push_back(look_at_models(nodes_, queue_.now()));
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    curve_.back().bytes_sent += network_.bytes_sent(node);
  }
  queue_.schedule(queue_.now() + scenario_.curve_every, [this] { draw_curve(); });
}

bool World::is_over() const {
  return starts_due_ == 0 && std::ranges::all_of(nodes_, [](const SimNode& node) {
           return !node.is_running() || node.has_stopped();
         });
}

Progress World::progress() const {
  double steps = 0;
  for (const SimNode& node : nodes_) steps += static_cast<double>(node.step(queue_.now()));
  const double all = static_cast<double>(scenario_.steps) * static_cast<double>(nodes_.size());
  return {queue_.now().since_start, trace_.events(), steps / all};
}

Record World::record() {
  Record record;
  record.time_stands_still = standing_still_ > actions_per_instant_max;
  record.virtual_time = queue_.now().since_start;
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    auto& seen = node < scenario_.nodes ? record.nodes : record.copies;
    seen.push_back(nodes_[node].observe(queue_.now()));
    seen.back().bytes_sent = network_.bytes_sent(node);
    seen.back().merge_bytes_sent = network_.merge_bytes_sent(node);
    trace_.note(queue_.now(), node, TraceKind::computed, 0, seen.back().model.bytes);
  }
  record.events = trace_.events();
  record.traffic = network_.traffic();
  record.curve = curve_;
  record.trace_hash = trace_.finish();
  return record;
}

}  // namespace

Result<Record> run_world(const Scenario& scenario, std::uint64_t seed,
                         const ProgressSink& progress) {
  World world(scenario, seed);
  return world.run(progress);
}

}  // namespace starling::sim
