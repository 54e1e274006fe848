#include "protocol/merge/merge_overlay.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/limits.h"
#include "protocol/merge/slice_plan.h"

namespace starling::protocol {

MergeOverlay::MergeOverlay(Options options, Roster roster, std::set<NodeId> linked, Instant now)
    : options_(std::move(options)),
      roster_(std::move(roster)),
      graph_(roster_),
      self_(roster_.find(options_.self)),
      linked_(std::move(linked)),
      lost_(roster_.members.size()) {
  for (Member member = 0; member < size(); ++member) {
    if (roster_.members[member].weight == 0) lost_.insert(member);
  }
  // What the roster says of this node need not be said again.
  observes_ = last_word_.observes = self_ && is_lost(*self_);
  note_links(now);
  note_paths(now);
}

// --- Links ---

void MergeOverlay::observe(Instant now) {
  observes_ = true;
  note_links(now);
}

void MergeOverlay::on_link_up(const NodeId& peer, Instant now) {
  linked_.insert(peer);
  note_links(now);
}

void MergeOverlay::on_link_down(const NodeId& peer, Instant now) {
  linked_.erase(peer);
  note_links(now);
}

bool MergeOverlay::hear(const NodeId& author, const MergeLinks& word, Instant now) {
  const auto member = roster_.find(author);
  if (!member || word.merge != options_.merge) return false;
  const bool is_loss = word.observes && !is_lost(*member);
  if (word.observes) lost_.insert(*member);
  if (!graph_.correct(*member, word.number, word.up, word.down)) return is_loss;
  trees_.clear();
  note_links(now);
  note_paths(now);
  return true;
}

/// This node's links, as a difference to the roster's edges.
MergeLinks MergeOverlay::own_word() const {
  MergeLinks word{.merge = options_.merge,
                  .number = last_word_.number + 1,
                  .observes = observes_,
                  .up = {},
                  .down = {}};
  for (const NodeId& peer : linked_) {
    const auto member = roster_.find(peer);
    if (member && !graph_.had_edge(*self_, *member)) word.up.push_back(*member);
  }
  // Of the roster, named by the other end since, or denied before.
  std::set<Member> edges(last_word_.down.begin(), last_word_.down.end());
  edges.insert(graph_.was_linked_with(*self_).begin(), graph_.was_linked_with(*self_).end());
  edges.insert(graph_.linked_with(*self_).begin(), graph_.linked_with(*self_).end());
  std::ranges::copy_if(edges, std::back_inserter(word.down),
                       [this](Member member) { return !is_linked(member); });
  word.up.resize(std::min(word.up.size(), limits::links_max));
  word.down.resize(std::min(word.down.size(), limits::links_max));
  return word;
}

/// A lost edge has to be said; a new one only where it brings somebody back or takes back a word.
bool MergeOverlay::must_speak() const {
  if (!self_) return false;
  const MergeLinks word = own_word();
  if (word.observes != last_word_.observes) return true;
  if (word.up == last_word_.up && word.down == last_word_.down) return false;
  if (word.down != last_word_.down) return true;
  const MergeTree& own = tree(*self_);
  return std::ranges::any_of(word.up, [&](Member member) { return !own.reaches(member); });
}

void MergeOverlay::note_links(Instant now) {
  if (!must_speak()) {
    speak_at_ = Instant::never();
  } else if (speak_at_ == Instant::never()) {
    speak_at_ = now + options_.settle_time;
  }
}

/// Who has no path any more is lost after a while; who found one in time never was.
void MergeOverlay::note_paths(Instant now) {
  if (!self_) return;
  const MergeTree& own = tree(*self_);
  for (Member member = 0; member < size(); ++member) {
    if (own.reaches(member)) {
      without_path_.erase(member);
    } else if (!is_lost(member)) {
      without_path_.try_emplace(member, now + options_.loss_time);
    }
  }
}

void MergeOverlay::speak(Instant now, MergeOutput output) {
  speak_at_ = Instant::never();
  last_word_ = own_word();
  output.announce(last_word_);
  hear(options_.self, last_word_, now);
}

Instant MergeOverlay::next_deadline() const {
  Instant earliest = speak_at_;
  for (const auto& [member, at] : without_path_) earliest = std::min(earliest, at);
  return earliest;
}

bool MergeOverlay::tick(Instant now, MergeOutput output) {
  bool has_changed = false;
  if (speak_at_ <= now) {
    speak(now, output);
    has_changed = true;
  }
  for (auto at = without_path_.begin(); at != without_path_.end();) {
    const bool is_over = at->second <= now;
    if (is_over) lost_.insert(at->first);
    has_changed = has_changed || is_over;
    at = is_over ? without_path_.erase(at) : std::next(at);
  }
  return has_changed;
}

// --- Trees ---

const MergeTree& MergeOverlay::tree(Member root) const {
  const auto found = trees_.find(root);
  if (found != trees_.end()) return found->second;
  return trees_.emplace(root, breadth_first_tree(graph_, root)).first->second;
}

std::vector<Member> MergeOverlay::children(Member root) const {
  return self_ ? children_of(tree(root), graph_, *self_) : std::vector<Member>{};
}

Member MergeOverlay::parent(Member root) const {
  return self_ ? tree(root).parent[*self_] : no_member;
}

const std::vector<Member>& MergeOverlay::order(std::uint32_t slice) const {
  std::vector<Member>& order = orders_[slice];
  if (order.empty()) order = rendezvous_order(options_.merge, slice, roster_);
  return order;
}

Member MergeOverlay::root(std::uint32_t slice) const {
  const std::vector<Member>& all = order(slice);
  const auto first = std::ranges::find_if(all, [this](Member member) { return !is_lost(member); });
  return first == all.end() ? all.front() : *first;
}

}  // namespace starling::protocol
