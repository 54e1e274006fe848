#include "protocol/merge/merge.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/wire/wire.h"

namespace starling::protocol {

namespace {

/// After so many time-outs in the reduction the merge is given up. Our guess.
constexpr int overdue_rounds_max = 4;

/// Announcements that came before the proposal or the roster. Our guess: a whole merge of 512
/// members with one slice each, so that a newcomer need not hear it in order.
constexpr std::size_t early_announcements_max = 1024;

/// Dials of one member before it is taken for dead. Our guess.
constexpr int dials_max = 3;

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

// --- Proposal and commitments ---

void Merge::announce(const Announcement& content, Instant now, MergeOutput output) {
  output.requests.emplace_back(AnnounceMerge{content});
  on_announcement(options_.self.id, content, now, output);
}

void Merge::propose(const Digest& merge, Step cut_off, std::set<NodeId> expected, Instant now,
                    MergeOutput output) {
  if (stage_ != Stage::idle) return;
  proposed_ = merge;
  expected_ = std::move(expected);
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(options_.commit_time);
  announce(MergeProposal{.merge = merge,
                         .cut_off = cut_off,
                         .deadline_ms = static_cast<std::uint64_t>(wait.count())},
           now, output);
}

void Merge::on_announcement(const NodeId& author, const Announcement& content, Instant now,
                            MergeOutput output) {
  if (is_early(content)) {
    if (early_.size() < early_announcements_max) early_.emplace_back(author, content);
    if (is_outvoted_by(content)) give_up(now, output);
  } else if (const auto* proposal = std::get_if<MergeProposal>(&content)) {
    take_proposal(author, *proposal, now, output);
  } else if (const auto* commitment = std::get_if<MergeCommitment>(&content)) {
    take_commitment(author, *commitment, now, output);
  } else if (const auto* roster = std::get_if<MergeRoster>(&content)) {
    take_roster(author, *roster, now, output);
  } else if (const auto* done = std::get_if<MergeSliceDone>(&content)) {
    take_slice_result(author, *done, output);
  } else if (const auto* adopted = std::get_if<MergeAdopted>(&content)) {
    take_attestation(author, *adopted, output);
  }
}

/// Broadcasts overtake each other, above all for a newcomer who is told them from a cache.
bool Merge::is_early(const Announcement& content) const {
  // Others may have begun the next merge while we still wait for this one to fail.
  const Digest* merge = merge_of(content);
  if (stage_ == Stage::reducing && merge != nullptr && *merge != merge_) return true;
  if (const auto* proposal = std::get_if<MergeProposal>(&content)) {
    return stage_ == Stage::committing && merge_ < proposal->merge;
  }
  const bool is_before_roster = stage_ == Stage::idle || stage_ == Stage::committing;
  if (const auto* roster = std::get_if<MergeRoster>(&content)) {
    return stage_ == Stage::idle || (stage_ == Stage::committing && roster->merge != merge_);
  }
  return is_before_roster && (std::holds_alternative<MergeSliceDone>(content) ||
                              std::holds_alternative<MergeAdopted>(content));
}

/// Our proposal came to a swarm that was merging already.
bool Merge::is_outvoted_by(const Announcement& content) const {
  const auto* roster = std::get_if<MergeRoster>(&content);
  return roster != nullptr && stage_ == Stage::committing && leads() &&
         roster->members.size() > commitments_.size();
}

void Merge::replay_early(Instant now, MergeOutput output) {
  for (const auto& [author, content] : std::exchange(early_, {})) {
    on_announcement(author, content, now, output);
  }
}

void Merge::take_proposal(const NodeId& author, const MergeProposal& proposal, Instant now,
                          MergeOutput output) {
  // Two proposals at once: all nodes follow the smaller name (see is_early()).
  if (stage_ != Stage::idle && stage_ != Stage::committing) return;
  const bool has_contribution = !own_vector_.empty();
  stage_ = Stage::committing;
  failed_ = false;
  merge_ = proposal.merge;
  proposer_ = author;
  cut_off_ = proposal.cut_off;
  commitments_.clear();
  attestations_.clear();
  slices_.clear();
  const Duration wait = std::chrono::milliseconds(std::min<std::uint64_t>(
      proposal.deadline_ms,
      static_cast<std::uint64_t>(10 * options_.commit_time.count() / 1'000'000)));
  // The others give the proposer twice its time before they take it for dead.
  deadline_ = now + (leads() ? wait : 2 * wait);
  if (has_contribution) {
    commit(now, output);
  } else {
    output.requests.emplace_back(NeedContribution{merge_});
  }
  replay_early(now, output);
}

void Merge::on_contribution(const Digest& merge, Bytes vector, const Digest& digest, Step step,
                            Instant now, MergeOutput output) {
  static_cast<void>(merge);  // the vector is the same for whichever proposal has won meanwhile
  const bool is_wanted = stage_ == Stage::committing || stage_ == Stage::reducing;
  if (!is_wanted || !own_vector_.empty()) return;
  STARLING_CHECK(vector.size() == options_.vector_bytes);
  own_vector_ = std::move(vector);
  own_digest_ = digest;
  own_step_ = step;
  if (stage_ == Stage::committing) {
    commit(now, output);
  } else {  // a member that was away while the roster was cut: its vector is on it
    give_own_slices(output);
  }
}

void Merge::commit(Instant now, MergeOutput output) {
  announce(MergeCommitment{.merge = merge_,
                           .address = options_.self.address,
                           .weight = options_.weight,
                           .step = own_step_,
                           .digest = own_digest_},
           now, output);
}

void Merge::take_commitment(const NodeId& author, const MergeCommitment& commitment, Instant now,
                            MergeOutput output) {
  if (stage_ != Stage::committing || commitment.merge != merge_) return;
  if (commitments_.size() >= limits::merge_members_max) return;
  commitments_.emplace(author, commitment);
  const bool all_here = std::ranges::all_of(
      expected_, [this](const NodeId& node) { return commitments_.contains(node); });
  if (leads() && all_here) cut_roster(now, output);
}

/// A roster is one message. Those left out take the merged model as observers.
void Merge::drop_what_does_not_fit(MergeRoster& roster) const {
  const auto size_of = [this](const MergeRoster& content) {
    return encode_announcement({options_.self.id, 0, content}).size() +
           std::tuple_size_v<crypto::Signature>;
  };
  while (size_of(roster) > limits::roster_bytes_max) {
    roster.members.pop_back();
    roster.commitments.pop_back();
  }
}

void Merge::cut_roster(Instant now, MergeOutput output) {
  // Those that are silent to us follow another proposal, which we may have refused.
  const bool is_alone = expected_.size() > 1 && 2 * commitments_.size() <= expected_.size();
  if (is_alone) return give_up(now, output);
  MergeRoster roster{.merge = merge_, .members = {}, .commitments = {}};
  for (const auto& [member, commitment] : commitments_) {
    roster.members.push_back(member);
    roster.commitments.push_back(commitment);
  }
  drop_what_does_not_fit(roster);
  announce(std::move(roster), now, output);
}

void Merge::take_roster(const NodeId& author, const MergeRoster& roster, Instant now,
                        MergeOutput output) {
  if (stage_ != Stage::committing || roster.merge != merge_ || author != proposer_) return;
  if (roster.members.size() != roster.commitments.size() || roster.members.empty()) return;
  commitments_.clear();
  for (std::size_t i = 0; i < roster.members.size(); ++i) {
    commitments_.emplace(roster.members[i], roster.commitments[i]);
  }
  begin_reduction(now, output);
}

// --- Reduce-scatter ---

void Merge::begin_reduction(Instant now, MergeOutput output) {
  stage_ = Stage::reducing;
  deadline_ = now + options_.slice_time;
  overdue_rounds_ = 0;
  slices_.resize(plan_.count());  // slices of faster members may be here already
  if (all_agree_already()) {
    stage_ = Stage::adopting;
    output.requests.emplace_back(NeedAdoption{merge_, own_vector_});
    return;
  }
  give_own_slices(output);
  replay_early(now, output);
}

/// Where there is no result yet.
void Merge::give_own_slices(MergeOutput output) {
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    if (!slices_[slice].result) send_own_slice(slice, output);
  }
}

/// Not on the roster, or without the vector that the roster names (a process that has restarted
/// since it committed): takes the result only.
bool Merge::is_observer() const {
  const auto own = commitments_.find(options_.self.id);
  return own_vector_.empty() || own == commitments_.end() || own->second.digest != own_digest_;
}

/// Replicas that agree byte for byte (votes) are their own merge: nothing has to travel.
bool Merge::all_agree_already() const {
  if (own_vector_.empty()) return false;
  return std::ranges::all_of(
      commitments_, [this](const auto& entry) { return entry.second.digest == own_digest_; });
}

std::vector<NodeId> Merge::ranking(std::uint32_t slice) const {
  std::vector<NodeId> members;
  members.reserve(commitments_.size());
  for (const auto& [member, commitment] : commitments_) members.push_back(member);
  return rendezvous_order(merge_, slice, members);
}

NodeId Merge::owner_of(std::uint32_t slice) const {
  const std::vector<NodeId> order = ranking(slice);
  const auto owner =
      std::ranges::find_if(order, [this](const NodeId& member) { return !dead_.contains(member); });
  return owner == order.end() ? options_.self.id : *owner;
}

Bulk Merge::bulk(BulkKind kind, std::uint32_t slice, Bytes data) const {
  return Bulk{.kind = kind,
              .number = slice,
              .step = cut_off_,
              .degree = 0,
              .context = merge_,
              .data = std::move(data)};
}

/// Sends over the link if there is one; otherwise dials, and on_link_up sends what is due.
void Merge::reach(const NodeId& member, Message message, MergeOutput output) {
  if (linked_.contains(member)) {
    output.effects.send(member, std::move(message));
    return;
  }
  const auto found = commitments_.find(member);
  if (found == commitments_.end() || dead_.contains(member)) return;
  if (dialling_.insert(member).second) {
    output.effects.dial(PeerRecord{.id = member, .address = found->second.address});
  }
}

void Merge::send_own_slice(std::uint32_t slice, MergeOutput output) {
  if (is_observer()) return;
  const NodeId owner = owner_of(slice);
  Bytes own = plan_.cut(own_vector_, slice);
  if (owner == options_.self.id) {
    slices_[slice].parts.insert_or_assign(owner, std::move(own));
    average_if_complete(slice, false, output);
  } else {
    reach(owner, bulk(BulkKind::merge_slice, slice, std::move(own)), output);
  }
}

void Merge::on_slice(const NodeId& peer, Bulk&& bulk, MergeOutput output) {
  if (bulk.context != merge_ || bulk.number >= plan_.count()) return;
  const auto slice = static_cast<std::uint32_t>(bulk.number);
  const bool is_merged = slice < slices_.size() && !slices_[slice].data.empty();
  if (bulk.kind == BulkKind::merge_slice && is_merged) {
    // A member that was away: it gives its part again, and has missed the result.
    return on_slice_request(peer, {merge_, slice}, output);
  }
  if (stage_ != Stage::committing && stage_ != Stage::reducing) return;
  if (bulk.data.size() != plan_.size(slice)) return;
  slices_.resize(plan_.count());  // a slice may outrun the roster
  if (bulk.kind == BulkKind::merged_slice) {
    store_merged(slice, std::move(bulk.data));
    adopt_if_complete(output);
  } else {
    slices_[slice].parts.insert_or_assign(peer, std::move(bulk.data));
    average_if_complete(slice, false, output);
  }
}

void Merge::average_if_complete(std::uint32_t slice, bool overdue, MergeOutput output) {
  Slice& state = slices_[slice];
  if (stage_ != Stage::reducing || state.averaging || state.result) return;
  if (owner_of(slice) != options_.self.id || !state.parts.contains(options_.self.id)) return;
  const bool all_here = std::ranges::all_of(commitments_, [&](const auto& entry) {
    return state.parts.contains(entry.first) || dead_.contains(entry.first);
  });
  if (!all_here && !overdue) return;
  std::vector<SlicePart> parts;
  for (const auto& [member, commitment] : commitments_) {
    if (const auto part = state.parts.find(member); part != state.parts.end()) {
      parts.push_back(SlicePart{.weight = commitment.weight, .data = part->second});
    }
  }
  state.averaging = true;
  output.requests.emplace_back(NeedAverage{merge_, slice, std::move(parts)});
}

void Merge::on_averaged(std::uint32_t slice, const Bytes& data, const Digest& digest, Instant now,
                        MergeOutput output) {
  if (stage_ != Stage::reducing || slice >= slices_.size()) return;
  Slice& state = slices_[slice];
  MergeSliceDone done{.merge = merge_, .slice = slice, .contributors = {}, .digest = digest};
  for (const auto& [member, commitment] : commitments_) {
    done.contributors.push_back(state.parts.contains(member));
  }
  state.parts.clear();
  state.early = data;
  for (const auto& [member, commitment] : commitments_) {
    if (member != options_.self.id) {
      reach(member, bulk(BulkKind::merged_slice, slice, data), output);
    }
  }
  announce(std::move(done), now, output);
}

void Merge::take_slice_result(const NodeId& author, const MergeSliceDone& done,
                              MergeOutput output) {
  if (stage_ != Stage::reducing || done.merge != merge_ || done.slice >= slices_.size()) return;
  if (done.contributors.size() != commitments_.size()) return;
  Slice& state = slices_[done.slice];
  const std::vector<NodeId> order = ranking(done.slice);
  const auto rank = std::ranges::find(order, author);
  if (rank == order.end()) return;
  // Two owners (one was thought dead): all follow the one that comes first in the order.
  if (state.result && rank >= std::ranges::find(order, state.result_owner)) return;
  state.result = done;
  state.result_owner = author;
  if (!state.data.empty()) state.early = std::move(state.data);
  state.data.clear();
  if (!state.early.empty()) store_merged(done.slice, std::move(state.early));
  // Owners send the result to the members only; an observer asks for it.
  if (is_observer() && state.data.empty()) {
    reach(author, MergeSliceRequest{merge_, done.slice}, output);
  }
  adopt_if_complete(output);
}

void Merge::store_merged(std::uint32_t slice, Bytes data) {
  Slice& state = slices_[slice];
  if (!state.result) {
    state.early = std::move(data);
  } else if (state.data.empty() && crypto::digest_of(data) == state.result->digest) {
    state.data = std::move(data);
    state.early.clear();
  }
}

void Merge::adopt_if_complete(MergeOutput output) {
  if (stage_ != Stage::reducing) return;
  if (!std::ranges::all_of(slices_, [](const Slice& slice) { return !slice.data.empty(); })) return;
  Bytes whole;
  whole.reserve(options_.vector_bytes);
  for (const Slice& slice : slices_)
    whole.insert(whole.end(), slice.data.begin(), slice.data.end());
  stage_ = Stage::adopting;
  output.requests.emplace_back(NeedAdoption{merge_, std::move(whole)});
}

void Merge::on_slice_request(const NodeId& peer, const MergeSliceRequest& request,
                             MergeOutput output) {
  if (request.merge != merge_ || request.slice >= slices_.size()) return;
  const Slice& state = slices_[request.slice];
  if (state.data.empty()) return;
  output.effects.send(peer, bulk(BulkKind::merged_slice, request.slice, state.data));
}

// --- Attestation and the manifest ---

void Merge::on_adopted(const Digest& model, Instant now, MergeOutput output) {
  if (stage_ != Stage::adopting) return;
  stage_ = Stage::attesting;
  model_ = model;
  deadline_ = now + options_.attest_time;
  if (commitments_.contains(options_.self.id)) {  // an observer's word does not count
    announce(MergeAdopted{.merge = merge_, .model = model}, now, output);
  }
  complete_if_attested(false, output);
}

void Merge::take_attestation(const NodeId& author, const MergeAdopted& adopted,
                             MergeOutput output) {
  if (adopted.merge != merge_ || !commitments_.contains(author)) return;
  attestations_[author] = adopted.model;
  complete_if_attested(false, output);
}

void Merge::complete_if_attested(bool overdue, MergeOutput output) {
  if (stage_ != Stage::attesting) return;
  const bool all_here = std::ranges::all_of(commitments_, [this](const auto& entry) {
    return attestations_.contains(entry.first) || dead_.contains(entry.first);
  });
  if (!all_here && !overdue) return;
  stage_ = Stage::done;
  deadline_ = Instant::never();
  output.requests.emplace_back(MergeComplete{manifest()});
}

Manifest Merge::manifest() const {
  Manifest manifest{.run = options_.run,
                    .merge = merge_,
                    .cut_off = cut_off_,
                    .members = {},
                    .slices = {},
                    .model = model_,
                    .attestations = {}};
  for (const auto& [member, commitment] : commitments_) {
    manifest.members.push_back({member, commitment.weight, commitment.step, commitment.digest});
  }
  for (std::uint32_t index = 0; index < slices_.size(); ++index) {
    if (!slices_[index].result) continue;  // replicas that agreed already: no slice travelled
    MergeSlice entry{.index = index, .contributors = {}, .digest = slices_[index].result->digest};
    for (std::size_t i = 0; i < manifest.members.size(); ++i) {
      if (slices_[index].result->contributors[i]) {
        entry.contributors.push_back(manifest.members[i].id);
      }
    }
    manifest.slices.push_back(std::move(entry));
  }
  for (const auto& [member, digest] : attestations_) {
    if (digest == model_) manifest.attestations.push_back(member);
  }
  return manifest;
}

// --- Links and time ---

void Merge::on_link_up(const NodeId& peer, MergeOutput output) {
  linked_.insert(peer);
  dialling_.erase(peer);
  redials_.erase(peer);
  if (!commitments_.contains(peer)) return;
  const bool is_reducing = stage_ == Stage::reducing;
  if (is_reducing) dead_.erase(peer);
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    const Slice& state = slices_[slice];
    if (is_reducing && !state.result && owner_of(slice) == peer) send_own_slice(slice, output);
    if (is_reducing && state.result && state.data.empty()) {
      output.effects.send(peer, MergeSliceRequest{merge_, slice});
    }
    // The peer may have dialled for this result while we went on to adopt the whole.
    if (state.result && state.result_owner == options_.self.id && !state.data.empty()) {
      output.effects.send(peer, bulk(BulkKind::merged_slice, slice, state.data));
    }
  }
}

