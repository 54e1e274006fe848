#include "sim/sim_node.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include "crypto/byte_order.h"
#include "crypto/digest.h"
#include "model/tasks.h"
#include "node/core/bulk_bounds_of.h"
#include "node/core/saved_state.h"
#include "protocol/overlay/incarnation.h"
#include "protocol/wire/announcement.h"
#include "sim/network.h"
#include "sim/topology.h"
#include "starling/check.h"
#include "starling/rng.h"

namespace starling::sim {

namespace {

/// What any job costs besides local steps. Our guess: small against a step.
constexpr Duration job_time = std::chrono::microseconds(100);

/// Nodes 0 to 2 are in everybody's ticket.
constexpr std::uint32_t ticket_addresses = 3;

/// Independent streams of the run's seed.
enum class Stream : std::uint64_t { key, data, core, speed, flip, privacy };

std::uint64_t derive(std::uint64_t seed, Stream stream, std::uint64_t number) {
  return split_mix(split_mix(seed ^ (static_cast<std::uint64_t>(stream) + 1) << 56U) + number);
}

crypto::Secret<32> secret_of(std::uint64_t seed) {
  Rng rng(seed);
  std::array<std::uint8_t, 32> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return crypto::Secret<32>(bytes);
}

crypto::SigningKey key_of(std::uint64_t seed, std::uint32_t index) {
  return crypto::SigningKey::from_seed(secret_of(derive(seed, Stream::key, index)));
}

std::uint32_t late_joiners(const Scenario& scenario) {
  return static_cast<std::uint32_t>(std::ranges::count_if(scenario.faults, [](const Fault& fault) {
    return std::holds_alternative<LateJoin>(fault.what);
  }));
}

Flows difference(const Flows& now, const Flows& before) {
  Flows flows = now;
  for (const auto& [edge, earlier] : before) {
    std::vector<double>& values = flows.try_emplace(edge, earlier.size()).first->second;
    for (std::size_t i = 0; i < earlier.size(); ++i) values[i] -= earlier[i];
  }
  return flows;
}

}  // namespace

RunId run_of(std::uint64_t seed) {
  Bytes text;
  crypto::append_big_endian(text, seed);
  return RunId{crypto::digest_in("simulated run", text).bytes};
}

SimNode::SimNode(const Scenario& scenario, std::uint64_t seed, std::uint32_t index,
                 AnnouncementMemo& announcements)
    : scenario_(scenario),
      announcements_(announcements),
      seed_(seed),
      index_(index),
      original_(index),
      key_(key_of(seed, index)) {
  Rng rng(derive(seed, Stream::speed, index));
  slowness_ = 1 + scenario.step_time_spread * (2 * rng.uniform() - 1);
  seen_.id = id();
}

SimNode SimNode::copy_for(std::uint32_t index) const {
  SimNode copy(scenario_, seed_, index_, announcements_);
  copy.index_ = index;
  return copy;
}

void SimNode::take_disk_of(const SimNode& original) {
  checkpoint_ = original.checkpoint_;
  votes_ = original.votes_;
}

node::Config SimNode::config(const std::vector<NodeId>& ids) const {
  node::Config config{.run = run_of(seed_),
                      .key = key_,
                      .self = {id(), address_of(index_)},
                      .bootstrap = {},
                      .pinned_neighbours = {},
                      .recipe = scenario_.recipe};
  for (std::uint32_t i = 0; i < std::min(ticket_addresses, scenario_.nodes); ++i) {
    config.bootstrap.push_back({{}, address_of(i)});
  }
  std::ranges::copy(peers_.records, std::back_inserter(config.bootstrap));
  config.nodes_seen = peers_.seen;
  for (const std::uint32_t i : pinned_neighbours(scenario_.topology, original_, scenario_.nodes)) {
    config.pinned_neighbours.push_back({ids[i], address_of(i)});
  }
  config.parameter_count = learner_->parameters().size();
  config.payload_bytes_max = learner_->payload_bytes_max();
  config.segments = learner_->task().segments();
  config.data_form = learner_->task().data_form();
  config.sampling_rate = learner_->sampling_rate();
  config.sample_count = learner_->task().sample_count();
  config.steps_total = scenario_.steps;
  config.nodes_expected = scenario_.nodes - late_joiners(scenario_);
  config.incarnation = incarnation_;
  config.seed = split_mix(core_entropy());
  config.interval_scale = scenario_.interval_scale;
  config.checkpoint_every = scenario_.checkpoint_every;
  config.open_announcement = [&memo = announcements_](ByteSpan bytes, const RunId&) {
    return memo.open(bytes);
  };
  config.catch_up = scenario_.catch_up;
  config.vote_store_bytes_max = std::size_t{scenario_.vote_store_kib} << 10U;
  return config;
}

std::uint64_t SimNode::core_entropy() const {
  return derive(seed_, Stream::core, index_ + (life_ << 32U)) | 1U;
}

/// Of the process about to start.
crypto::Secret<32> SimNode::privacy_secret() const {
  return secret_of(derive(seed_, Stream::privacy, index_ + (life_ << 32U)));
}

Result<std::vector<node::Output>> SimNode::start(Instant now, const std::vector<NodeId>& ids) {
  model::TaskOptions task_options;
  task_options.shard = {.rule = scenario_.skew, .node_count = scenario_.nodes, .seed = seed_};
  task_options.node_index = original_;
  auto task = model::make_task(scenario_.task, task_options);
  if (!task) return std::unexpected(task.error());
  auto learner = node::Learner::create({.recipe = scenario_.recipe,
                                        .run = run_of(seed_),
                                        .self = id(),
                                        .steps_total = scenario_.steps,
                                        .model_seed = seed_,
                                        .data_seed = derive(seed_, Stream::data, index_),
                                        .privacy_secret = privacy_secret(),
                                        .task_name = scenario_.task},
                                       std::move(*task));
  if (!learner) return std::unexpected(learner.error());
  learner_ = std::move(*learner);
  if (optim::Replica* replica = learner_->replica()) replica->watch_flows();
  life_ += 1;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.since_start).count();
  incarnation_ = protocol::incarnation_of(static_cast<std::uint64_t>(ms) + 1, core_entropy());
  compute_free_ = now;
  node::Config core_config = config(ids);
  bulk_bounds_ = node::bulk_bounds_of(core_config);
  core_.emplace(std::move(core_config));
  seen_ = Observation();
  seen_.id = id();
  seen_.has_started = true;
  seen_.started_at = now;
  progress_at = Instant::never();
  seen_.restarts = life_ - 1;
  return core_->start(now, checkpoint_, votes_);
}

