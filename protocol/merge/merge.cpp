#include "protocol/merge/merge.h"

#include <algorithm>
#include <type_traits>

#include "protocol/limits.h"
#include "protocol/overload.h"
#include "protocol/pace.h"

namespace starling::protocol {
namespace {

/// Announcements that came before the proposal or the roster. Our guess: the words of a merge of
/// 256 members, twice, so that a newcomer need not hear it in order.
constexpr std::size_t early_announcements_max = 1024;

/// A few from each neighbour.
constexpr std::size_t early_attested_max = 4 * limits::links_max;

template <class Kind>
concept RunWord = std::same_as<Kind, MergeResults> || std::same_as<Kind, MergeClosed> ||
                  std::same_as<Kind, MergeLinks> || std::same_as<Kind, MergeRecall>;

/// The merge that an announcement belongs to; null for those of other kinds.
const Digest* merge_of(const Announcement& content) {
  return std::visit(
      [](const auto& announced) -> const Digest* {
        if constexpr (requires { announced.merge; }) {
          return &announced.merge;
        } else {
          return nullptr;
        }
      },
      content);
}

}  // namespace

Merge::Merge(Options options) : options_(std::move(options)) {}

template <class Call>
void Merge::in_run(const Digest& merge, Instant now, MergeOutput output, const Call& call) {
  if (!run_ || merge != proposal_.merge) return;
  call(*run_);
  if (run_->failure()) give_up(*run_->failure(), now, output);
}

// --- Words, and those that come before their time ---

void Merge::on_announcement(const NodeId& author, const Announcement& content,
                            const std::optional<NodeId>& from, Instant now, MergeOutput output) {
  if (is_early(content)) {
    keep_early({author, content, from, {}});
    if (is_outvoted_by(content)) give_up("another merge was under way", now, output);
    return;
  }
  std::visit(
      Overload{[&](const MergeProposal& word) { take_proposal(author, word, from, now, output); },
               [&](const MergeRoster& word) { take_roster(author, word, from, now, output); },
               [&](const RunWord auto& word) {
                 in_run(word.merge, now, output,
                        [&](MergeRun& run) { run.hear(author, word, now, output); });
               },
               [](const MergeCommitment&) {},  // comes from neighbour to neighbour
               [](const Presence&) {}, [](const VotePacket&) {}, [](const EquivocationProof&) {},
               [](const UnknownAnnouncement&) {}},
      content);
}

/// Broadcasts overtake each other, above all for a newcomer who is told them from a cache.
bool Merge::is_early(const Announcement& content) const {
  const Digest* merge = merge_of(content);
  if (merge == nullptr || done()) return false;
  // Others may have begun the next merge while we still wait for this one to fail.
  if (run_) return *merge != proposal_.merge;
  const bool is_committing = stage_ == Stage::committing;
  if (std::holds_alternative<MergeProposal>(content)) {
    return is_committing && proposal_.merge < *merge;
  }
  const bool is_due = std::holds_alternative<MergeRoster>(content) ||
                      std::holds_alternative<MergeCommitment>(content);
  return !is_due || !is_committing || *merge != proposal_.merge;
}

/// Our proposal came to a swarm that was merging already.
bool Merge::is_outvoted_by(const Announcement& content) const {
  const auto* roster = std::get_if<MergeRoster>(&content);
  return roster != nullptr && stage_ == Stage::committing && leads() &&
         roster->members > commitments_.all().size();
}

void Merge::keep_early(Early early) {
  if (early_.size() < early_announcements_max) early_.push_back(std::move(early));
}

void Merge::replay_early(Instant now, MergeOutput output) {
  for (Early& early : std::exchange(early_, {})) {
    if (const auto* commitment = std::get_if<MergeCommitment>(&early.content)) {
      on_commitment(early.author, *commitment, std::move(early.signed_bytes), *early.from, now,
                    output);
    } else {
      on_announcement(early.author, early.content, early.from, now, output);
    }
  }
}

// --- Proposal and commitments ---

void Merge::propose(const Digest& merge, Terms terms, Instant now, MergeOutput output) {
  if (stage_ != Stage::idle) return;
  proposed_ = merge;
  expected_ = std::move(terms.expected);
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
      scaled(options_.commit_time, options_.interval_scale));
  const MergeProposal proposal{.merge = merge,
                               .cut_off = terms.cut_off,
                               .deadline_ms = static_cast<std::uint64_t>(wait.count()),
                               .nodes_seen = nodes_seen_,
                               .accepts_partial = terms.accepts_partial};
  output.announce(proposal);
  take_proposal(options_.self, proposal, std::nullopt, now, output);
}

