#include "protocol/merge/roster_exchange.h"

#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"

namespace starling::protocol {

MergeRoster RosterExchange::offer(const Roster& roster, Effects& effects) {
  content_ = encode_roster(roster);
  word_ = MergeRoster{.merge = options_.merge,
                      .members = static_cast<std::uint32_t>(roster.members.size()),
                      .digest = crypto::digest_of(content_)};
  for (const NodeId& asker : std::exchange(askers_, {})) send(asker, effects);
  return *word_;
}

void RosterExchange::hear(const MergeRoster& word, const std::optional<NodeId>& from, Instant now,
                          Effects& effects) {
  if (word_) return;
  word_ = word;
  ask_at_ = from ? now + options_.fetch_time : now;
  if (!from) return;
  asked_ = *from;
  effects.send(*from, MergeRosterRequest{options_.merge});
}

void RosterExchange::on_request(const NodeId& peer, Effects& effects) {
  if (!content_.empty()) return send(peer, effects);
  if (askers_.size() < limits::links_max) askers_.insert(peer);
}

std::optional<Roster> RosterExchange::take(SharedBytes content, Effects& effects) {
  if (!is_wanted() || content.size() > limits::merge_roster_bytes_max) return std::nullopt;
  if (crypto::digest_of(content) != word_->digest) return std::nullopt;
  auto roster = decode_roster(content);
  if (!roster || roster->members.size() != word_->members) return std::nullopt;
  content_ = std::move(content);
  for (const NodeId& asker : std::exchange(askers_, {})) send(asker, effects);
  return roster;
}

void RosterExchange::send(const NodeId& peer, Effects& effects) const {
  effects.send(peer, Bulk{.kind = BulkKind::merge_roster,
                          .number = 0,
                          .step = 0,
                          .degree = 0,
                          .context = options_.merge,
                          .data = content_});
}

void RosterExchange::tick(const std::set<NodeId>& linked, Instant now, Effects& effects) {
  if (next_deadline() > now) return;
  ask_at_ = now + options_.fetch_time;
  if (linked.empty()) return;
  const auto next = linked.upper_bound(asked_);
  asked_ = next == linked.end() ? *linked.begin() : *next;
  effects.send(asked_, MergeRosterRequest{options_.merge});
}

}  // namespace starling::protocol
