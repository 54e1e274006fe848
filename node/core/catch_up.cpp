#include "node/core/catch_up.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"

namespace starling::node {

namespace {

/// States being made for joiners at once. Our guess: bounds a donor's upload.
constexpr std::size_t promises_max = 2;

}  // namespace

void CatchUp::ask(const std::vector<NodeId>& donors, Turn& turn) {
  if (awaited_ || donors.empty()) return;
  for (const NodeId& donor : donors) {
    if (failed_.contains(donor)) continue;
    awaited_ = donor;
    request_ += 1;
    asked_[donor] = request_;
    deadline_ = turn.now + protocol::limits::state_time_max;
    turn.effects.send(donor, protocol::StateRequest{request_});
    return;
  }
  failed_.clear();  // all have failed us once: begin again with the first
}

void CatchUp::receive(const NodeId& peer, protocol::Bulk&& state, Turn& turn) {
  if (!is_asked(peer, state.number) || state.context != recipe_) return;
  asked_.clear();
  awaited_.reset();
  failed_.insert(peer);  // should the learner refuse it, the next donor is asked
  turn.jobs.emplace_back(LoadStateJob{std::move(state.data)});
}

void CatchUp::receive(const NodeId& peer, const protocol::StateUnavailable& answer) {
  if (is_asked(peer, answer.request)) link_down(peer);
}

bool CatchUp::is_asked(const NodeId& peer, std::uint64_t request) const {
  const auto asked = asked_.find(peer);
  return asked != asked_.end() && asked->second == request;
}

void CatchUp::link_down(const NodeId& peer) {
  asked_.erase(peer);
  if (awaited_ == peer) give_up_waiting();
}

void CatchUp::give_up_waiting() {
  failed_.insert(*awaited_);
  awaited_.reset();
}

void CatchUp::progressed(const BulkProgressed& progress, Instant now) {
  if (!is_asked(progress.peer, progress.number)) return;
  awaited_ = progress.peer;
  deadline_ = now + protocol::limits::state_time_max;
}

void CatchUp::tick(Instant now) {
  if (awaited_ && deadline_ <= now) give_up_waiting();
}

void CatchUp::receive(const NodeId& peer, const protocol::StateRequest& request, bool can_give,
                      Turn& turn) {
  const auto promise =
      std::ranges::find(promises_, peer, [](const auto& entry) { return entry.second.peer; });
  if (can_give && promise != promises_.end()) {  // it has lost patience; one state will do
    promise->second.request = request.request;
    return;
  }
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