void Merge::take_proposal(const NodeId& author, const MergeProposal& proposal,
                          const std::optional<NodeId>& from, Instant now, MergeOutput output) {
  // Two proposals at once: all nodes follow the smaller name (see is_early()).
  if (stage_ == Stage::merging) return;
  if (stage_ == Stage::committing && proposal.merge == proposal_.merge) return;
  stage_ = Stage::committing;
  failure_.reset();
  proposal_ = proposal;
  proposer_ = author;
  has_committed_ = false;
  early_bulk_.clear();
  early_bulk_bytes_ = 0;
  early_attested_.clear();
  const double scale = options_.interval_scale;
  commitments_ = Commitments({.merge = proposal.merge,
                              .is_proposer = leads(),
                              .parent = from,
                              .retry_time = scaled(Commitments::Options{}.retry_time, scale)});
  rosters_ = RosterExchange(
      {.merge = proposal.merge, .fetch_time = scaled(RosterExchange::Options{}.fetch_time, scale)});
  const auto wait_max = std::chrono::duration_cast<std::chrono::milliseconds>(
      10 * scaled(options_.commit_time, scale));
  const std::chrono::milliseconds wait(static_cast<std::int64_t>(
      std::min(proposal.deadline_ms, static_cast<std::uint64_t>(wait_max.count()))));
  // The others give the proposer twice its time before they take it for dead.
  deadline_ = now + (leads() ? wait : 2 * wait);
  if (own_) {
    commit(output);
  } else {
    output.requests.emplace_back(NeedContribution{proposal.merge});
  }
  replay_early(now, output);
}

/// The vector is the same for whichever proposal has won meanwhile.
void Merge::on_contribution(const Digest&, Contribution contribution, MergeOutput output) {
  if (stage_ != Stage::committing || own_) return;
  own_ = std::move(contribution);
  commit(output);
}

void Merge::commit(MergeOutput output) {
  output.requests.emplace_back(SignCommitment{{.merge = proposal_.merge,
                                               .weight = own_->digest ? options_.weight : 0,
                                               .step = own_->step,
                                               .digest = own_->digest.value_or(Digest{}),
                                               .nodes_seen = nodes_seen_,
                                               .neighbours = own_->neighbours}});
}

void Merge::on_signed_commitment(const MergeCommitment& commitment, Bytes signed_bytes, Instant now,
                                 MergeOutput output) {
  if (stage_ != Stage::committing || commitment.merge != proposal_.merge) return;
  has_committed_ = true;
  commitments_.take(options_.self, commitment, std::move(signed_bytes), std::nullopt, now);
  cut_roster_if_all_here(now, output);
}

void Merge::on_commitment(const NodeId& author, const MergeCommitment& commitment,
                          Bytes signed_bytes, const NodeId& from, Instant now, MergeOutput output) {
  if (is_early(commitment)) return keep_early({author, commitment, from, std::move(signed_bytes)});
  if (stage_ != Stage::committing || author == options_.self) return;
  commitments_.take(author, commitment, std::move(signed_bytes), from, now);
  cut_roster_if_all_here(now, output);
}

// --- The roster ---

void Merge::cut_roster_if_all_here(Instant now, MergeOutput output) {
  const bool all_here = std::ranges::all_of(
      expected_, [this](const NodeId& node) { return commitments_.all().contains(node); });
  if (leads() && all_here) cut_roster(now, output);
}

void Merge::cut_roster(Instant now, MergeOutput output) {
  // Those that are silent to us follow another proposal, which we may have refused.
  const std::size_t here = commitments_.all().size();
  if (here == 0 || (expected_.size() > 1 && 2 * here <= expected_.size())) {
    return give_up("only " + std::to_string(here) + " of " + std::to_string(expected_.size()) +
                       " nodes answered the proposal",
                   now, output);
  }
  Roster roster = roster_of(commitments_.all(), proposal_.nodes_seen);
  if (std::ranges::none_of(roster.members, &RosterMember::weight)) {
    return give_up("none of its " + std::to_string(here) + " members has a sound model", now,
                   output);
  }
  output.announce(rosters_.offer(roster, output.effects));
  begin_run(std::move(roster), now, output);
}

void Merge::take_roster(const NodeId& author, const MergeRoster& word,
                        const std::optional<NodeId>& from, Instant now, MergeOutput output) {
  if (stage_ != Stage::committing || author != proposer_) return;
  deadline_ = now + scaled(options_.roster_time, options_.interval_scale);
  rosters_.hear(word, from, now, output.effects);
}

void Merge::receive(const NodeId& peer, const MergeRosterRequest& request, MergeOutput output) {
  if (stage_ != Stage::idle && request.merge == proposal_.merge) {
    rosters_.on_request(peer, output.effects);
  }
}

void Merge::take_roster_content(SharedBytes content, Instant now, MergeOutput output) {
  if (stage_ != Stage::committing) return;
  auto roster = rosters_.take(std::move(content), output.effects);
  if (roster) begin_run(std::move(*roster), now, output);
}

// --- From the roster on ---

