#include "protocol/merge/reduction.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {

Reduction::Reduction(Options options, SlicePlan plan, const MergeOverlay& overlay, Instant now)
    : options_(options), plan_(plan), overlay_(overlay), slices_(plan.count()), progress_at_(now) {}

void Reduction::start(bool has_own, Instant now, MergeOutput output) {
  if (!overlay_.self()) return;
  has_own_ = has_own;
  has_started_ = true;
  progress_at_ = now;
  begin_due(output);
}

/// All members work on the slices in the same order, and on a bounded part of the vector at a time.
void Reduction::begin_due(MergeOutput output) {
  while (has_started_ && next_ < slices_.size()) {
    const std::uint32_t slice = next_;
    if (!slices_[slice].is_done) {
      const std::size_t bytes = plan_.size(slice);
      if (bytes_begun_ > 0 && bytes_begun_ + bytes > limits::merge_window_bytes) return;
      bytes_begun_ += bytes;
      slices_[slice].has_begun = true;
      static_cast<void>(work_of(slice, overlay_.root(slice)));
    }
    ++next_;
    advance(slice, false, output);
  }
}

// --- Parts ---

void Reduction::on_part(std::uint32_t slice, const SharedBytes& data, Instant now,
                        MergeOutput output) {
  if (!overlay_.self() || slice >= slices_.size() || slices_[slice].is_done) return;
  auto part = decode_part(data, overlay_.roster(), plan_.values(slice));
  // What holds our own part has come back to us.
  if (!part || part->members.contains(self())) return;
  Work* work = work_of(slice, part->root);
  if (work == nullptr || !add(*work, std::move(*part))) return;
  progress_at_ = now;
  advance(slice, false, output);
}

/// Nothing where too many roots are named already: a slice has one, and those that died.
Reduction::Work* Reduction::work_of(std::uint32_t slice, Member root) {
  auto& works = slices_[slice].works;
  const bool may_be_new = works.size() < limits::merge_roots_max || root == overlay_.root(slice);
  if (!works.contains(root) && !may_be_new) return nullptr;
  const auto [at, is_new] = works.try_emplace(root);
  if (is_new) at->second.adding = MemberSet(overlay_.size());
  return &at->second;
}

/// False if the part tells nothing new, or overlaps with what is here: then its sender is wrong.
bool Reduction::add(Work& work, MergePart&& part) const {
  const auto holds = [&](const Part& other) { return other.members.includes(part.members); };
  const auto overlaps = [&](const Part& other) {
    return other.members.meets(part.members) && !part.members.includes(other.members);
  };
  if (work.adding.includes(part.members)) return false;
  for (const std::vector<Part>* parts : {&work.held, &work.units}) {
    if (std::ranges::any_of(*parts, holds) || std::ranges::any_of(*parts, overlaps)) return false;
  }
  std::erase_if(work.held, [&](const Part& other) { return part.members.includes(other.members); });
  work.held.push_back({.members = std::move(part.members),
                       .is_fresh = part.is_fresh,
                       .blocks = std::move(part.blocks)});
  return true;
}

MemberSet Reduction::covered(const Work& work) const {
  MemberSet members = work.adding;
  for (const Part& part : work.held) members.add(part.members);
  for (const Part& part : work.units) members.add(part.members);
  return members;
}

/// Nobody is to be waited for: at the root any member, elsewhere the children.
bool Reduction::is_complete(const Work& work, Member root) const {
  const MemberSet here = covered(work);
  const auto is_settled = [&](Member member) {
    return here.contains(member) || overlay_.is_lost(member);
  };
  if (root != self()) return std::ranges::all_of(overlay_.children(root), is_settled);
  for (Member member = 0; member < overlay_.size(); ++member) {
    if (member != self() && !is_settled(member)) return false;
  }
  return true;
}

void Reduction::advance(std::uint32_t slice, bool overdue, MergeOutput output) {
  Slice& state = slices_[slice];
  if (state.is_done) return;
  const Member present = overlay_.root(slice);
  for (auto& [root, work] : state.works) {
    const bool is_ready = root == present && state.has_begun && !work.is_adding &&
                          (overdue || is_complete(work, root));
    if (root == self()) {
      if (is_ready && !work.is_own_in) average(slice, work, output);
      continue;
    }
    if (is_ready && !work.is_own_in) sum_below(slice, root, work, output);
    // What waits for a sum that is still to be made stays; all else goes on.
    const bool can_be_added = root == present && !work.is_own_in;
    for (auto part = work.held.begin(); part != work.held.end();) {
      if (can_be_added && part->is_fresh) {
        ++part;
        continue;
      }
      work.units.push_back(std::move(*part));
      part = work.held.erase(part);
    }
    pass_on(slice, root, work, output);
  }
}

