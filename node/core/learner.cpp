#include "node/core/learner.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "crypto/digest.h"
#include "node/core/fixed_point.h"
#include "node/core/saved_state.h"
#include "starling/check.h"

namespace starling::node {

namespace {

std::vector<float> starting_point(const Task& task, std::uint64_t seed) {
  std::vector<float> parameters(task.parameter_count());
  task.initialize(parameters, seed);
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

Learner::Learner(LearnerOptions options, std::unique_ptr<Task> task, AnyReplica replica)
    : options_(std::move(options)),
      task_(std::move(task)),
      replica_(std::move(replica)),
      sender_(options_.recipe.votes),
      loss_weight_(
          static_cast<float>(std::pow(task_->relative_share(), options_.recipe.sample_weighting))) {
}

Result<Learner> Learner::create(LearnerOptions options, std::unique_ptr<Task> task) {
  if (task->parameter_count() == 0)
    return invalid_input("the task has 0 parameters; at least 1 is needed");
  std::vector<float> start = starting_point(*task, options.model_seed);
  if (options.recipe.oracle == optim::Oracle::votes) {
    optim::VoteReplica replica(options.recipe, options.run, start, options.steps_total);
    return Learner(std::move(options), std::move(task), std::move(replica));
  }
  if (!task->has_gradient()) {
    return invalid_input("recipe '" + options.recipe.name +
                         "' needs a gradient and the task offers only a loss; use recipe 'votes'");
  }
  optim::Replica replica(options.recipe, std::move(start), options.data_seed, options.steps_total);
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
    loss += replica.local_step(step, [&](std::span<const float> at, std::span<float> gradient) {
      const double mean_loss = task_->gradient(at, batch(step), gradient);
      if (loss_weight_ != 1.0F) {
        for (float& value : gradient) value *= loss_weight_;
      }
      return mean_loss;
    });
  }
  step_ = job.first + job.count;
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
  const auto loss = [&](std::span<const float> at) {
    return loss_weight_ * task_->loss(at, batch(job.step));
  };
  ProbeDone done{.step = job.step, .first_probe = job.first_probe, .codes = {}, .loss = 0};
  done.codes =
      sender_.encode(votes().probe(options_.self, job.step, job.first_probe, job.count, loss));
  done.loss = votes().last_loss() / loss_weight_;
  step_ = job.step + 1;
  return done;
}

LearnerResult Learner::perform(const ApplyVotesJob& job) {
  std::vector<optim::VoteSpan> spans;
  spans.reserve(job.batches.size());
  std::uint64_t count = 0;
  for (const VoteBatch& batch : job.batches) {
    spans.push_back({batch.author, batch.step, batch.first_probe, batch.codes});
    count += batch.codes.size();
  }
  votes().apply(spans);
  return ApplyVotesDone{count};
}

LearnerResult Learner::perform(const EvaluateJob& job) {
  return EvaluateDone{job.step, task_->evaluate(parameters()), crypto::digest_of(fixed_point())};
}

LearnerResult Learner::perform(const ContributeJob& job) {
  Bytes vector = fixed_point();
  const Digest digest = crypto::digest_of(vector);
  return ContributeDone{job.merge, digest, std::move(vector)};
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

LearnerResult Learner::perform(const SaveStateJob& job) {
  const std::span<const float> now = parameters();
  const SavedState saved{.recipe = options_.recipe.canonical_text(),
                         .step = step_,
                         .parameters = {now.begin(), now.end()}};
  return SaveStateDone{job.for_joiner, job.request, step_, encode_saved_state(saved)};
}

LearnerResult Learner::perform(const LoadStateJob& job) {
  const auto saved = decode_saved_state(job.state);
  if (!saved) return LoadStateDone{0, saved.error().message};
  if (saved->recipe != options_.recipe.canonical_text()) {
    return LoadStateDone{0, "the state was saved under another recipe"};
  }
  if (saved->parameters.size() != task_->parameter_count()) {
    return LoadStateDone{0, "the state has " + std::to_string(saved->parameters.size()) +
                                " parameters, the task has " +
                                std::to_string(task_->parameter_count())};
  }
  first_order().set_parameters(saved->parameters);
  step_ = saved->step;
  return LoadStateDone{step_, std::nullopt};
}

}  // namespace starling::node
