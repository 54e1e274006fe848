#include "node/core/snapshot_donor.h"

#include <utility>

#include "node/core/trainer.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;

/// Until the same neighbour is given a state again, before interval_scale. Our guess.
constexpr Duration giving_interval = 10s;

}  // namespace

void SnapshotDonor::keep(const SaveStateDone& saved) {
  state_ = saved.state;
  offer_ = {.request = 0,
            .step = saved.step,
            .packets = saved.packets,
            .bytes = state_.size(),
            .state = saved.digest};
}

void SnapshotDonor::forget() {
  state_ = {};
  offer_ = {};
}

void SnapshotDonor::receive(const NodeId& peer, const protocol::StateQuery& query,
                            bool has_whole_ledger, Turn& turn) const {
  protocol::StateOffer offer = offer_;
  offer.request = query.request;
  offer.has_whole_ledger = has_whole_ledger;
  turn.effects.send(peer, offer);
}

void SnapshotDonor::receive(const NodeId& peer, const protocol::StateRequest& request, Turn& turn) {
  const auto given = given_at_.find(peer);
  const bool is_too_soon = given != given_at_.end() &&
                           turn.now - given->second < scaled(giving_interval, interval_scale_);
  if (state_.empty() || is_too_soon) {
    turn.effects.send(peer, protocol::StateUnavailable{request.request});
    return;
  }
  given_at_[peer] = turn.now;
  turn.effects.send(peer, protocol::Bulk{.kind = protocol::BulkKind::state,
                                         .number = request.request,
                                         .step = offer_.step,
                                         .degree = 0,
                                         .context = recipe_,
                                         .data = state_});
}

}  // namespace starling::node
