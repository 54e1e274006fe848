#include "node/core/learner.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

#include "crypto/digest.h"
#include "node/core/memory_need.h"
#include "node/core/soundness.h"
#include "node/core/vote_oracle.h"
#include "optim/ledger/vote_code.h"
#include "starling/check.h"

namespace starling::node {

namespace {

template <class Value>
ByteSpan bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

/// The values of a state where they lie, or in `room` if that is not aligned.
template <class Value>
std::span<const Value> values_of(ByteSpan bytes, std::vector<Value>& room) {
  const std::size_t count = bytes.size() / sizeof(Value);
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Value) == 0) {
    return {reinterpret_cast<const Value*>(bytes.data()), count};
  }
  room.resize(count);
  std::memcpy(room.data(), bytes.data(), bytes.size());
  return room;
}

std::vector<float> starting_point(const LearnerOptions& options, const Task& task) {
  if (!options.start.empty()) return options.start;
  std::vector<float> parameters(task.parameter_count());
  task.initialize(parameters, options.model_seed);
  return parameters;
}

/// Jobs after which the parameters may be others.
template <class Job>
constexpr bool changes_model =
    std::same_as<Job, TrainJob> || std::same_as<Job, MixJob> || std::same_as<Job, ApplyVotesJob> ||
    std::same_as<Job, RebuildJob> || std::same_as<Job, LoadStateJob>;

}  // namespace

Result<optim::VoteReplica> starting_replica(const LearnerOptions& options, const Task& task) {
  auto movement =
      optim::Movement::create(options.recipe.ledger(), task.parameter_count(), task.segments());
  if (!movement) return std::unexpected(movement.error());
  return optim::VoteReplica({options.recipe.ledger(), options.run, options.steps_total},
                            std::move(*movement), starting_point(options, task));
}

std::vector<optim::VoteSpan> spans_of(const std::vector<VoteBatch>& batches) {
  std::vector<optim::VoteSpan> spans;
  spans.reserve(batches.size());
  for (const VoteBatch& batch : batches) {
    spans.push_back({batch.author, batch.step, batch.first_probe, batch.codes});
  }
  return spans;
}

Learner::Learner(LearnerOptions options, std::unique_ptr<Task> task, AnyReplica replica)
    : options_(std::move(options)),
      task_(std::move(task)),
      replica_(std::move(replica)),
      sender_(options_.recipe.as_ledger() != nullptr ? options_.recipe.ledger()
                                                     : optim::LedgerRecipe{}),
      loss_weight_(
          static_cast<float>(std::pow(task_->relative_share(), options_.recipe.sample_weighting))) {
}

Result<Learner> Learner::create(LearnerOptions options, std::unique_ptr<Task> task) {
  if (task->parameter_count() == 0)
    return invalid_input("the task has 0 parameters; at least 1 is needed");
  if (auto answers = check_oracle(options.recipe, *task); !answers) {
    return std::unexpected(answers.error());
  }
  STARLING_CHECK(options.start.empty() || options.start.size() == task->parameter_count());
  if (options.memory_bytes > 0) {
    const MemoryNeed need = memory_need(options.recipe, task->parameter_count());
    if (auto fits = check_memory(need, 1, options.memory_bytes); !fits) {
      return std::unexpected(fits.error());
    }
  }
  if (options.recipe.as_ledger() != nullptr) {
    auto replica = starting_replica(options, *task);
    if (!replica) return std::unexpected(replica.error());
    return Learner(std::move(options), std::move(task), std::move(*replica));
  }
  if (!task->has_gradient()) {
    return invalid_input("recipe '" + options.recipe.name +
                         "' needs a gradient and the task offers only a loss; use recipe 'votes'");
  }
  const std::vector<Segment> segments = task->segments();
  if (auto covers = optim::check_segments(task->parameter_count(), segments); !covers) {
    return std::unexpected(covers.error());
  }
  optim::Replica replica(options.recipe, starting_point(options, *task), options.data_seed,
                         options.steps_total, segments);
  return Learner(std::move(options), std::move(task), std::move(replica));
}