void Merge::on_link_down(const NodeId& peer, MergeOutput output) {
  linked_.erase(peer);
  if (stage_ != Stage::reducing) return;
  const auto found = commitments_.find(peer);
  if (found == commitments_.end() || dead_.contains(peer)) return;
  if (dialling_.insert(peer).second) {
    output.effects.dial(PeerRecord{.id = peer, .address = found->second.address});
  }
}

/// One refusal is no death: a busy peer may have turned the link away. The third is.
void Merge::on_dial_failed(const PeerRecord& peer, Instant now, MergeOutput output) {
  if (dialling_.erase(peer.id) == 0 || linked_.contains(peer.id)) return;
  Redial& redial = redials_[peer.id];
  redial.failures += 1;
  redial.at = redial.failures < dials_max ? now + options_.redial_time : Instant::never();
  if (redial.failures >= dials_max) bury(peer.id, output);
}

void Merge::redial_due(Instant now, MergeOutput output) {
  for (auto& [member, redial] : redials_) {
    if (redial.at > now) continue;
    redial.at = Instant::never();
    const auto found = commitments_.find(member);
    if (found == commitments_.end() || linked_.contains(member)) continue;
    if (dialling_.insert(member).second) {
      output.effects.dial(PeerRecord{.id = member, .address = found->second.address});
    }
  }
}

