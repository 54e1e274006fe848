// NodeParts: the final merge. The protocol's machine asks, this performs.

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "node/core/node_parts.h"
#include "protocol/limits.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

// Before interval_scale; our guesses, untuned.
constexpr Duration settle_time_max = 10s;
constexpr Duration linger_after_merge = 3s;
constexpr Duration linger_for_others_max = 60s;
constexpr Duration stay_longer = 1s;  // then it asks again whether others still need it

std::vector<WeightedSlice> parts_of(std::vector<protocol::SlicePart>&& parts) {
  std::vector<WeightedSlice> weighted;
  weighted.reserve(parts.size());
  for (protocol::SlicePart& part : parts) {
    weighted.push_back({part.weight, part.is_sum, std::move(part.blocks)});
  }
  return weighted;
}

/// Of those it stays for, so many are named.
constexpr std::size_t lacking_named_max = 8;

Warned stays_for(const std::vector<NodeId>& lacking, Duration at_most) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(at_most).count();
  std::string text = "this node has the merged model, and stays for up to " +
                     std::to_string(seconds) + " s for " + std::to_string(lacking.size()) +
                     " that lack it:";
  for (std::size_t i = 0; i < std::min(lacking.size(), lacking_named_max); ++i) {
    text.append(" ").append(lacking[i].short_text());
  }
  if (lacking.size() > lacking_named_max) text += " ...";
  return Warned{text};
}

}  // namespace

protocol::MergeOutput NodeParts::merge_output(Turn& turn) {
  return {turn.effects, merge_requests_};
}

// --- Proposing ---

/// A node that only observes a running merge is waiting too; it does not start a second one.
bool NodeParts::may_propose() const {
  return phase_ == Phase::waiting && !merge_.running() && !trainer_->catching_up();
}

void NodeParts::propose_if_due(Turn& turn) {
  if (!config_.merge_when_finished) return;
  // A process that restarts with all steps done has yet to find the others, and to hear of all. If
  // everybody is here it waits as long as a small run does: whoever restarts just now is to be in.
  const bool all_here = roll_.present().size() == roll_.seen().size() &&
                        roll_.present().size() + 1 >= config_.nodes_expected;
  Duration search_time{0};
  if (config_.nodes_expected > 1) {
    const double stretch = all_here ? 1 : roll_.stretch();
    search_time = roll_.has_heard() ? 2 * presence_pause(stretch) : start_wait();
  }
  const Instant not_before = joining_since_ + search_time;
  if (policy_.is_due(roll_, not_before, trainer_->settled(), turn.now)) return propose(turn);
  if (auto missing = policy_.take_missing(roll_, not_before, turn.now)) {
    turn.events.emplace_back(std::move(*missing));
  }
}

void NodeParts::propose(Turn& turn) {
  Digest name;
  for (std::uint8_t& byte : name.bytes) byte = static_cast<std::uint8_t>(rng_.next());
  std::set<NodeId> expected = roll_.present();
  expected.insert(config_.self.id);
  count_nodes_seen();
  merge_.propose(name,
                 {.cut_off = trainer_->step(),
                  .expected = std::move(expected),
                  .accepts_partial = policy_.accepts_partial()},
                 turn.now, merge_output(turn));
}

void NodeParts::count_nodes_seen() {
  merge_.set_nodes_seen(static_cast<std::uint32_t>(roll_.seen().size() + 1));
}

/// Those of an author whose signature is wrong are dropped alone: its neighbour is to blame.
void NodeParts::on_commitments(const NodeId& peer, protocol::MergeCommitments&& commitments,
                               Turn& turn) {
  for (Bytes& bytes : commitments.signed_commitments) {
    const auto opened = config_.open_announcement(bytes, config_.run);
    if (!opened) {
      turn.blame(peer, opened.error());
      continue;
    }
    const auto* commitment = std::get_if<protocol::MergeCommitment>(&opened->content);
    if (commitment == nullptr || commitment->merge != commitments.merge) {
      turn.blame(peer, protocol::RejectReason::unexpected);
      continue;
    }
    merge_.on_commitment(opened->author, *commitment, std::move(bytes), peer, turn.now,
                         merge_output(turn));
  }
}

// --- What the merge asks for ---

void NodeParts::perform_merge_requests(Turn& turn) {
  for (protocol::MergeRequest& request : std::exchange(merge_requests_, {})) {
    std::visit([&](auto& kind) { perform(std::move(kind), turn); }, request);
  }
}

void NodeParts::perform(protocol::AnnounceMerge&& request, Turn& turn) {
  turn.announcements.push_back(std::move(request.content));
}

void NodeParts::perform(protocol::SignCommitment&& request, Turn& turn) {
  const protocol::SignedAnnouncement announcement{config_.self.id, sequence_++, request.content};
  merge_.on_signed_commitment(request.content,
                              protocol::sign_announcement(announcement, config_.run, config_.key),
                              turn.now, merge_output(turn));
}

