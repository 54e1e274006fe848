#include "protocol/merge/merged_slices.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"

namespace starling::protocol {

MergedSlices::MergedSlices(Options options, SlicePlan plan, const MergeOverlay& overlay,
                           Instant now)
    : options_(options),
      plan_(plan),
      overlay_(overlay),
      slices_(plan.count()),
      missing_(plan.count()),
      // No tree reaches who is no member: it asks at once.
      ask_at_(overlay.self() ? now + options.fetch_time : now) {}

// --- Words ---

void MergedSlices::publish(std::uint32_t slice, Result result, SharedBytes data, Instant now,
                           MergeOutput output) {
  std::vector<Due>& due = due_[result.contributors];
  due.push_back({slice, result.digest});
  const bool is_full = due.size() == limits::merge_results_max;
  const Digest digest = result.digest;
  take(slice, std::move(result));
  const bool is_wanted = !has(slice) && slices_[slice].result->digest == digest;
  if (is_wanted) store(slice, std::move(data), output);  // made here, and so was its digest
  if (is_full) return speak(output);
  // After the data, and not at once: of a root that dies between its word and its data nobody has
  // the slice.
  const Duration wait = has_more_to_say() ? options_.batch_time : limits::merge_batch_interval;
  speak_at_ = std::min(speak_at_, now + wait);
}

/// A slice is still to come of which this node is the root.
bool MergedSlices::has_more_to_say() {
  for (; own_next_ < slices_.size(); ++own_next_) {
    if (!slices_[own_next_].result && overlay_.root(own_next_) == *overlay_.self()) return true;
  }
  return false;
}

void MergedSlices::speak(MergeOutput output) {
  speak_at_ = Instant::never();
  for (auto& [contributors, due] : std::exchange(due_, {})) {
    MergeResults results{.merge = overlay_.merge(),
                         .contributors = contributors.to_bytes(),
                         .slices = {},
                         .digests = {}};
    for (const Due& word : due) {
      results.slices.push_back(word.slice);
      results.digests.push_back(word.digest);
    }
    output.announce(std::move(results));
  }
}

bool MergedSlices::hear(const NodeId& author, const MergeResults& results, Instant now,
                        MergeOutput output) {
  const auto root = overlay_.roster().find(author);
  const auto contributors = MemberSet::from_bytes(results.contributors, overlay_.size());
  if (!root || !contributors || contributors->count() == 0) return false;
  bool has_changed = false;
  for (std::size_t i = 0; i < results.slices.size(); ++i) {
    const std::uint32_t slice = results.slices[i];
    if (slice >= slices_.size()) continue;
    if (!take(slice, {*root, *contributors, results.digests[i]})) continue;
    has_changed = true;
    SharedBytes early = std::exchange(slices_[slice].early, {});
    if (!early.empty()) verify(slice, std::move(early), output);
  }
  // Down the tree a slice may have come already, before there was a link to who observes.
  const bool is_brought = overlay_.self() && !overlay_.observes();
  if (has_changed) ask_at_ = is_brought ? now + options_.fetch_time : now;
  return has_changed;
}

/// Two roots (one was thought lost): all follow the one that comes first in the order.
bool MergedSlices::take(std::uint32_t slice, Result result) {
  Slice& state = slices_[slice];
  if (state.result) {
    const std::vector<Member>& order = overlay_.order(slice);
    const auto place = [&](Member root) { return std::ranges::find(order, root); };
    if (place(result.root) >= place(state.result->root)) return false;
  }
  const bool is_other_data = state.result && state.result->digest != result.digest;
  state.result = std::move(result);
  if (is_other_data && !state.data.empty()) {
    state.data = {};
    ++missing_;
  }
  return true;
}

void MergedSlices::choose(const Choice& choice, Instant now) {
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    Slice& state = slices_[slice];
    if (state.result == choice[slice]) continue;
    if (!state.data.empty()) ++missing_;
    state.data = {};
    state.result = choice[slice];
  }
  ask_at_ = now;
}

// --- Data ---