void SimNode::end() {
  core_.reset();
  learner_.reset();
  settled_.clear();
  waiting.clear();
  is_paused = false;
}

std::vector<node::Output> SimNode::handle(node::Input input, Instant now) {
  return core_->handle(std::move(input), now);
}

// --- Computation ---

Duration SimNode::cost(const node::LearnerJob& job) const {
  double steps = 0;
  if (const auto* train = std::get_if<node::TrainJob>(&job)) steps = train->count;
  if (std::holds_alternative<node::ProbeJob>(job)) steps = 1;
  const double time = static_cast<double>(scenario_.step_time.count()) * slowness_ * steps;
  return job_time + Duration(static_cast<Duration::rep>(time));
}

std::pair<node::LearnerResult, Instant> SimNode::compute(node::LearnerJob job, Instant now) {
  before(job, now);
  compute_free_ = std::max(compute_free_, now) + cost(job);
  std::pair<node::LearnerResult, Instant> done{learner_->run(std::move(job)), compute_free_};
  after(done.first);
  return done;
}

std::pair<protocol::SharedBytes, Instant> SimNode::store_state(Instant now) {
  compute_free_ = std::max(compute_free_, now) + job_time;
  Bytes state;
  static_cast<void>(learner_->write_state(
      [&state](ByteSpan piece) { state.insert(state.end(), piece.begin(), piece.end()); }));
  return {std::move(state), compute_free_};
}

