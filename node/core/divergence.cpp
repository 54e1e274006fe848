#include "node/core/divergence.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/digest.h"
#include "node/core/cut_parts.h"

namespace starling::node {

namespace {

/// Steps beyond a cut before it is digested, so that the votes below it are everywhere: a node runs
/// 2 steps ahead of the slowest (vote_trainer.cpp). Our guess; too few costs comparisons only.
constexpr Step cut_margin_steps = 8;

/// Ranges of the whole model as ranges of its segments.
std::vector<ParameterRange> in_segments(const std::vector<IndexRange>& ranges,
                                        const std::vector<Segment>& segments) {
  std::vector<ParameterRange> named;
  for (const IndexRange& range : ranges) {
    for (const Segment& segment : segments) {
      const std::size_t first = std::max(range.first, segment.offset);
      const std::size_t end = std::min(range.end, segment.offset + segment.length());
      if (first >= end) continue;
      named.push_back({segment.name, first - segment.offset, end - segment.offset});
    }
  }
  return named;
}

std::vector<IndexRange> ranges_of(const std::vector<std::size_t>& parts, std::size_t parameters) {
  const std::size_t size = cut_part_size(parameters);
  std::vector<IndexRange> ranges;
  for (const std::size_t part : parts) {
    const IndexRange range{part * size, std::min((part + 1) * size, parameters)};
    if (!ranges.empty() && ranges.back().end == range.first) {
      ranges.back().end = range.end;
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

}  // namespace

Step Divergence::newest_cut(Step step) const {
  const Step interval = config_.recipe.ledger().digest_interval;
  return step < cut_margin_steps ? 0 : (step - cut_margin_steps) / interval * interval;
}

void Divergence::counted(ByteSpan signed_bytes, const VoteBatch& batch) {
  if (config_.recipe.ledger().digest_interval == 0) return;
  const Digest packet = crypto::digest_of(signed_bytes);
  counted_.add(packet);
  newest_ = std::max(newest_, batch.step);
  const Step oldest = newest_cut(newest_);
  recent_.erase(recent_.begin(), recent_.lower_bound(oldest));
  if (batch.step >= oldest) recent_[batch.step].push_back({packet, batch});
}

void Divergence::voided(ByteSpan signed_bytes, const VoteBatch& batch) {
  if (config_.recipe.ledger().digest_interval == 0) return;
  const Digest packet = crypto::digest_of(signed_bytes);
  counted_.remove(packet);
  const auto recent = recent_.find(batch.step);
  if (recent == recent_.end()) return;
  std::erase_if(recent->second, [&](const Counted& counted) { return counted.packet == packet; });
}

void Divergence::proceed(Step step, Turn& turn) {
  if (config_.recipe.ledger().digest_interval == 0 || asked_ || !has_all_names_) return;
  const Step cut = newest_cut(step);
  // Others may be so far ahead that the votes which this cut would take out are not kept any more.
  if (cut <= cut_ || cut < newest_cut(newest_)) return;
  cut_ = cut;
  protocol::PacketSet below = counted_;
  CutDigestJob job{.step = cut, .newer = {}};
  for (auto later = recent_.lower_bound(cut); later != recent_.end(); ++later) {
    for (const Counted& counted : later->second) {
      below.remove(counted.packet);
      job.newer.push_back(counted.batch);
    }
  }
  asked_ = {.step = cut, .packets = below.packets(), .votes = below.name(), .model = {}};
  turn.jobs.emplace_back(std::move(job));
}

void Divergence::receive(const NodeId& peer, const protocol::Message& message, Turn& turn) {
  if (const auto* cut = std::get_if<protocol::CutDigest>(&message)) {
    if (const auto comparison = book_.receive(peer, *cut, turn.effects)) {
      compared(*comparison, turn);
    }
  } else if (const auto* parts = std::get_if<protocol::CutParts>(&message)) {
    parts_came(peer, *parts, turn);
  }
}

void Divergence::finished(const LearnerResult& result, Turn& turn) {
  if (const auto* digest = std::get_if<CutDigestDone>(&result)) return digested(*digest, turn);
  const auto* done = std::get_if<RebuildDone>(&result);
  if (done != nullptr && !done->is_anew) rebuilt(*done, turn);
}

void Divergence::digested(const CutDigestDone& done, Turn& turn) {
  if (suspicion_ && suspicion_->is_cleared) {  // whoever has not said where it differs by now
    for (const auto& [peer, ranges] : suspicion_->peers) report(peer, ranges, turn);
    suspicion_.reset();
  }
  asked_->model = done.model;
  const auto comparisons = book_.add({*asked_, done.parts}, turn.effects);
  asked_.reset();
  for (const protocol::Comparison& comparison : comparisons) compared(comparison, turn);
}

void Divergence::compared(const protocol::Comparison& comparison, Turn& turn) {
  if (!comparison.agrees()) return suspect(comparison, turn);
  agreed_step_ = std::max(agreed_step_, comparison.step);
  refuted_.erase(comparison.peer);
}

void Divergence::suspect(const protocol::Comparison& comparison, Turn& turn) {
  // A neighbour that lies, or stays wrong, costs one rebuild and not one for each cut.
  if (refuted_.contains(comparison.peer)) return;
  divergences_ += 1;
  if (suspicion_ && suspicion_->step == comparison.step) {
    suspicion_->peers.try_emplace(comparison.peer);
    if (suspicion_->is_cleared) refuted_.insert(comparison.peer);
    return;
  }
  if (rebuilding()) return;
  turn.events.emplace_back(
      Diverged{comparison.peer, comparison.step, comparison.own, comparison.theirs});
  auto packets = ledger_.all_packets();
  if (!packets) {
    refuted_.insert(comparison.peer);
    turn.events.emplace_back(
        Warned{"the replica cannot be rebuilt: its oldest packets were let go"});
    return;
  }
  suspicion_ = {.step = comparison.step, .peers = {{comparison.peer, {}}}, .is_cleared = false};
  turn.jobs.emplace_back(RebuildJob{std::move(*packets)});
}

void Divergence::parts_came(const NodeId& peer, const protocol::CutParts& parts, Turn& turn) {
  const auto differing = book_.differing(parts);
  if (!differing) return turn.blame(peer, differing.error());
  if (!suspicion_ || suspicion_->step != parts.step) return;
  const auto doubted = suspicion_->peers.find(peer);
  if (doubted == suspicion_->peers.end()) return;
  doubted->second = ranges_of(*differing, config_.parameter_count);
  if (!suspicion_->is_cleared) return;
  report(peer, doubted->second, turn);
  suspicion_->peers.erase(doubted);
}

void Divergence::rebuilt(const RebuildDone& done, Turn& turn) {
  if (!done.changed.empty()) {
    report(config_.self.id, done.changed, turn);
    book_.replace_own();
    suspicion_.reset();
    return;
  }
  suspicion_->is_cleared = true;
  for (const auto& [peer, ranges] : suspicion_->peers) {
    refuted_.insert(peer);
    if (!ranges.empty()) report(peer, ranges, turn);
  }
  std::erase_if(suspicion_->peers, [](const auto& peer) { return !peer.second.empty(); });
}

void Divergence::report(const NodeId& wrong, const std::vector<IndexRange>& ranges,
                        Turn& turn) const {
  turn.events.emplace_back(
      DivergenceLocated{suspicion_->step, wrong, in_segments(ranges, config_.segments)});
}

void Divergence::fill(NodeStatus& status) const {
  status.agreed_step = agreed_step_;
  status.divergences = divergences_;
}

}  // namespace starling::node