std::uint64_t Reduction::own_weight() const {
  return has_own_ ? overlay_.roster().members[self()].weight : 0;
}

/// all: not only what may be added below the root. The blocks move out of the work, and this
/// member's own part counts as among them.
std::vector<SlicePart> Reduction::take_parts(Work& work, bool all) const {
  std::vector<SlicePart> parts;
  work.adding = MemberSet(overlay_.size());
  if (has_own_) work.adding.insert(self());
  std::erase_if(work.held, [&](Part& part) {
    if (!all && !part.is_fresh) return false;
    parts.push_back({.weight = weight_of(overlay_.roster(), part.members),
                     .is_sum = part.members.count() > 1,
                     .blocks = std::move(part.blocks)});
    work.adding.add(part.members);
    return true;
  });
  return parts;
}

/// Without children, or with late ones only, it is this member's own part.
void Reduction::sum_below(std::uint32_t slice, Member root, Work& work, MergeOutput output) {
  const auto fresh = std::ranges::count_if(work.held, &Part::is_fresh);
  if (fresh < 2 && !has_own_) {  // passed on as it is
    work.is_own_in = true;
    return;
  }
  work.is_adding = true;
  output.requests.emplace_back(NeedSum{.merge = overlay_.merge(),
                                       .slice = slice,
                                       .root = root,
                                       .own_weight = own_weight(),
                                       .parts = take_parts(work, false)});
}

void Reduction::on_summed(std::uint32_t slice, Member root, SharedBytes sum, MergeOutput output) {
  if (slice >= slices_.size() || slices_[slice].is_done) return;
  const auto found = slices_[slice].works.find(root);
  if (found == slices_[slice].works.end() || !found->second.is_adding) return;
  Work& work = found->second;
  work.is_adding = false;
  work.is_own_in = true;
  work.units.push_back({.members = std::exchange(work.adding, MemberSet(overlay_.size())),
                        .is_fresh = true,
                        .blocks = std::move(sum)});
  advance(slice, false, output);
}

/// It was recalled: it goes as it is, beside whatever sum it is in.
void Reduction::on_own_part(std::uint32_t slice, Member root, SharedBytes blocks,
                            MergeOutput output) {
  if (slice >= slices_.size() || slices_[slice].is_done) return;
  Work* work = work_of(slice, root);
  if (work == nullptr) return;
  MemberSet own(overlay_.size());
  own.insert(self());
  work->units.push_back(
      {.members = std::move(own), .is_fresh = false, .blocks = std::move(blocks)});
  pass_on(slice, root, *work, output);
}

void Reduction::average(std::uint32_t slice, Work& work, MergeOutput output) {
  if (!has_own_ && work.held.empty()) return;
  work.is_adding = true;
  output.requests.emplace_back(NeedAverage{.merge = overlay_.merge(),
                                           .slice = slice,
                                           .own_weight = own_weight(),
                                           .parts = take_parts(work, true)});
}

std::optional<MemberSet> Reduction::take_contributors(std::uint32_t slice) {
  if (slice >= slices_.size() || slices_[slice].is_done) return std::nullopt;
  const auto found = slices_[slice].works.find(self());
  if (found == slices_[slice].works.end() || !found->second.is_adding) return std::nullopt;
  found->second.is_adding = false;
  found->second.is_own_in = true;
  return std::exchange(found->second.adding, MemberSet(overlay_.size()));
}

/// To the parent, whatever it has not been sent. A parent that is new gets everything once more.
void Reduction::pass_on(std::uint32_t slice, Member root, Work& work, MergeOutput output) {
  const Member parent = overlay_.parent(root);
  if (parent == no_member || !overlay_.is_linked(parent)) return;
  if (std::exchange(work.sent_to, parent) != parent) work.sent = 0;
  for (; work.sent < work.units.size(); ++work.sent) {
    Part& unit = work.units[work.sent];
    const MergePart part{.root = root,
                         .is_fresh = std::exchange(unit.is_fresh, false),
                         .members = unit.members,
                         .blocks = unit.blocks};
    output.effects.send(overlay_.id(parent), Bulk{.kind = BulkKind::merge_part,
                                                  .number = slice,
                                                  .step = 0,
                                                  .degree = 0,
                                                  .context = overlay_.merge(),
                                                  .data = encode_part(part)});
  }
}

