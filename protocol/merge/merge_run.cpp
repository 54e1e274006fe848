#include "protocol/merge/merge_run.h"

#include <algorithm>
#include <utility>

#include "protocol/pace.h"

namespace starling::protocol {
namespace {

/// Closing words are of the proposer or, if it is lost, of the first after it.
constexpr std::size_t closings_max = 8;

}  // namespace

MergeRun::MergeRun(Options options, Roster roster, Own own, const std::set<NodeId>& linked,
                   Instant now)
    : options_(std::move(options)),
      plan_(options_.values),
      own_(std::move(own)),
      deadline_(now + scaled(options_.idle_time)),
      overlay_({.merge = options_.proposal.merge,
                .self = options_.self,
                .settle_time = scaled(MergeOverlay::Options{}.settle_time),
                .loss_time = scaled(MergeOverlay::Options{}.loss_time)},
               std::move(roster), linked, now),
      reduction_({.part_time = scaled(Reduction::Options{}.part_time)}, plan_, overlay_, now),
      slices_({.fetch_time = scaled(MergedSlices::Options{}.fetch_time)}, plan_, overlay_, now),
      attestation_({.proposer = options_.proposer,
                    .attest_time = scaled(Attestation::Options{}.attest_time),
                    .batch_time = scaled(Attestation::Options{}.batch_time)},
                   overlay_) {}

Duration MergeRun::scaled(Duration duration) const {
  return protocol::scaled(duration, options_.interval_scale);
}

void MergeRun::start(Instant now, MergeOutput output) {
  if (is_observer()) {
    if (overlay_.self()) overlay_.observe(now);
    reduction_.start(false, now, output);
  } else if (!all_agree_already()) {
    reduction_.start(true, now, output);
  }
  adopt_if_complete(output);
}

/// Not on the roster, without anything to give, or another process than the one that committed:
/// takes the result only.
bool MergeRun::is_observer() const {
  const auto self = overlay_.self();
  return !self || !own_.is_committed || !own_.digest ||
         overlay_.roster().members[*self].contribution != name_of_contribution(*own_.digest);
}

/// Replicas that agree byte for byte (votes) are their own merge: nothing has to travel. Who has
/// nothing to give needs the slices of the others.
bool MergeRun::all_agree_already() const {
  if (!own_.digest) return false;
  const ContributionName own = name_of_contribution(*own_.digest);
  return std::ranges::all_of(overlay_.roster().members, [&](const RosterMember& member) {
    return member.weight > 0 && member.contribution == own;
  });
}

// --- Reduction ---

void MergeRun::note_progress(Instant now) {
  deadline_ = std::max(deadline_, now + scaled(options_.idle_time));
}

void MergeRun::on_part(std::uint32_t slice, const SharedBytes& data, Instant now,
                       MergeOutput output) {
  note_progress(now);
  reduction_.on_part(slice, data, now, output);
}

void MergeRun::on_summed(std::uint32_t slice, Member root, SharedBytes sum, MergeOutput output) {
  reduction_.on_summed(slice, root, std::move(sum), output);
}

void MergeRun::on_own_part(std::uint32_t slice, Member root, SharedBytes blocks,
                           MergeOutput output) {
  reduction_.on_own_part(slice, root, std::move(blocks), output);
}

void MergeRun::on_averaged(std::uint32_t slice, SharedBytes data, const Digest& digest, Instant now,
                           MergeOutput output) {
  auto contributors = reduction_.take_contributors(slice);
  if (!contributors) return;
  slices_.publish(slice, {*overlay_.self(), std::move(*contributors), digest}, std::move(data), now,
                  output);
  reduction_.finish(slice, now, output);
  adopt_if_complete(output);
}

void MergeRun::on_merged_slice(std::uint32_t slice, SharedBytes data, Instant now,
                               MergeOutput output) {
  if (!slices_.on_slice(slice, std::move(data), now, output)) return;
  note_progress(now);
  reduction_.finish(slice, now, output);
  adopt_if_complete(output);
}

void MergeRun::hear(const NodeId& author, const MergeResults& results, Instant now,
                    MergeOutput output) {
  if (!slices_.hear(author, results, now, output)) return;
  note_progress(now);
  for (const std::uint32_t slice : results.slices) {
    if (slice < plan_.count() && slices_.has(slice)) reduction_.finish(slice, now, output);
  }
  // A root that comes first has spoken after another: its slice is waited for.
  if (stage_ == Stage::attesting && !slices_.is_complete()) stage_ = Stage::reducing;
  adopt_if_complete(output);
}

void MergeRun::hear(const NodeId& author, const MergeRecall& recall, Instant, MergeOutput output) {
  reduction_.on_recall(author, recall, output);
}

void MergeRun::on_request(const NodeId& peer, const MergeSliceRequest& request,
                          MergeOutput output) {
  slices_.on_request(peer, request, output);
}

void MergeRun::adopt_if_complete(MergeOutput output) {
  if (stage_ != Stage::reducing) return;
  const bool is_own = all_agree_already();
  if (!is_own && !slices_.is_complete()) return;
  if (lacks_quorum() && !options_.proposal.accepts_partial) {
    return fail("it has the models of " + std::to_string(contributors().count()) + " of " +
                std::to_string(nodes_seen()) + " nodes seen, too few for a final one");
  }
  stage_ = Stage::adopting;
  NeedAdoption adoption{.merge = overlay_.merge(), .slices = {}, .digests = {}};
  if (!is_own) {
    adoption.slices = slices_.slices();
    adoption.digests = slices_.digests();
  }
  output.requests.emplace_back(std::move(adoption));
}

// --- Attestation and the manifest ---

void MergeRun::on_adopted(const Digest& model, Instant now, MergeOutput output) {
  if (stage_ != Stage::adopting) return;
  if (!all_agree_already()) {
    stage_ = Stage::reducing;
    if (!slices_.is_complete()) return;  // another root has spoken meanwhile
    choices_[model] = slices_.choice();
  }
  stage_ = Stage::attesting;
  model_ = model;
  note_progress(now);
  attestation_.attest(model, now);
  settle_closing(now, output);
}

void MergeRun::on_attested(const MergeAttested& attested, Instant now) {
  note_progress(now);
  attestation_.on_attested(attested, now);
}

void MergeRun::hear(const NodeId& author, const MergeClosed& closed, Instant now,
                    MergeOutput output) {
  if (closings_.size() < closings_max) closings_.emplace(author, closed);
  settle_closing(now, output);
}

void MergeRun::settle_closing(Instant now, MergeOutput output) {
  if (stage_ != Stage::attesting) return;
  const NodeId& closer = overlay_.id(attestation_.closer());
  for (const auto& [author, closed] : closings_) {
    // Who is no member cannot tell who is lost.
    const bool may_close = author == options_.proposer || author == closer || !overlay_.self();
    if (!may_close) continue;
    if (closed.model == model_) return complete(output);
    const auto earlier = choices_.find(closed.model);
    if (earlier == choices_.end()) continue;
    stage_ = Stage::reducing;
    slices_.choose(earlier->second, now);
    return adopt_if_complete(output);
  }
}

void MergeRun::complete(MergeOutput output) {
  stage_ = Stage::done;
  deadline_ = Instant::never();
  output.requests.emplace_back(MergeComplete{manifest()});
}

void MergeRun::fail(std::string reason) {
  stage_ = Stage::failed;
  failure_ = std::move(reason);
}

std::uint32_t MergeRun::nodes_seen() const {
  return std::max(options_.nodes_seen, overlay_.roster().nodes_seen);
}

MemberSet MergeRun::contributors() const {
  return all_agree_already() ? MemberSet::all(overlay_.size()) : slices_.contributors();
}

bool MergeRun::lacks_quorum() const {
  return static_cast<double>(contributors().count()) <= options_.quorum * nodes_seen();
}

Manifest MergeRun::manifest() const {
  const auto ids_of = [this](const MemberSet& members) {
    std::vector<NodeId> ids;
    members.for_each([&](Member member) { ids.push_back(overlay_.id(member)); });
    return ids;
  };
  Manifest manifest{.run = options_.run,
                    .merge = overlay_.merge(),
                    .cut_off = options_.proposal.cut_off,
                    .contributors = ids_of(contributors()),
                    .model = model_,
                    .nodes_seen = nodes_seen(),
                    .partial = lacks_quorum()};
  for (const RosterMember& member : overlay_.roster().members) {
    Digest contribution;
    std::ranges::copy(member.contribution, contribution.bytes.begin());
    manifest.members.push_back({member.id, member.weight, member.step, contribution});
  }
  MemberSet holders = attestation_.holders_of(model_);
  for (const auto& [author, closed] : closings_) {
    const auto members = MemberSet::from_bytes(closed.members, overlay_.size());
    if (closed.model == model_ && members) holders.add(*members);
  }
  manifest.attestations = ids_of(holders);
  if (all_agree_already()) return manifest;  // no slice travelled
  const MergedSlices::Choice slices = slices_.choice();
  for (std::uint32_t index = 0; index < slices.size(); ++index) {
    manifest.slices.push_back({index, ids_of(slices[index].contributors), slices[index].digest});
  }
  return manifest;
}

// --- Links and time ---

void MergeRun::on_link_up(const NodeId& peer, Instant now, MergeOutput output) {
  overlay_.on_link_up(peer, now);
  follow(now, output);
}

void MergeRun::on_link_down(const NodeId& peer, Instant now, MergeOutput output) {
  overlay_.on_link_down(peer, now);
  reduction_.on_link_down(peer);
  follow(now, output);
}

void MergeRun::hear(const NodeId& author, const MergeLinks& links, Instant now,
                    MergeOutput output) {
  if (overlay_.hear(author, links, now)) follow(now, output);
}

/// Who is where has changed: what was sent another way goes this one.
void MergeRun::follow(Instant now, MergeOutput output) {
  if (stage_ == Stage::done || stage_ == Stage::failed) return;
  reduction_.follow(output);
  slices_.follow(now);
  attestation_.follow(now);
  settle_closing(now, output);
}

Instant MergeRun::next_deadline() const {
  if (stage_ == Stage::done || stage_ == Stage::failed) return Instant::never();
  return std::min({deadline_, overlay_.next_deadline(), reduction_.next_deadline(),
                   slices_.next_deadline(), attestation_.next_deadline()});
}

void MergeRun::tick(Instant now, MergeOutput output) {
  if (overlay_.tick(now, output)) follow(now, output);
  reduction_.tick(now, output);
  slices_.tick(now, output);
  if (const auto closed = attestation_.tick(now, output)) {
    output.announce(*closed);
    hear(options_.self, *closed, now, output);
  }
  if (deadline_ <= now) end_stage(now, output);
}

void MergeRun::end_stage(Instant now, MergeOutput output) {
  deadline_ = now + scaled(options_.idle_time);
  if (stage_ == Stage::attesting && closings_.empty()) {
    complete(output);  // whoever was to close it is gone
  } else if (stage_ == Stage::attesting) {
    fail("the others ended with another model");
  } else if (stage_ == Stage::reducing) {
    fail("too many members fell silent");
  }
}

}  // namespace starling::protocol