void NodeParts::perform(protocol::NeedContribution&& request, Turn& turn) {
  count_nodes_seen();
  membership_.hold_links(true);
  for (const auto& [peer, path] : links_) detector_.neighbour_up(peer, turn.now);
  turn.events.emplace_back(MergeStarted{request.merge});
  // A node that has not begun to train has nothing to give; it takes the result.
  const bool has_begun =
      phase_ == Phase::training || phase_ == Phase::waiting || phase_ == Phase::merging;
  if (!has_begun) return;
  enter(Phase::merging);
  wanted_contribution_ = request.merge;
  contribute_by_ = turn.now + scaled(settle_time_max, config_.interval_scale);
  trainer_->stop(turn);
}

void NodeParts::contribute_if_settled(Turn& turn) {
  if (!wanted_contribution_ || (!trainer_->settled() && turn.now < contribute_by_)) return;
  turn.jobs.emplace_back(ContributeJob{*std::exchange(wanted_contribution_, std::nullopt)});
}

/// A node whose model is ruined gives nothing, says why, and takes what the others make.
void NodeParts::on_contributed(ContributeDone&& done, Turn& turn) {
  std::vector<NodeId> neighbours = membership_.neighbours();
  neighbours.resize(std::min(neighbours.size(), protocol::limits::links_max));
  excluded_ = done.fault.value_or("");
  if (done.fault) turn.events.emplace_back(Excluded{done.merge, *done.fault});
  merge_.on_contribution(done.merge,
                         {.digest = done.fault ? std::nullopt : std::optional(done.digest),
                          .step = trainer_->step(),
                          .neighbours = std::move(neighbours)},
                         merge_output(turn));
}

void NodeParts::perform(protocol::NeedSum&& request, Turn& turn) {
  turn.jobs.emplace_back(SumSliceJob{.merge = request.merge,
                                     .slice = request.slice,
                                     .root = request.root,
                                     .own_weight = request.own_weight,
                                     .parts = parts_of(std::move(request.parts))});
}

void NodeParts::perform(protocol::NeedOwnPart&& request, Turn& turn) {
  turn.jobs.emplace_back(OwnSliceJob{request.merge, request.slice, request.root});
}

void NodeParts::perform(protocol::NeedAverage&& request, Turn& turn) {
  turn.jobs.emplace_back(AverageSliceJob{.merge = request.merge,
                                         .slice = request.slice,
                                         .own_weight = request.own_weight,
                                         .parts = parts_of(std::move(request.parts))});
}

void NodeParts::perform(protocol::NeedAdoption&& request, Turn& turn) {
  trainer_->drop_evaluation();
  turn.jobs.emplace_back(
      AdoptJob{request.merge, std::move(request.slices), std::move(request.digests)});
}

void NodeParts::perform(protocol::MergeComplete&& request, Turn& turn) {
  if (phase_ != Phase::leaving) enter(Phase::done);
  manifest_ = std::move(request.manifest);
  stop_reason_ = excluded_;  // it has the merged model, but nothing of its own is in it
  stop_at_ = turn.now + scaled(linger_after_merge, config_.interval_scale);
  linger_until_ = turn.now + scaled(linger_for_others_max, config_.interval_scale);
  turn.events.emplace_back(Merged{*manifest_, adopted_.evaluation.value_or(Evaluation{}),
                                  adopted_.distance, adopted_.norm});
}

/// A member whose link breaks off may have attested a model that it has not written down: it comes
/// back without.
void NodeParts::note_broken_link(const NodeId& peer, protocol::CloseReason reason) {
  const bool is_broken = reason == protocol::CloseReason::connection_lost ||
                         reason == protocol::CloseReason::timed_out;
  const bool is_merging = merge_.running() || manifest_;
  if (is_broken && is_merging && roll_.find(peer) != nullptr) broken_off_.insert(peer);
}

/// Nodes without the merged model: those present, and members that broke off on the way to it, for
/// they may be back in a moment. Whoever takes it leaves, and says so.
std::vector<NodeId> NodeParts::lacking_merge() const {
  if (!manifest_) return {};
  std::set<NodeId> nodes = roll_.present();
  for (const NodeId& holder : manifest_->attestations) nodes.erase(holder);
  for (const MergeMember& member : manifest_->members) {
    if (broken_off_.contains(member.id)) nodes.insert(member.id);
  }
  std::erase_if(nodes, [&](const NodeId& node) {
    const RollEntry* entry = roll_.find(node);
    return entry == nullptr || entry->presence.merged || entry->presence.leaving;
  });
  return {nodes.begin(), nodes.end()};
}

void NodeParts::leave_unless_needed(Turn& turn) {
  const std::vector<NodeId> lacking = lacking_merge();
  if (lacking.empty() || turn.now >= linger_until_) return leave(turn);
  if (!std::exchange(is_stay_told_, true)) {
    turn.events.emplace_back(stays_for(lacking, linger_until_ - turn.now));
    // Two that have taken the model and stay for each other learn from this that neither needs to.
    presence_announced_at_ = Instant::never();
    announce_presence(turn);
    publish(turn);
  }
  stop_at_ = turn.now + scaled(stay_longer, config_.interval_scale);
}

void NodeParts::leave_failed_merge(Turn& turn) {
  turn.events.emplace_back(Warned{"the merge was given up: " + merge_.failure()});
  membership_.hold_links(false);
  enter(Phase::waiting);
  policy_.failed(turn.now);
}

}  // namespace starling::node
