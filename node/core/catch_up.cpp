#include "node/core/catch_up.h"

#include <utility>

namespace starling::node {

namespace {

using namespace std::chrono_literals;

/// States being made for joiners at once. Our guess: bounds a donor's upload.
constexpr std::size_t promises_max = 2;

/// Until another donor is asked.
constexpr Duration state_time_max = 30s;

}  // namespace

void CatchUp::ask(const std::vector<NodeId>& donors, Turn& turn) {
  if (asked_ || donors.empty()) return;
  for (const NodeId& donor : donors) {
    if (failed_.contains(donor)) continue;
    asked_ = donor;
    request_ += 1;
    deadline_ = turn.now + state_time_max;
    turn.effects.send(donor, protocol::StateRequest{request_});
    return;
  }
  failed_.clear();  // all have failed us once: begin again with the first
}

void CatchUp::receive(const NodeId& peer, protocol::Bulk&& state, Turn& turn) {
  if (asked_ != peer || state.number != request_ || state.context != recipe_) return;
  asked_.reset();
  failed_.insert(peer);  // should the learner refuse it, the next donor is asked
  turn.jobs.emplace_back(LoadStateJob{std::move(state.data)});
}

void CatchUp::receive(const NodeId& peer, const protocol::StateUnavailable& answer) {
  if (asked_ == peer && answer.request == request_) link_down(peer);
}

void CatchUp::link_down(const NodeId& peer) {
  if (asked_ != peer) return;
  failed_.insert(peer);
  asked_.reset();
}

void CatchUp::tick(Instant now) {
  if (asked_ && deadline_ <= now) link_down(*asked_);
}

void CatchUp::receive(const NodeId& peer, const protocol::StateRequest& request, bool can_give,
                      Turn& turn) {
  if (!can_give || promises_.size() >= promises_max) {
    turn.effects.send(peer, protocol::StateUnavailable{request.request});
    return;
  }
  promises_.emplace(next_promise_, Promise{peer, request.request});
  turn.jobs.emplace_back(SaveStateJob{.for_joiner = true, .request = next_promise_});
  next_promise_ += 1;
}

void CatchUp::saved(SaveStateDone&& done, Turn& turn) {
  const auto promise = promises_.find(done.request);
  if (promise == promises_.end()) return;
  turn.effects.send(promise->second.peer, protocol::Bulk{.kind = protocol::BulkKind::state,
                                                         .number = promise->second.request,
                                                         .step = done.step,
                                                         .degree = 0,
                                                         .context = recipe_,
                                                         .data = std::move(done.state)});
  promises_.erase(promise);
}

}  // namespace starling::node