/// `member` cannot be reached: its slices pass to the next in order, its parts are not waited for.
void Merge::bury(const NodeId& member, MergeOutput output) {
  if (stage_ != Stage::reducing) return;
  std::vector<std::uint32_t> orphaned;
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    if (!slices_[slice].result && owner_of(slice) == member) orphaned.push_back(slice);
  }
  dead_.insert(member);
  for (const std::uint32_t slice : orphaned) send_own_slice(slice, output);
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    average_if_complete(slice, false, output);
  }
  request_missing(output);
}

/// Asks every linked member for the results that were announced but have not come.
void Merge::request_missing(MergeOutput output) {
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    const Slice& state = slices_[slice];
    if (!state.result || !state.data.empty()) continue;
    for (const NodeId& member : ranking(slice)) {
      if (member != options_.self.id) reach(member, MergeSliceRequest{merge_, slice}, output);
    }
  }
}

Instant Merge::stage_deadline() const {
  return stage_ == Stage::adopting ? Instant::never() : deadline_;
}

Instant Merge::next_deadline() const {
  Instant earliest = stage_deadline();
  for (const auto& [member, redial] : redials_) earliest = std::min(earliest, redial.at);
  return earliest;
}

void Merge::tick(Instant now, MergeOutput output) {
  redial_due(now, output);
  if (now < stage_deadline()) return;
  deadline_ = now + options_.slice_time;
  if (stage_ == Stage::committing && leads()) {
    cut_roster(now, output);
  } else if (stage_ == Stage::reducing && ++overdue_rounds_ < overdue_rounds_max) {
    give_own_slices(output);  // an owner that was away has lost what it was given
    for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
      average_if_complete(slice, true, output);
    }
    request_missing(output);
  } else if (stage_ == Stage::attesting) {
    complete_if_attested(true, output);
  } else {
    give_up(now, output);
  }
}

/// The proposer, or too many members, fell silent. The next merge asks for the vector anew.
void Merge::give_up(Instant now, MergeOutput output) {
  stage_ = Stage::idle;
  deadline_ = Instant::never();
  failed_ = true;
  own_vector_.clear();
  slices_.clear();
  dead_.clear();
  replay_early(now, output);
}

}  // namespace starling::protocol