void SimNode::before(const node::LearnerJob& job, Instant now) {
  if (seen_.adopted) return;  // training is over, and what the checkers compare is written down
  if (const auto* drop = std::get_if<node::DropEdgeJob>(&job)) {
    lose_edge(drop->peer);
    seen_.lost_edges.erase(drop->peer);
  } else if (const auto* adopt = std::get_if<node::AdoptJob>(&job)) {
    look_at_replica(now);
    seen_.adopted = adopt->slices.empty() ? contributions_.at(contribution_) : Bytes();
    for (const protocol::SharedBytes& slice : adopt->slices) {
      seen_.adopted->insert(seen_.adopted->end(), slice.begin(), slice.end());
    }
  }
}

void SimNode::after(const node::LearnerResult& result) {
  if (const auto* given = std::get_if<node::ContributeDone>(&result)) {
    if (given->fault) return;
    const ByteSpan vector = learner_->model_bytes();
    contributions_[given->digest].assign(vector.begin(), vector.end());
    contribution_ = given->digest;
    seen_.given.insert(given->merge);
  }
  if (scenario_.curve_every == Duration{0}) return;
  if (std::holds_alternative<node::MixDone>(result)) {
    const std::span<const float> model = learner_->parameters();
    settled_.assign(model.begin(), model.end());
  } else if (std::holds_alternative<node::AdoptDone>(result) ||
             std::holds_alternative<node::LoadStateDone>(result)) {
    settled_.clear();
  }
}

void SimNode::flip_bit() {
  if (!learner_) return;
  optim::VoteReplica& replica = *learner_->vote_replica();
  std::vector<std::int32_t> grid(replica.grid().begin(), replica.grid().end());
  Rng rng(derive(seed_, Stream::flip, index_));
  const std::size_t at = rng.below(grid.size());
  grid[at] ^= static_cast<std::int32_t>(1U << rng.below(32));
  replica.set_grid(grid);
  seen_.flipped = at;
}

std::optional<Bytes> SimNode::fork_of_newest_packet() const {
  for (auto at = votes_.rbegin(); at != votes_.rend(); ++at) {
    auto opened = protocol::reopen_announcement(*at);
    auto* packet = std::get_if<protocol::VotePacket>(&opened->content);
    if (packet == nullptr || opened->author != id()) continue;
    for (std::uint8_t& code : packet->codes) code ^= 1U;
    return protocol::sign_announcement(*opened, run_of(seed_), key_);
  }
  return std::nullopt;
}

std::vector<NodeId> SimNode::neighbours(Instant now) const {
  std::vector<NodeId> ids;
  if (!core_) return ids;
  for (const NeighbourStatus& neighbour : core_->status(now).neighbours)
    ids.push_back(neighbour.id);
  return ids;
}

// --- What the checkers see ---

void SimNode::lose_edge(const NodeId& peer) {
  const optim::Replica* replica = learner_ ? learner_->replica() : nullptr;
  if (replica == nullptr || seen_.adopted) return;
  const auto flow = replica->flows().find(peer);
  if (flow == replica->flows().end()) return;
  seen_.flows_before[peer] = flow->second;
  seen_.lost_edges.insert(peer);
}

void SimNode::wake(Instant now) {
  if (progress_at != Instant::never()) progress_at = now;
}

void SimNode::note_progress(Instant now) {
  if (progress_at != Instant::never()) {
    seen_.longest_stall = std::max(seen_.longest_stall, now - progress_at);
  }
  progress_at = now;
}

