#pragma once
// The computation of one node: a task, and the replica that a recipe trains on it. No peers, no
// time, no I/O. The compute pool and the simulator call run() with one job after another.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "crypto/secret.h"
#include "node/core/learner_job.h"
#include "node/core/merge_blocks.h"
#include "node/core/saved_state.h"
#include "node/core/vote_oracle.h"
#include "optim/recipe.h"
#include "optim/replica.h"
#include "optim/vote_replica.h"
#include "optim/vote_sender.h"
#include "starling/parallel_for.h"
#include "starling/result.h"
#include "starling/task.h"

namespace starling::node {

struct LearnerOptions {
  optim::Recipe recipe;
  RunId run;
  NodeId self;
  Step steps_total = 0;           ///< Schedules are functions of step / steps_total.
  std::uint64_t model_seed = 0;   ///< The same on all nodes: the common starting point.
  std::uint64_t data_seed = 0;    ///< This node's own batches.
  std::vector<float> start = {};  ///< The common starting point; empty: the task's, by model_seed.
  /// Entropy of this process that nobody else knows: the noise of private votes and their batches.
  std::optional<crypto::Secret<32>> privacy_secret = {};
  std::string task_name = {};      ///< For errors.
  std::uint64_t memory_bytes = 0;  ///< Of this machine, for this process; 0: not known.
};

/// What every replica under votes begins with. Error: segment factors that do not fit the task.
[[nodiscard]] Result<optim::VoteReplica> starting_replica(const LearnerOptions& options,
                                                          const Task& task);

/// The batches as the replica takes them; they refer to the batches' codes.
[[nodiscard]] std::vector<optim::VoteSpan> spans_of(const std::vector<VoteBatch>& batches);

class Learner {
 public:
  /// `task` is owned by the learner from here on. Error: the model needs more memory than there is
  /// (memory_need.h); the recipe needs a gradient and the task
  /// has none; the task has no parameters, or none of the
  /// segments that the recipe names.
  [[nodiscard]] static Result<Learner> create(LearnerOptions options, std::unique_ptr<Task> task);

  /// Never throws: an exception of the task becomes LearnerFailed.
  [[nodiscard]] LearnerResult run(LearnerJob&& job);

  /// The replica of a first-order recipe as a saved state, piece by piece and without a copy, for
  /// a StoreState. Returns the step that it is of.
  Step write_state(const std::function<void(ByteSpan)>& write) const;

  /// The largest payload of run(); 0 under votes.
  [[nodiscard]] std::size_t payload_bytes_max() const;

  /// Threads for the sum of votes; without it, the caller's alone. Results do not depend on it.
  void compute_with(ParallelFor parallel_for);

  [[nodiscard]] std::span<const float> parameters() const;
  [[nodiscard]] ModelForm form() const;
  /// What the model's digest is of: the parameters as float32, or under votes the ledger's integers
  /// (int32, unit 2^-24); 4 bytes each, little endian. Valid until the next job.
  [[nodiscard]] ByteSpan model_bytes() const;
  /// Names the model in evaluations, contributions and manifests: by slices
  /// (protocol::digest_by_slices), or under votes the digest of model_bytes().
  [[nodiscard]] Digest model_digest();
  /// The parameters as float32, in pieces in order: the merged slices themselves, where the model
  /// is what a merge has brought, so that whoever keeps it shares their memory.
  [[nodiscard]] std::vector<protocol::SharedBytes> parameter_pieces() const;
  [[nodiscard]] const Task& task() const { return *task_; }
  /// Of any model of this task on this node's test data.
  [[nodiscard]] std::optional<Evaluation> evaluate(std::span<const float> parameters) {
    return task_->evaluate(parameters);
  }
  /// Probability that a sample of this node is in the batch of a private vote.
  [[nodiscard]] double sampling_rate() const;
  /// The replica of a first-order recipe, for checks of conservation; nullptr under votes.
  [[nodiscard]] optim::Replica* replica() {
    forget_model();
    return std::get_if<optim::Replica>(&replica_);
  }
  /// The replica under votes, for faults that tests plant; nullptr under a first-order recipe.
  [[nodiscard]] optim::VoteReplica* vote_replica() {
    forget_model();
    return std::get_if<optim::VoteReplica>(&replica_);
  }

 private:
  using AnyReplica = std::variant<optim::Replica, optim::VoteReplica>;
  Learner(LearnerOptions options, std::unique_ptr<Task> task, AnyReplica replica);

  LearnerResult perform(const TrainJob& job);
  LearnerResult perform(const EncodeJob& job);
  LearnerResult perform(const ResyncJob& job);
  LearnerResult perform(const TakeCopyJob& job);
  LearnerResult perform(const MixJob& job);
  LearnerResult perform(const DropEdgeJob& job);
  LearnerResult perform(const ProbeJob& job);
  LearnerResult perform(const ApplyVotesJob& job);
  LearnerResult perform(const CutDigestJob& job);
  LearnerResult perform(const RebuildJob& job);
  LearnerResult perform(const EvaluateJob& job);
  LearnerResult perform(const NameModelJob& job);
  LearnerResult perform(const ContributeJob& job);
  LearnerResult perform(const SumSliceJob& job);
  LearnerResult perform(const OwnSliceJob& job);
  LearnerResult perform(const AverageSliceJob& job);
  LearnerResult perform(const AdoptJob& job);
  LearnerResult perform(const SaveStateJob& job);
  LearnerResult perform(const LoadStateJob& job);
  void before_change();
  void forget_model() {
    digest_.reset();
    merged_.clear();
  }
  void end_contribution();
  /// This node's part of a slice, of what it has given to the merge.
  [[nodiscard]] Bytes own_blocks(std::uint32_t slice) const;
  [[nodiscard]] std::vector<WeightedSlice> with_own(const std::vector<WeightedSlice>& parts,
                                                    std::uint32_t slice,
                                                    std::uint64_t own_weight) const;
  void take_back_contribution();
  void take_merged(const AdoptJob& job, AdoptDone& done);
  using GridLook = std::function<void(std::span<const std::int32_t>)>;
  /// Shows the grid as it is without `batches`, which have been applied.
  void look_without(const std::vector<VoteBatch>& batches, const GridLook& look);
  void save_ledger(const VoteCut& cut, SaveStateDone& done);
  [[nodiscard]] StateHead state_head(std::string_view recipe) const;
  void apply(const std::vector<VoteBatch>& batches);
  [[nodiscard]] optim::Replica& first_order();
  [[nodiscard]] optim::VoteReplica& votes();
  [[nodiscard]] BatchKey batch(Step step) const;
  [[nodiscard]] BatchKey private_batch(Step step) const;
  /// By samples, clipped and with noise, as the recipe says.
  [[nodiscard]] Measurement measure_privately(const ProbeJob& job);

  LearnerOptions options_;
  std::unique_ptr<Task> task_;
  AnyReplica replica_;
  optim::VoteSender sender_;
  float loss_weight_;  ///< Recipe::sample_weighting applied to the task's relative share.
  std::uint64_t noise_drawn_ = 0;
  Step step_ = 0;                              ///< Local steps done; travels with the saved state.
  std::optional<Digest> digest_;               ///< Of the model as it is, if known.
  std::vector<protocol::SharedBytes> merged_;  ///< The model as it is, if a merge brought it.

  // What this node gives to a merge is the replica as it is, until that changes: then a copy.
  bool is_contributing_ = false;
  std::vector<float> kept_parameters_;   ///< First order.
  std::vector<std::int32_t> kept_grid_;  ///< Votes.
};

}  // namespace starling::node
