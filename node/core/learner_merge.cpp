// The learner's part in the final merge: its own parts of slices, the arithmetic of sums and means,
// and the merged model.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "crypto/digest.h"
#include "node/core/learner.h"
#include "node/core/soundness.h"
#include "protocol/merge/slice_plan.h"
#include "starling/check.h"

namespace starling::node {

namespace {

static_assert(std::endian::native == std::endian::little, "digests are over little-endian values");

template <class Value>
ByteSpan bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}

/// The values of a merged slice, which has been checked against its digest.
template <class Value>
void read_values(ByteSpan bytes, std::span<Value> out) {
  STARLING_CHECK(bytes.size() == out.size_bytes());
  std::memcpy(out.data(), bytes.data(), bytes.size());
}

/// Squares of L2 norms, as slice after slice is taken: in several sums, or each addition would wait
/// for the one before.
class Squares {
 public:
  void add(std::span<const float> before, std::span<const float> after) {
    std::size_t at = 0;
    for (; at + lanes <= after.size(); at += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        add(lane, before[at + lane], after[at + lane]);
      }
    }
    for (; at < after.size(); ++at) add(0, before[at], after[at]);
  }
  [[nodiscard]] double distance() const { return norm_of(distance_); }
  [[nodiscard]] double norm() const { return norm_of(norm_); }

 private:
  static constexpr std::size_t lanes = 8;
  using Sums = std::array<double, lanes>;

  void add(std::size_t lane, float before, float after) {
    const double difference = static_cast<double>(before) - static_cast<double>(after);
    distance_[lane] += difference * difference;
    norm_[lane] += static_cast<double>(after) * static_cast<double>(after);
  }
  [[nodiscard]] static double norm_of(const Sums& sums) {
    return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
  }

  Sums distance_{};
  Sums norm_{};
};

}  // namespace

ModelForm Learner::form() const {
  return std::holds_alternative<optim::VoteReplica>(replica_) ? ModelForm::grid : ModelForm::floats;
}

ByteSpan Learner::model_bytes() const {
  const auto* votes = std::get_if<optim::VoteReplica>(&replica_);
  return votes != nullptr ? bytes_of(votes->grid()) : bytes_of(parameters());
}

Digest Learner::model_digest() {
  if (!digest_) {
    digest_ = form() == ModelForm::grid ? crypto::digest_of(model_bytes())
                                        : protocol::digest_by_slices(model_bytes());
  }
  return *digest_;
}

std::vector<protocol::SharedBytes> Learner::parameter_pieces() const {
  if (!merged_.empty()) return merged_;
  const ByteSpan bytes = bytes_of(parameters());
  return {Bytes(bytes.begin(), bytes.end())};
}

// --- What this node gives ---

void Learner::before_change() {
  forget_model();
  const bool is_kept = !kept_parameters_.empty() || !kept_grid_.empty();
  if (!is_contributing_ || is_kept) return;
  if (form() == ModelForm::grid) {
    const auto grid = votes().grid();
    kept_grid_.assign(grid.begin(), grid.end());
  } else {
    const auto now = parameters();
    kept_parameters_.assign(now.begin(), now.end());
  }
}

void Learner::end_contribution() {
  is_contributing_ = false;
  kept_parameters_ = std::vector<float>();
  kept_grid_ = std::vector<std::int32_t>();
}

LearnerResult Learner::perform(const NameModelJob&) {
  return NameModelDone{model_digest()};
}

LearnerResult Learner::perform(const ContributeJob& job) {
  end_contribution();
  ContributeDone done{.merge = job.merge, .digest = model_digest()};
  if (auto* replica = std::get_if<optim::Replica>(&replica_)) {
    replica->release_working_memory();
    done.fault = merge_fault(replica->parameters(), task_->segments(), step_);
  }
  is_contributing_ = !done.fault;
  return done;
}