LearnerResult Learner::run(LearnerJob&& job) {
  try {
    return std::visit(
        [this](const auto& kind) {
          if constexpr (changes_model<std::remove_cvref_t<decltype(kind)>>) before_change();
          return perform(kind);
        },
        job);
  } catch (const std::exception& error) {
    return LearnerFailed{"task '" + options_.task_name + "' threw: " + error.what()};
  } catch (...) {
    return LearnerFailed{"task '" + options_.task_name +
                         "' threw something that is not a std::exception"};
  }
}

void Learner::compute_with(ParallelFor parallel_for) {
  auto* replica = std::get_if<optim::VoteReplica>(&replica_);
  if (replica != nullptr) replica->compute_with({.parallel_for = std::move(parallel_for)});
}

std::span<const float> Learner::parameters() const {
  return std::visit([](const auto& replica) { return replica.parameters(); }, replica_);
}

std::size_t Learner::payload_bytes_max() const {
  const auto* replica = std::get_if<optim::Replica>(&replica_);
  return replica == nullptr ? 0 : replica->payload_bytes_max();
}

optim::Replica& Learner::first_order() {
  auto* replica = std::get_if<optim::Replica>(&replica_);
  STARLING_CHECK(replica != nullptr);
  return *replica;
}

optim::VoteReplica& Learner::votes() {
  auto* replica = std::get_if<optim::VoteReplica>(&replica_);
  STARLING_CHECK(replica != nullptr);
  return *replica;
}

BatchKey Learner::batch(Step step) const {
  return {.seed = options_.data_seed, .step = step, .size = options_.recipe.batch};
}

LearnerResult Learner::perform(const TrainJob& job) {
  optim::Replica& replica = first_order();
  double loss = 0;
  for (Step step = job.first; step < job.first + job.count; ++step) {
    const double step_loss =
        replica.local_step(step, [&](std::span<const float> at, std::span<float> gradient) {
          const double mean_loss = task_->gradient(at, batch(step), gradient);
          if (loss_weight_ != 1.0F) {
            for (float& value : gradient) value *= loss_weight_;
          }
          return mean_loss;
        });
    if (auto fault = loss_fault(step_loss, step)) return LearnerFailed{std::move(*fault)};
    loss += step_loss;
  }
  step_ = job.first + job.count;
  if (auto fault = divergence_fault(replica.parameters(), task_->segments(), step_ - 1)) {
    return LearnerFailed{std::move(*fault)};
  }
  return TrainDone{.next = step_,
                   .loss = loss / std::max(1U, job.count),
                   .samples = std::uint64_t{job.count} * options_.recipe.batch};
}

LearnerResult Learner::perform(const EncodeJob& job) {
  return EncodeDone{job.number, first_order().encode()};
}

LearnerResult Learner::perform(const ResyncJob& job) {
  return ResyncDone{job.peer, first_order().resync_payload()};
}

LearnerResult Learner::perform(const TakeCopyJob& job) {
  MixDone done;
  if (!first_order().resync(job.peer, job.payload)) done.rejected.push_back(job.peer);
  return done;
}

LearnerResult Learner::perform(const MixJob& job) {
  std::vector<optim::WeightedPayload> peers;
  peers.reserve(job.peers.size());
  for (const PeerPayload& peer : job.peers) peers.push_back({peer.peer, peer.weight, peer.payload});
  return MixDone{job.number, first_order().mix(job.own, peers)};
}

LearnerResult Learner::perform(const DropEdgeJob& job) {
  first_order().drop_edge(job.peer);
  return DropEdgeDone{job.peer};
}

LearnerResult Learner::perform(const ProbeJob& job) {
  Measurement measured;
  if (options_.recipe.ledger().clip > 0) {
    measured = measure_privately(job);
  } else {
    const optim::ProbeRange probes{options_.self, job.step, job.first_probe, job.count};
    measured = measure({options_.recipe.ledger().oracle, probes, batch(job.step)}, votes(), *task_);
    for (double& scalar : measured.scalars) scalar *= static_cast<double>(loss_weight_);
  }
  if (auto fault = loss_fault(measured.loss, job.step)) return LearnerFailed{std::move(*fault)};
  step_ = job.step + 1;
  return ProbeDone{.step = job.step,
                   .first_probe = job.first_probe,
                   .codes = sender_.encode(measured.scalars),
                   .loss = measured.loss};
}