// --- What goes wrong ---

void Reduction::on_recall(const NodeId& root, const MergeRecall& recall, MergeOutput output) {
  const auto member = overlay_.roster().find(root);
  const auto missing = MemberSet::from_bytes(recall.missing, overlay_.size());
  if (!member || !overlay_.self() || !missing || *member == self()) return;
  for (const std::uint32_t slice : recall.slices) {
    if (slice >= slices_.size() || slices_[slice].is_done || !slices_[slice].has_begun) continue;
    Work* work = work_of(slice, *member);
    if (work == nullptr) continue;
    const bool is_ours = missing->contains(self());
    const bool holds_some = std::ranges::any_of(
        work->units, [&](const Part& unit) { return unit.members.meets(*missing); });
    if (is_ours && has_own_ && !std::exchange(work->was_recalled, true)) {
      output.requests.emplace_back(
          NeedOwnPart{.merge = overlay_.merge(), .slice = slice, .root = *member});
    }
    if (is_ours || holds_some) work->sent = 0;
    pass_on(slice, *member, *work, output);
  }
}

void Reduction::on_link_down(const NodeId& peer) {
  const auto member = overlay_.roster().find(peer);
  if (!member) return;
  for (std::uint32_t slice = first_undone_; slice < slices_.size(); ++slice) {
    for (auto& [root, work] : slices_[slice].works) {
      if (work.sent_to == *member) work.sent_to = no_member;  // what was under way is lost
    }
  }
}

void Reduction::follow(MergeOutput output) {
  if (!overlay_.self()) return;
  for (std::uint32_t slice = first_undone_; slice < slices_.size(); ++slice) {
    if (slices_[slice].is_done) continue;
    if (slices_[slice].has_begun) static_cast<void>(work_of(slice, overlay_.root(slice)));
    advance(slice, false, output);
  }
}

void Reduction::finish(std::uint32_t slice, Instant now, MergeOutput output) {
  Slice& state = slices_[slice];
  if (std::exchange(state.is_done, true)) return;
  state.works.clear();
  if (state.has_begun) bytes_begun_ -= plan_.size(slice);
  while (first_undone_ < slices_.size() && slices_[first_undone_].is_done) ++first_undone_;
  progress_at_ = now;
  begin_due(output);
}

/// Of the members above, each gives those below a little longer than they give theirs.
Duration Reduction::patience(std::uint32_t slice) const {
  const MergeTree& tree = overlay_.tree(overlay_.root(slice));
  return options_.part_time * std::max<int>(1, tree.height[self()]);
}

Instant Reduction::next_deadline() const {
  if (!has_started_ || first_undone_ >= slices_.size()) return Instant::never();
  if (!slices_[first_undone_].has_begun) return Instant::never();
  return progress_at_ + patience(first_undone_);
}

void Reduction::tick(Instant now, MergeOutput output) {
  if (next_deadline() > now) return;
  const Duration waited = patience(first_undone_);
  progress_at_ = now;
  std::vector<std::uint32_t> to_recall;
  for (std::uint32_t slice = first_undone_; slice < next_; ++slice) {
    if (slices_[slice].is_done || patience(slice) > waited) continue;
    Work* own = overlay_.root(slice) == self() ? work_of(slice, self()) : nullptr;
    if (own != nullptr && !own->is_adding && !std::exchange(own->was_recalled, true)) {
      to_recall.push_back(slice);
    } else {
      advance(slice, true, output);
    }
  }
  recall(to_recall, output);
}

/// As a root, once: members whose parts got lost give them again.
void Reduction::recall(const std::vector<std::uint32_t>& slices, MergeOutput output) {
  MemberSet missing(overlay_.size());
  for (const std::uint32_t slice : slices) {
    const MemberSet here = covered(*work_of(slice, self()));
    for (Member member = 0; member < overlay_.size(); ++member) {
      if (!here.contains(member) && member != self()) missing.insert(member);
    }
  }
  for (std::size_t first = 0; first < slices.size(); first += limits::merge_recall_slices_max) {
    const std::size_t end = std::min(slices.size(), first + limits::merge_recall_slices_max);
    const auto begin = slices.begin();
    output.announce(MergeRecall{.merge = overlay_.merge(),
                                .missing = missing.to_bytes(),
                                .slices = {begin + static_cast<std::ptrdiff_t>(first),
                                           begin + static_cast<std::ptrdiff_t>(end)}});
  }
}

}  // namespace starling::protocol