Bytes Learner::own_blocks(std::uint32_t slice) const {
  const protocol::SlicePlan plan(task_->parameter_count());
  const auto cut = [&](auto values) {
    return blocks_of(values.subspan(plan.first(slice), plan.values(slice)));
  };
  if (const auto* votes = std::get_if<optim::VoteReplica>(&replica_)) {
    return cut(kept_grid_.empty() ? votes->grid() : std::span<const std::int32_t>(kept_grid_));
  }
  return cut(kept_parameters_.empty() ? parameters() : std::span<const float>(kept_parameters_));
}

std::vector<WeightedSlice> Learner::with_own(const std::vector<WeightedSlice>& parts,
                                             std::uint32_t slice, std::uint64_t own_weight) const {
  std::vector<WeightedSlice> all = parts;
  if (own_weight > 0) {
    all.push_back({.weight = own_weight, .is_sum = false, .blocks = own_blocks(slice)});
  }
  return all;
}

LearnerResult Learner::perform(const OwnSliceJob& job) {
  return OwnSliceDone{job.merge, job.slice, job.root, own_blocks(job.slice)};
}

LearnerResult Learner::perform(const SumSliceJob& job) {
  SumSliceDone done{job.merge, job.slice, job.root, {}};
  if (job.parts.empty()) {
    done.blocks = own_blocks(job.slice);
  } else {
    const protocol::SlicePlan plan(task_->parameter_count());
    done.blocks =
        weighted_sum(with_own(job.parts, job.slice, job.own_weight), plan.values(job.slice));
  }
  return done;
}

LearnerResult Learner::perform(const AverageSliceJob& job) {
  const protocol::SlicePlan plan(task_->parameter_count());
  Bytes mean =
      weighted_mean(with_own(job.parts, job.slice, job.own_weight), plan.values(job.slice), form());
  const Digest digest = crypto::digest_of(mean);
  return AverageSliceDone{job.merge, job.slice, std::move(mean), digest};
}

// --- What it takes ---

LearnerResult Learner::perform(const AdoptJob& job) {
  AdoptDone done{.merge = job.merge,
                 .model = {},
                 .evaluation = {},
                 .own = task_->evaluate(parameters()),
                 .own_model = model_digest()};
  if (job.slices.empty()) {
    take_back_contribution();
    Squares squares;
    squares.add(parameters(), parameters());
    done.norm = squares.norm();
  } else {
    take_merged(job, done);
  }
  end_contribution();
  done.model = model_digest();
  done.evaluation = task_->evaluate(parameters());
  return done;
}

/// The merged model is what this node gave: whatever has changed since is undone.
void Learner::take_back_contribution() {
  if (kept_parameters_.empty() && kept_grid_.empty()) return;
  forget_model();
  if (form() == ModelForm::grid) {
    votes().set_grid(kept_grid_);
  } else {
    first_order().set_parameters(kept_parameters_);
  }
}

void Learner::take_merged(const AdoptJob& job, AdoptDone& done) {
  const protocol::SlicePlan plan(task_->parameter_count());
  STARLING_CHECK(job.slices.size() == plan.count() && job.digests.size() == plan.count());
  Squares squares;
  forget_model();
  if (form() == ModelForm::grid) {
    std::vector<std::int32_t> grid(task_->parameter_count());
    for (std::uint32_t slice = 0; slice < plan.count(); ++slice) {
      read_values(job.slices[slice],
                  std::span(grid).subspan(plan.first(slice), plan.values(slice)));
    }
    const auto own = parameters();
    const std::vector<float> before(own.begin(), own.end());
    votes().set_grid(grid);
    squares.add(before, parameters());
  } else {
    first_order().set_parameters([&](std::span<float> parameters) {
      std::vector<float> merged(plan.values_max());
      for (std::uint32_t slice = 0; slice < plan.count(); ++slice) {
        const std::span<float> own = parameters.subspan(plan.first(slice), plan.values(slice));
        const std::span<float> values = std::span(merged).first(own.size());
        read_values(job.slices[slice], values);
        squares.add(own, values);
        std::ranges::copy(values, own.begin());
      }
    });
    digest_ = protocol::digest_of_slices(job.digests);
    merged_ = job.slices;
  }
  done.distance = squares.distance();
  done.norm = squares.norm();
}

}  // namespace starling::node
