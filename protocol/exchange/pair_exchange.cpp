#include "protocol/exchange/pair_exchange.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace starling::protocol {

void PairExchange::begin(const NodeId& peer, std::uint64_t number, Stage stage, Instant deadline) {
  active_ = Active{.peer = peer,
                   .number = number,
                   .stage = stage,
                   .deadline = deadline,
                   .own = {},
                   .theirs = {}};
}

bool PairExchange::offer(Step step, Instant now, Effects& effects) {
  if (active_) return false;
  std::vector<NodeId> candidates = edges_.open_edges();
  std::erase_if(candidates, [this](const NodeId& peer) {
    return busy_.contains(peer) || !edges_.find(peer)->retained.empty();
  });
  if (candidates.empty()) {
    busy_.clear();
    return false;
  }
  const NodeId peer = candidates[rng_.below(candidates.size())];
  // A fresh number for every attempt: a payload of one that was called off may still be under way.
  const std::uint64_t number = edges_.find(peer)->offered + 1;
  edges_.offered(peer, number);
  begin(peer, number, Stage::offered, now + options_.answer_time_max);
  effects.send(peer, ExchangeOffer{.exchange = number, .step = step});
  return true;
}

bool PairExchange::on_offer(const NodeId& peer, const ExchangeOffer& offer, bool willing, Step step,
                            Effects& effects) {
  const Edge* edge = edges_.find(peer);
  const bool same = active_ && active_->peer == peer && active_->number == offer.exchange;
  if (same && active_->stage != Stage::offered) return false;  // already accepted
  // Offers that cross name the same number: both ends accept, and it is one exchange.
  const bool crossed = same;
  const bool free = !active_ || crossed;
  const bool ready = edge != nullptr && edge->open && edge->retained.empty() &&
                     (crossed || offer.exchange > edge->offered);
  if (edge != nullptr) edges_.offered(peer, offer.exchange);
  if (!free || !ready || !(willing || crossed)) {
    effects.send(peer, ExchangeBusy{.exchange = offer.exchange});
    return false;
  }
  edges_.set_peer_step(peer, offer.step);
  begin(peer, offer.exchange, Stage::encoding, Instant::never());
  effects.send(peer, ExchangeAccept{.exchange = offer.exchange, .step = step});
  return true;
}

bool PairExchange::on_accept(const NodeId& peer, const ExchangeAccept& accept, Effects& effects) {
  const bool same = active_ && active_->peer == peer && active_->number == accept.exchange;
  if (!same) effects.send(peer, ExchangeBusy{.exchange = accept.exchange});  // we had given up
  if (!same || active_->stage != Stage::offered) return false;
  edges_.set_peer_step(peer, accept.step);
  active_->stage = Stage::encoding;
  active_->deadline = Instant::never();
  return true;
}

void PairExchange::on_busy(const NodeId& peer, const ExchangeBusy& busy) {
  if (!active_ || active_->peer != peer || active_->number != busy.exchange) return;
  if (active_->stage == Stage::sent) edges_.discard(peer, busy.exchange);
  active_.reset();
  busy_.insert(peer);
}

std::optional<PairMix> PairExchange::on_encoded(SharedBytes payload, Step step, Instant now,
                                                Effects& effects) {
  if (!active_ || active_->stage != Stage::encoding) return std::nullopt;
  Bulk message{.kind = BulkKind::pair_payload,
               .number = active_->number,
               .step = step,
               .degree = 1,
               .context = options_.recipe,
               .data = payload};
  active_->own = std::move(payload);
  effects.send(active_->peer, message);
  edges_.retain(active_->peer, std::move(message));
  active_->stage = Stage::sent;
  active_->deadline = now + patience();
  return mix_if_complete(effects);
}

std::optional<PairMix> PairExchange::on_payload(const NodeId& peer, Bulk&& bulk, Effects& effects) {
  if (bulk.context != options_.recipe) return std::nullopt;
  if (active_ && active_->peer == peer && active_->number == bulk.number &&
      active_->stage != Stage::offered) {
    active_->theirs = std::move(bulk);
    return mix_if_complete(effects);
  }
  auto completion = edges_.complete(peer, std::move(bulk));
  if (!completion) return std::nullopt;
  effects.send(peer, ExchangeApplied{.exchange = completion->own.number});
  return PairMix{.peer = peer,
                 .number = completion->own.number,
                 .own = std::move(completion->own.data),
                 .theirs = std::move(completion->theirs.data),
                 .peer_step = completion->theirs.step};
}

std::optional<PairMix> PairExchange::mix_if_complete(Effects& effects) {
  if (!active_->theirs || active_->stage != Stage::sent) return std::nullopt;
  Active done = std::move(*active_);
  active_.reset();
  busy_.clear();
  PairMix mix{.peer = done.peer,
              .number = done.number,
              .own = std::move(done.own),
              .theirs = std::move(done.theirs->data),
              .peer_step = done.theirs->step};
  edges_.applied(done.peer, done.number);
  effects.send(done.peer, ExchangeApplied{.exchange = done.number});
  return mix;
}

void PairExchange::on_progress(const NodeId& peer, std::uint64_t number, Instant now) {
  const bool is_awaited = active_ && active_->peer == peer && active_->number == number;
  if (is_awaited && active_->stage == Stage::sent) active_->deadline = now + patience();
}

void PairExchange::on_link_down(const NodeId& peer) {
  busy_.erase(peer);
  if (active_ && active_->peer == peer) active_.reset();
}

void PairExchange::tick(Instant now, Effects& effects) {
  if (!active_ || now < active_->deadline) return;
  if (active_->stage == Stage::offered) {
    busy_.insert(active_->peer);
  } else {
    effects.hang_up(active_->peer, CloseReason::timed_out);
  }
  active_.reset();
}

}  // namespace starling::protocol
