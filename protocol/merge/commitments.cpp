#include "protocol/merge/commitments.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {

void Commitments::take(const NodeId& author, const MergeCommitment& commitment, Bytes signed_bytes,
                       const std::optional<NodeId>& from, Instant now) {
  if (from) children_.insert(*from);
  // Our parent has taken us for its own: neither of us is nearer to the proposer.
  if (from && options_.parent == from) {
    options_.parent.reset();
    tell_all_again(now + limits::merge_batch_interval);
  }
  if (commitments_.size() >= limits::merge_members_max) return;
  if (!commitments_.emplace(author, commitment).second || options_.is_proposer) return;
  signed_.emplace(author, std::move(signed_bytes));
  due_.push_back(author);
  send_at_ = std::min(send_at_, now + limits::merge_batch_interval);
  if (!from) retry_at_ = now + options_.retry_time;
}

void Commitments::tell_all_again(Instant when) {
  due_.clear();
  for (const auto& [author, bytes] : signed_) due_.push_back(author);
  send_at_ = due_.empty() ? Instant::never() : when;
}

void Commitments::on_link_down(const NodeId& peer, Instant now) {
  children_.erase(peer);
  if (options_.parent != peer) return;
  options_.parent.reset();
  tell_all_again(now);
}

/// The first after the last one that we are not nearer than; nothing if there is none.
std::optional<NodeId> Commitments::next_parent(const std::set<NodeId>& linked) {
  auto at = linked.upper_bound(last_parent_);
  for (std::size_t i = 0; i < linked.size(); ++i, ++at) {
    if (at == linked.end()) at = linked.begin();
    if (children_.contains(*at)) continue;
    last_parent_ = *at;
    return *at;
  }
  return std::nullopt;
}

void Commitments::tick(const std::set<NodeId>& linked, Instant now, Effects& effects) {
  if (retry_at_ <= now) {  // no roster has come: from the beginning, another way
    retry_at_ = now + options_.retry_time;
    children_.clear();
    options_.parent.reset();
    tell_all_again(now);
  }
  if (send_at_ > now) return;
  send_at_ = Instant::never();
  if (!options_.parent || !linked.contains(*options_.parent)) {
    options_.parent = next_parent(linked);
  }
  // Without anybody to tell the retry is waited for.
  if (options_.parent) send(*options_.parent, std::exchange(due_, {}), effects);
}

void Commitments::send(const NodeId& peer, const std::vector<NodeId>& authors,
                       Effects& effects) const {
  MergeCommitments message{.merge = options_.merge, .signed_commitments = {}};
  std::size_t bytes = 0;
  for (const NodeId& author : authors) {
    const Bytes& commitment = signed_.at(author);
    const bool is_full =
        message.signed_commitments.size() == limits::merge_commitments_per_message_max ||
        bytes + commitment.size() > limits::merge_commitments_bytes_max;
    if (is_full) {
      effects.send(peer, std::exchange(message, {options_.merge, {}}));
      bytes = 0;
    }
    bytes += commitment.size();
    message.signed_commitments.push_back(commitment);
  }
  if (!message.signed_commitments.empty()) effects.send(peer, std::move(message));
}

}  // namespace starling::protocol
