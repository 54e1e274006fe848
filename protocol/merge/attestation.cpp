#include "protocol/merge/attestation.h"

#include <algorithm>
#include <limits>

namespace starling::protocol {
namespace {

/// The order of closers is that of a slice that no vector has.
constexpr std::uint32_t closing_slice = std::numeric_limits<std::uint32_t>::max();

/// Models that members claim to hold; an honest merge has one, rarely a second.
constexpr std::size_t models_max = 4;

}  // namespace

Attestation::Attestation(Options options, const MergeOverlay& overlay)
    : options_(std::move(options)), overlay_(overlay) {}

Member Attestation::closer() const {
  const auto proposer = overlay_.roster().find(options_.proposer);
  if (proposer && !overlay_.is_lost(*proposer)) return *proposer;
  return overlay_.root(closing_slice);
}

MemberSet Attestation::holders_of(const Digest& model) const {
  const auto found = holders_.find(model);
  return found == holders_.end() ? MemberSet(overlay_.size()) : found->second;
}

void Attestation::attest(const Digest& model, Instant now) {
  if (!overlay_.self()) return;
  own_ = model;
  if (holders_.size() >= models_max && !holders_.contains(model)) holders_.erase(holders_.begin());
  holders_.try_emplace(model, overlay_.size()).first->second.insert(*overlay_.self());
  note_change(true, now);
}

void Attestation::on_attested(const MergeAttested& attested, Instant now) {
  const auto members = MemberSet::from_bytes(attested.members, overlay_.size());
  if (!members || (holders_.size() >= models_max && !holders_.contains(attested.model))) return;
  MemberSet& known = holders_.try_emplace(attested.model, overlay_.size()).first->second;
  if (known.includes(*members)) return;
  known.add(*members);
  note_change(true, now);
}

void Attestation::follow(Instant now) {
  sent_.clear();
  sent_to_ = no_member;
  if (!holders_.empty()) note_change(false, now);
}

/// At once where nobody below is waited for.
void Attestation::note_change(bool is_news, Instant now) {
  const bool is_closer = overlay_.self() && closer() == *overlay_.self();
  if (is_closer && own_) {
    const Instant patient = now + options_.attest_time;
    close_at_ = is_news ? patient : std::min(close_at_, patient);
    if (is_complete(holders_of(*own_))) close_at_ = now;
  } else {
    close_at_ = Instant::never();
  }
  MemberSet all(overlay_.size());
  for (const auto& [model, members] : holders_) all.add(members);
  const auto children = overlay_.children(closer());
  const bool all_here =
      own_ && std::ranges::all_of(children, [&](Member child) { return all.contains(child); });
  send_at_ = all_here ? now : std::min(send_at_, now + options_.batch_time);
}

bool Attestation::is_complete(const MemberSet& holders) const {
  for (Member member = 0; member < overlay_.size(); ++member) {
    if (!holders.contains(member) && !overlay_.is_lost(member)) return false;
  }
  return true;
}

void Attestation::send_up(MergeOutput output) {
  send_at_ = Instant::never();
  const Member parent = overlay_.parent(closer());
  if (parent == no_member || !overlay_.is_linked(parent)) return;
  if (sent_to_ != parent) sent_.clear();
  sent_to_ = parent;
  for (const auto& [model, members] : holders_) {
    const auto before = sent_.find(model);
    if (before != sent_.end() && before->second == members) continue;
    sent_[model] = members;
    output.effects.send(overlay_.id(parent),
                        MergeAttested{overlay_.merge(), model, members.to_bytes()});
  }
}

std::optional<MergeClosed> Attestation::tick(Instant now, MergeOutput output) {
  if (send_at_ <= now) send_up(output);
  if (close_at_ > now) return std::nullopt;
  close_at_ = Instant::never();
  return MergeClosed{overlay_.merge(), *own_, holders_of(*own_).to_bytes()};
}

}  // namespace starling::protocol
