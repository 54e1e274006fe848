#include "node/core/learner.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "crypto/digest.h"
#include "node/core/fixed_point.h"
#include "node/core/soundness.h"
#include "node/core/vote_oracle.h"
#include "optim/ledger/vote_code.h"
#include "starling/check.h"

namespace starling::node {

namespace {

std::size_t size_of(const std::vector<float>& parameters) {
  return parameters.size();
}
std::size_t size_of(const LedgerState& ledger) {
  return ledger.grid.size();
}

std::vector<float> starting_point(const LearnerOptions& options, const Task& task) {
  if (!options.start.empty()) return options.start;
  std::vector<float> parameters(task.parameter_count());
  task.initialize(parameters, options.model_seed);
  return parameters;
}

double norm_of(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
}

double distance_between(std::span<const float> a, std::span<const float> b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    squares += difference * difference;
  }
  return std::sqrt(squares);
}

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
    return std::visit([this](const auto& kind) { return perform(kind); }, job);
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

Bytes Learner::fixed_point() const {
  const auto* votes = std::get_if<optim::VoteReplica>(&replica_);
  return votes != nullptr ? to_fixed_point(votes->grid()) : to_fixed_point(parameters());
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
  return EvaluateDone{job.step, task_->evaluate(parameters()), crypto::digest_of(fixed_point())};
}

LearnerResult Learner::perform(const ContributeJob& job) {
  if (auto* replica = std::get_if<optim::Replica>(&replica_)) {
    auto fault = merge_fault(replica->parameters(), task_->segments());
    if (fault) return LearnerFailed{std::move(*fault)};
  }
  Bytes vector = fixed_point();
  const Digest digest = crypto::digest_of(vector);
  return ContributeDone{job.merge, digest, std::move(vector)};
}

LearnerResult Learner::perform(const SumSliceJob& job) {
  return SumSliceDone{job.merge, job.slice, job.root, weighted_sum(job.parts)};
}

LearnerResult Learner::perform(const AverageSliceJob& job) {
  Bytes mean = weighted_mean(job.parts);
  const Digest digest = crypto::digest_of(mean);
  return AverageSliceDone{job.merge, job.slice, std::move(mean), digest};
}

LearnerResult Learner::perform(const AdoptJob& job) {
  const std::vector<float> merged = from_fixed_point(job.vector);
  STARLING_CHECK(merged.size() == task_->parameter_count());
  AdoptDone done{.merge = job.merge,
                 .model = crypto::digest_of(job.vector),
                 .evaluation = {},
                 .own = task_->evaluate(parameters()),
                 .own_model = crypto::digest_of(fixed_point()),
                 .distance = distance_between(parameters(), merged),
                 .norm = norm_of(merged)};
  if (auto* replica = std::get_if<optim::Replica>(&replica_)) {
    replica->set_parameters(merged);
  } else {
    votes().set_grid(fixed_point_values(job.vector));
  }
  done.evaluation = task_->evaluate(parameters());
  return done;
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

LedgerState Learner::without(const VoteCut& cut) {
  LedgerState state{.packets = cut.packets, .votes = cut.votes, .grid = {}};
  look_without(cut.without, [&state](std::span<const std::int32_t> grid) {
    state.grid.assign(grid.begin(), grid.end());
  });
  return state;
}

LearnerResult Learner::perform(const SaveStateJob& job) {
  SavedState saved{.recipe = options_.recipe.canonical_text(), .step = step_, .values = {}};
  SaveStateDone done{.for_joiner = job.for_joiner, .request = job.request};
  if (const auto* replica = std::get_if<optim::Replica>(&replica_)) {
    const std::span<const float> now = replica->parameters();
    saved.values = std::vector(now.begin(), now.end());
    done.model = crypto::digest_of(fixed_point());
  } else {
    saved.step = job.cut.step;
    LedgerState ledger = without(job.cut);
    done.votes = ledger.votes;
    for (const auto& [author, packets] : ledger.packets) done.packets += packets;
    done.model = crypto::digest_of(to_fixed_point(ledger.grid));
    saved.values = std::move(ledger);
  }
  done.step = saved.step;
  done.state = encode_saved_state(saved);
  done.digest = crypto::digest_of(done.state);
  return done;
}

LearnerResult Learner::perform(const LoadStateJob& job) {
  const Digest digest = crypto::digest_of(job.state);
  if (job.digest && digest != *job.digest) {
    return LoadStateDone{0, "the state has another digest than neighbours vouch for"};
  }
  auto saved = decode_saved_state(job.state);
  if (!saved) return LoadStateDone{0, saved.error().message};
  if (saved->recipe != options_.recipe.canonical_text()) {
    return LoadStateDone{0, "the state was saved under another recipe"};
  }
  if (saved->values.index() != replica_.index()) {
    return LoadStateDone{0, "the state does not hold what its recipe saves"};
  }
  const std::size_t count =
      std::visit([](const auto& values) { return size_of(values); }, saved->values);
  if (count != task_->parameter_count()) {
    return LoadStateDone{0, "the state has " + std::to_string(count) +
                                " parameters, the task has " +
                                std::to_string(task_->parameter_count())};
  }
  step_ = saved->step;
  LoadStateDone done{.step = step_, .error = std::nullopt};
  done.digest = digest;
  if (auto* ledger = std::get_if<LedgerState>(&saved->values)) {
    votes().set_grid(ledger->grid);
    done.packets = std::move(ledger->packets);
    done.votes = ledger->votes;
  } else {
    first_order().set_parameters(std::get<0>(saved->values));
  }
  return done;
}

}  // namespace starling::node