bool MergedSlices::on_slice(std::uint32_t slice, SharedBytes data, Instant now,
                            MergeOutput output) {
  if (slice >= slices_.size() || has(slice) || data.size() != plan_.size(slice)) return false;
  if (!slices_[slice].result) {
    slices_[slice].early = std::move(data);
    return false;
  }
  if (!verify(slice, std::move(data), output)) return false;
  ask_at_ = now + options_.fetch_time;
  // What was asked for flows: the same neighbour is asked for more.
  if (awaited_.erase(slice) > 0 && awaited_.size() <= limits::merge_slices_asked / 2) ask(output);
  return true;
}

bool MergedSlices::verify(std::uint32_t slice, SharedBytes data, MergeOutput output) {
  if (has(slice) || crypto::digest_of(data) != slices_[slice].result->digest) return false;
  store(slice, std::move(data), output);
  return true;
}

/// To whoever is to have it from here.
void MergedSlices::store(std::uint32_t slice, SharedBytes data, MergeOutput output) {
  Slice& state = slices_[slice];
  state.data = std::move(data);
  state.early = {};
  --missing_;
  std::set<NodeId> receivers = std::exchange(state.askers, {});
  for (const Member child : overlay_.children(state.result->root)) {
    receivers.insert(overlay_.id(child));
  }
  for (const NodeId& receiver : receivers) send(receiver, slice, output);
}

void MergedSlices::send(const NodeId& peer, std::uint32_t slice, MergeOutput output) const {
  if (!overlay_.linked().contains(peer)) return;
  output.effects.send(peer, Bulk{.kind = BulkKind::merged_slice,
                                 .number = slice,
                                 .step = 0,
                                 .degree = 0,
                                 .context = overlay_.merge(),
                                 .data = slices_[slice].data});
}

void MergedSlices::on_request(const NodeId& peer, const MergeSliceRequest& request,
                              MergeOutput output) {
  if (request.slice >= slices_.size()) return;
  Slice& state = slices_[request.slice];
  if (state.data.empty()) {
    if (state.askers.size() < limits::links_max) state.askers.insert(peer);
  } else if (state.result->digest == request.digest) {
    send(peer, request.slice, output);
  }
}

/// What is known and neither here nor asked for, of the neighbour whose turn it is.
void MergedSlices::ask(MergeOutput output) {
  if (!overlay_.linked().contains(asked_)) return;
  for (std::uint32_t slice = 0; slice < slices_.size(); ++slice) {
    if (awaited_.size() == limits::merge_slices_asked) return;
    const Slice& state = slices_[slice];
    if (!state.result || !state.data.empty() || !awaited_.insert(slice).second) continue;
    output.effects.send(asked_, MergeSliceRequest{overlay_.merge(), slice, state.result->digest});
  }
}

void MergedSlices::ask_next(Instant now, MergeOutput output) {
  ask_at_ = now + options_.fetch_time;
  awaited_.clear();
  const std::set<NodeId>& linked = overlay_.linked();
  if (linked.empty()) return;
  const auto next = linked.upper_bound(asked_);
  asked_ = next == linked.end() ? *linked.begin() : *next;
  ask(output);
}

std::vector<SharedBytes> MergedSlices::slices() const {
  std::vector<SharedBytes> all;
  all.reserve(slices_.size());
  for (const Slice& slice : slices_) all.push_back(slice.data);
  return all;
}

std::vector<Digest> MergedSlices::digests() const {
  std::vector<Digest> all;
  all.reserve(slices_.size());
  for (const Slice& slice : slices_) all.push_back(slice.result->digest);
  return all;
}

MergedSlices::Choice MergedSlices::choice() const {
  Choice choice;
  for (const Slice& slice : slices_) choice.push_back(*slice.result);
  return choice;
}

MemberSet MergedSlices::contributors() const {
  MemberSet common = MemberSet::all(overlay_.size());
  for (const Slice& slice : slices_) common.keep_common(slice.result->contributors);
  return common;
}

// --- Time ---

void MergedSlices::follow(Instant now) {
  if (missing_ > 0) ask_at_ = std::min(ask_at_, now + options_.fetch_time);
}

Instant MergedSlices::next_deadline() const {
  return std::min(speak_at_, missing_ > 0 ? ask_at_ : Instant::never());
}

void MergedSlices::tick(Instant now, MergeOutput output) {
  if (speak_at_ <= now) speak(output);
  if (missing_ > 0 && ask_at_ <= now) ask_next(now, output);
}

}  // namespace starling::protocol