void Merge::begin_run(Roster roster, Instant now, MergeOutput output) {
  stage_ = Stage::merging;
  deadline_ = Instant::never();
  run_ = std::make_unique<MergeRun>(
      MergeRun::Options{.self = options_.self,
                        .run = options_.run,
                        .proposer = proposer_,
                        .proposal = proposal_,
                        .values = options_.values,
                        .quorum = options_.quorum,
                        .nodes_seen = nodes_seen_,
                        .interval_scale = options_.interval_scale},
      std::move(roster), MergeRun::Own{own_ ? own_->digest : std::nullopt, has_committed_}, linked_,
      now);
  in_run(proposal_.merge, now, output, [&](MergeRun& run) { run.start(now, output); });
  replay_early(now, output);
  for (auto& [peer, bulk] : std::exchange(early_bulk_, {})) {
    on_bulk(peer, std::move(bulk), now, output);
  }
  for (const MergeAttested& attested : std::exchange(early_attested_, {})) receive(attested, now);
}

void Merge::on_bulk(const NodeId& peer, Bulk&& bulk, Instant now, MergeOutput output) {
  const bool is_ours = stage_ != Stage::idle && bulk.context == proposal_.merge;
  if (!is_ours || bulk.number >= limits::merge_slices_max) return;
  const auto slice = static_cast<std::uint32_t>(bulk.number);
  if (bulk.kind == BulkKind::merge_roster) {
    take_roster_content(std::move(bulk.data), now, output);
  } else if (!run_) {  // a slice may outrun the roster
    early_bulk_bytes_ += bulk.data.size();
    if (early_bulk_bytes_ > 2 * limits::merge_window_bytes) return;
    early_bulk_.emplace_back(peer, std::move(bulk));
  } else if (bulk.kind == BulkKind::merge_part) {
    in_run(bulk.context, now, output,
           [&](MergeRun& run) { run.on_part(slice, std::move(bulk.data), now, output); });
  } else if (bulk.kind == BulkKind::merged_slice) {
    in_run(bulk.context, now, output,
           [&](MergeRun& run) { run.on_merged_slice(slice, std::move(bulk.data), now, output); });
  }
}

void Merge::on_summed(const Digest& merge, std::uint32_t slice, Member root, SharedBytes sum,
                      MergeOutput output) {
  if (run_ && merge == proposal_.merge) run_->on_summed(slice, root, std::move(sum), output);
}

void Merge::on_own_part(const Digest& merge, std::uint32_t slice, Member root, SharedBytes blocks,
                        MergeOutput output) {
  if (run_ && merge == proposal_.merge) run_->on_own_part(slice, root, std::move(blocks), output);
}

void Merge::on_averaged(const Digest& merge, std::uint32_t slice, SharedBytes data,
                        const Digest& digest, Instant now, MergeOutput output) {
  in_run(merge, now, output,
         [&](MergeRun& run) { run.on_averaged(slice, std::move(data), digest, now, output); });
}

void Merge::on_adopted(const Digest& merge, const Digest& model, Instant now, MergeOutput output) {
  in_run(merge, now, output, [&](MergeRun& run) { run.on_adopted(model, now, output); });
}

void Merge::receive(const NodeId& peer, const MergeSliceRequest& request, MergeOutput output) {
  if (run_ && request.merge == proposal_.merge) run_->on_request(peer, request, output);
}

void Merge::receive(const MergeAttested& attested, Instant now) {
  if (attested.merge != proposal_.merge) return;
  if (run_) return run_->on_attested(attested, now);
  if (early_attested_.size() < early_attested_max) early_attested_.push_back(attested);
}

// --- Links and time ---

void Merge::on_link_up(const NodeId& peer, Instant now, MergeOutput output) {
  linked_.insert(peer);
  in_run(proposal_.merge, now, output, [&](MergeRun& run) { run.on_link_up(peer, now, output); });
}

void Merge::on_link_down(const NodeId& peer, Instant now, MergeOutput output) {
  linked_.erase(peer);
  if (stage_ == Stage::committing) commitments_.on_link_down(peer, now);
  in_run(proposal_.merge, now, output, [&](MergeRun& run) { run.on_link_down(peer, now, output); });
}

Instant Merge::next_deadline() const {
  if (stage_ == Stage::idle) return Instant::never();
  if (run_) return run_->next_deadline();
  return std::min({deadline_, commitments_.next_deadline(), rosters_.next_deadline()});
}

void Merge::tick(Instant now, MergeOutput output) {
  if (stage_ == Stage::merging) {
    return in_run(proposal_.merge, now, output, [&](MergeRun& run) { run.tick(now, output); });
  }
  if (stage_ == Stage::idle) return;
  commitments_.tick(linked_, now, output.effects);
  rosters_.tick(linked_, now, output.effects);
  if (deadline_ > now) return;
  if (leads()) return cut_roster(now, output);
  give_up("its proposer fell silent", now, output);
}

/// The next merge asks for the vector anew.
void Merge::give_up(std::string reason, Instant now, MergeOutput output) {
  stage_ = Stage::idle;
  deadline_ = Instant::never();
  failure_ = std::move(reason);
  own_.reset();
  run_.reset();
  replay_early(now, output);
}

}  // namespace starling::protocol
