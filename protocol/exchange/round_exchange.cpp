#include "protocol/exchange/round_exchange.h"

#include <algorithm>
#include <utility>

namespace starling::protocol {

namespace {

float metropolis_weight(std::uint32_t own_degree, std::uint32_t peer_degree) {
  return 1.0F / (1.0F + static_cast<float>(std::max(own_degree, peer_degree)));
}

}  // namespace

void RoundExchange::on_edge_open(const NodeId& peer, std::uint64_t first_free, Effects& effects) {
  Neighbour& neighbour = neighbours_[peer];
  neighbour = Neighbour{};
  if (options_.self < peer) {
    neighbour.start = first_free;
    effects.send(peer, RoundOpen{.round = neighbour.start, .final = false});
  }
}

void RoundExchange::on_round_open(const NodeId& peer, const RoundOpen& open,
                                  std::uint64_t first_free, Effects& effects) {
  const auto found = neighbours_.find(peer);
  if (found == neighbours_.end()) return;
  Neighbour& neighbour = found->second;
  if (open.final) {
    neighbour.start = std::max(neighbour.start, open.round);
    neighbour.is_agreed = true;
    return;
  }
  if (peer > options_.self || neighbour.start != 0) return;  // the proposal is the lower id's, once
  neighbour.start = std::max(open.round, first_free);
  neighbour.is_agreed = true;
  effects.send(peer, RoundOpen{.round = neighbour.start, .final = true});
}

bool RoundExchange::skip_to_neighbours(std::uint64_t rounds_max) {
  std::uint64_t first = 0;
  for (const auto& [peer, neighbour] : neighbours_) {
    if (neighbour.start == 0) continue;      // nothing holds us yet
    if (!neighbour.is_agreed) return false;  // the answer is under way
    if (first == 0 || neighbour.start < first) first = neighbour.start;
  }
  if (first <= round_ + 1 + rounds_max) return false;
  round_ = first - 1;
  return true;
}

bool RoundExchange::has_agreed_edge() const {
  return std::ranges::any_of(neighbours_, [](const auto& entry) { return entry.second.is_agreed; });
}

std::vector<NodeId> RoundExchange::starting_at(std::uint64_t round) const {
  std::vector<NodeId> peers;
  for (const auto& [peer, neighbour] : neighbours_) {
    if (neighbour.start == round) peers.push_back(peer);
  }
  return peers;
}

void RoundExchange::on_link_down(const NodeId& peer) {
  neighbours_.erase(peer);
}

void RoundExchange::on_encoded(SharedBytes payload, Step step, Instant now, Effects& effects) {
  round_ += 1;
  deadline_ = now + patience();
  own_ = Bulk{.kind = BulkKind::round_payload,
              .number = round_,
              .step = step,
              .degree = 0,
              .context = options_.recipe,
              .data = std::move(payload)};
  own_->degree = static_cast<std::uint32_t>(std::ranges::count_if(
      neighbours_, [this](const auto& entry) { return in_round(entry.second); }));
  for (auto& [peer, neighbour] : neighbours_) {
    if (!in_round(neighbour)) continue;
    effects.send(peer, *own_);
    edges_.retain(peer, *own_);
  }
}

bool RoundExchange::on_payload(const NodeId& peer, Bulk&& bulk, Effects& effects) {
  if (bulk.context != options_.recipe) return false;
  const Step peer_step = bulk.step;
  if (const auto found = neighbours_.find(peer); found != neighbours_.end()) {
    const std::uint64_t current = running() ? round_ : round_ + 1;
    const std::uint64_t start = found->second.start;
    // A neighbour cannot finish a round of the edge without our payload: it is at most one round
    // ahead, or waits in the edge's first round.
    if (start != 0 && bulk.number >= std::max(start, current) &&
        bulk.number <= std::max(start, current + 1)) {
      edges_.set_peer_step(peer, peer_step);
      found->second.payloads.insert_or_assign(bulk.number, std::move(bulk));
      return true;
    }
  }
  auto completion = edges_.complete(peer, std::move(bulk));
  if (!completion) return false;
  const float weight = metropolis_weight(completion->own.degree, completion->theirs.degree);
  RoundMix mix{
      .round = completion->own.number, .own = std::move(completion->own.data), .peers = {}};
  mix.peers.push_back({peer, weight, std::move(completion->theirs.data)});
  effects.send(peer, ExchangeApplied{.exchange = mix.round});
  late_.push_back(std::move(mix));
  return true;
}

bool RoundExchange::complete() const {
  return own_ && std::ranges::none_of(neighbours_,
                                      [this](const auto& entry) { return is_owing(entry.second); });
}

std::vector<RoundMix> RoundExchange::take_mixes(Effects& effects) {
  std::vector<RoundMix> mixes = std::move(late_);
  late_.clear();
  if (complete()) mixes.push_back(finish_round(effects));
  return mixes;
}

RoundMix RoundExchange::finish_round(Effects& effects) {
  RoundMix mix{.round = round_, .own = {}, .peers = {}};
  for (auto& [peer, neighbour] : neighbours_) {
    if (!in_round(neighbour)) continue;
    Bulk theirs = std::move(neighbour.payloads.extract(round_).mapped());
    mix.peers.push_back(
        {peer, metropolis_weight(own_->degree, theirs.degree), std::move(theirs.data)});
    edges_.applied(peer, round_);
    effects.send(peer, ExchangeApplied{.exchange = round_});
  }
  mix.own = std::move(own_->data);
  own_.reset();
  return mix;
}

void RoundExchange::tick(Instant now, Effects& effects) {
  if (!running()) return;
  for (auto& [peer, neighbour] : neighbours_) {
    if (!is_owing(neighbour) || now < deadline_of(neighbour)) continue;
    effects.hang_up(peer, CloseReason::timed_out);
    neighbour.patience_ends = now + patience();
  }
}

void RoundExchange::on_progress(const NodeId& peer, std::uint64_t number, Instant now) {
  const auto found = neighbours_.find(peer);
  if (found == neighbours_.end() || number < round_ || number > round_ + 1) return;
  found->second.patience_ends = now + patience();
}

Instant RoundExchange::next_deadline() const {
  Instant next = Instant::never();
  if (!running()) return next;
  for (const auto& [peer, neighbour] : neighbours_) {
    if (is_owing(neighbour)) next = std::min(next, deadline_of(neighbour));
  }
  return next;
}

}  // namespace starling::protocol