void Learner::apply(const std::vector<VoteBatch>& batches) {
  votes().apply(spans_of(batches));
}

LearnerResult Learner::perform(const ApplyVotesJob& job) {
  apply(job.batches);
  std::uint64_t count = 0;
  for (const VoteBatch& batch : job.batches) count += batch.codes.size();
  return ApplyVotesDone{count};
}

LearnerResult Learner::perform(const EvaluateJob& job) {
  return EvaluateDone{job.step, task_->evaluate(parameters()), model_digest()};
}

/// A vote with its sign turned is the vote's exact inverse (docs/LEDGER.md), so taking out and
/// adding again restores every bit.
void Learner::look_without(const std::vector<VoteBatch>& batches, const GridLook& look) {
  std::vector<VoteBatch> inverse = batches;
  for (VoteBatch& batch : inverse) {
    for (std::uint8_t& code : batch.codes) code ^= optim::vote_sign;
  }
  apply(inverse);
  look(votes().grid());
  apply(batches);
}

void Learner::save_ledger(const VoteCut& cut, SaveStateDone& done) {
  look_without(cut.without, [&](std::span<const std::int32_t> grid) {
    const std::string recipe = options_.recipe.canonical_text();
    Bytes state = encode_state_head({.recipe = recipe,
                                     .step = cut.step,
                                     .values = grid.size(),
                                     .is_ledger = true,
                                     .packets = cut.packets,
                                     .votes = cut.votes});
    const ByteSpan values = bytes_of(grid);
    state.reserve(state.size() + values.size());
    state.insert(state.end(), values.begin(), values.end());
    done.model = crypto::digest_of(values);
    done.state = std::move(state);
  });
  done.step = cut.step;
  done.votes = cut.votes;
  for (const auto& [author, packets] : cut.packets) done.packets += packets;
}

StateHead Learner::state_head(std::string_view recipe) const {
  return {.recipe = recipe, .step = step_, .values = parameters().size()};
}

Step Learner::write_state(const std::function<void(ByteSpan)>& write) const {
  const std::string recipe = options_.recipe.canonical_text();
  write(encode_state_head(state_head(recipe)));
  write(bytes_of(parameters()));
  return step_;
}

LearnerResult Learner::perform(const SaveStateJob& job) {
  SaveStateDone done{.for_joiner = job.for_joiner, .request = job.request};
  if (std::holds_alternative<optim::VoteReplica>(replica_)) {
    save_ledger(job.cut, done);
  } else {
    const std::string recipe = options_.recipe.canonical_text();
    Bytes state = encode_state_head(state_head(recipe));
    const ByteSpan values = bytes_of(parameters());
    state.reserve(state.size() + values.size());
    state.insert(state.end(), values.begin(), values.end());
    done.step = step_;
    done.state = std::move(state);
  }
  done.digest = crypto::digest_of(done.state);
  return done;
}

LearnerResult Learner::perform(const LoadStateJob& job) {
  const Digest digest = crypto::digest_of(job.state);
  if (job.digest && digest != *job.digest) {
    return LoadStateDone{0, "the state has another digest than neighbours vouch for"};
  }
  auto saved = view_saved_state(job.state);
  if (!saved) return LoadStateDone{0, saved.error().message};
  if (saved->recipe != options_.recipe.canonical_text()) {
    return LoadStateDone{0, "the state was saved under another recipe"};
  }
  if (saved->is_ledger != std::holds_alternative<optim::VoteReplica>(replica_)) {
    return LoadStateDone{0, "the state does not hold what its recipe saves"};
  }
  const std::size_t count = saved->values.size() / sizeof(float);
  if (count != task_->parameter_count()) {
    return LoadStateDone{0, "the state has " + std::to_string(count) +
                                " parameters, the task has " +
                                std::to_string(task_->parameter_count())};
  }
  step_ = saved->step;
  LoadStateDone done{.step = step_, .error = std::nullopt};
  done.digest = digest;
  if (saved->is_ledger) {
    std::vector<std::int32_t> room;
    votes().set_grid(values_of(saved->values, room));
    done.packets = std::move(saved->packets);
    done.votes = saved->votes;
  } else {
    std::vector<float> room;
    first_order().set_parameters(values_of(saved->values, room));
  }
  return done;
}

}  // namespace starling::node