void SimNode::notice(const Event& event, Instant now) {
  if (std::holds_alternative<StepsDone>(event)) note_progress(now);
  if (const auto* joined = std::get_if<PeerJoined>(&event)) {
    seen_.paths[joined->peer].insert(joined->path);
  }
  // The last one is of the model that the merged one replaces.
  if (const auto* evaluated = std::get_if<Evaluated>(&event)) {
    seen_.accuracy_before_merge = evaluated->quality.accuracy;
  }
  if (const auto* merged = std::get_if<Merged>(&event)) {
    seen_.merged = *merged;
    seen_.merged_at = now;
  }
  if (const auto* located = std::get_if<DivergenceLocated>(&event)) {
    seen_.located.push_back(*located);
  }
  if (const auto* fork = std::get_if<Equivocated>(&event)) {
    const auto [at, is_first] = seen_.voided_from.try_emplace(fork->author, fork->packet);
    if (!is_first) at->second = std::min(at->second, fork->packet);
  }
  if (const auto* stopped = std::get_if<Stopped>(&event)) {
    seen_.has_stopped = true;
    seen_.stop_reason = stopped->error;
  }
}

/// In the log, and in the snapshot that the log of a joiner begins with; without those that the
/// node knows to be void.
std::set<std::pair<NodeId, std::uint64_t>> SimNode::packets_held() const {
  std::set<std::pair<NodeId, std::uint64_t>> packets = packets_on_disk();
  std::erase_if(packets, [this](const auto& packet) {
    const auto voided = seen_.voided_from.find(packet.first);
    return voided != seen_.voided_from.end() && packet.second >= voided->second;
  });
  return packets;
}

std::set<std::pair<NodeId, std::uint64_t>> SimNode::packets_on_disk() const {
  std::set<std::pair<NodeId, std::uint64_t>> packets;
  for (const Bytes& bytes : votes_) {
    const auto opened = protocol::reopen_announcement(bytes);
    const auto* packet = std::get_if<protocol::VotePacket>(&opened->content);
    if (packet != nullptr) packets.emplace(opened->author, packet->packet);
  }
  const auto saved = node::decode_saved_state(checkpoint_);
  const auto* ledger = saved ? std::get_if<node::LedgerState>(&saved->values) : nullptr;
  if (ledger == nullptr) return packets;
  for (const auto& [author, count] : ledger->packets) {
    for (std::uint64_t packet = 0; packet < count; ++packet) packets.emplace(author, packet);
  }
  return packets;
}

void SimNode::look_at_replica(Instant now) {
  seen_.looked_at = now;
  seen_.model = learner_->model_digest();
  if (const optim::Replica* replica = learner_->replica()) {
    seen_.flows = difference(replica->flows(), seen_.flows_before);
    seen_.correction.assign(replica->correction().begin(), replica->correction().end());
    seen_.counters.clear();
    for (const auto& [edge, counter] : replica->counters()) {
      seen_.counters[edge].assign(counter.begin(), counter.end());
    }
  }
  const NodeStatus status = core_->status(now);
  seen_.half_exchanged = status.unreconciled;
  seen_.neighbours.clear();
  for (const NeighbourStatus& neighbour : status.neighbours) {
    seen_.neighbours.insert(neighbour.id);
  }
  const std::set<std::pair<NodeId, std::uint64_t>> packets = packets_held();
  crypto::Hasher hasher;
  for (const auto& [author, packet] : packets) {
    Bytes number;
    crypto::append_big_endian(number, packet);
    hasher.update(author.bytes);
    hasher.update(number);
  }
  seen_.votes = hasher.finish();
  seen_.vote_packets = packets.size();
}

std::vector<float> SimNode::settled_model(Instant now) const {
  if (!settled_.empty() && !core_->status(now).neighbours.empty()) return settled_;
  const std::span<const float> model = learner_->parameters();
  return {model.begin(), model.end()};
}

double SimNode::accuracy_of(const std::vector<float>& model) {
  const auto quality = learner_->evaluate(model);
  return quality ? quality->accuracy : std::numeric_limits<double>::quiet_NaN();
}

Observation SimNode::observe(Instant now) {
  seen_.is_running = core_.has_value();
  if (core_) {
    seen_.status = core_->status(now);
    if (!seen_.adopted) look_at_replica(now);
  }
  seen_.contributions = contributions_;
  seen_.is_on_grid = scenario_.recipe.as_ledger() != nullptr;
  return seen_;
}

}  // namespace starling::sim
