#include "node/core/description_fetch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "crypto/digest.h"

namespace starling::node {

namespace {

using namespace std::chrono_literals;
using protocol::CloseReason;

// Our guess: 8 KiB over a link of 10 kbit/s.
constexpr Duration answer_time_max = 10s;
// A newcomer does not know the run's scale of intervals yet.
constexpr double interval_scale = 1.0;

}  // namespace

RunId run_of_description(ByteSpan description) {
  return {crypto::digest_in("starling run", description).bytes};
}

DescriptionFetch::DescriptionFetch(const RunId& run, std::vector<std::string> addresses)
    : run_(run), addresses_(std::move(addresses)), contacts_(interval_scale) {}

std::vector<Output> DescriptionFetch::start(Instant now) {
  now_ = now;
  for (const std::string& address : addresses_) contacts_.add(address, now);
  tick();
  return take_outputs();
}

std::vector<Output> DescriptionFetch::handle(Input input, Instant now) {
  now_ = now;
  if (description_) return {};
  if (const auto* connected = std::get_if<PeerConnected>(&input)) {
    on(*connected);
  } else if (const auto* disconnected = std::get_if<PeerDisconnected>(&input)) {
    on(*disconnected);
  } else if (const auto* failed = std::get_if<ConnectFailed>(&input)) {
    on(*failed);
  } else if (const auto* received = std::get_if<MessageReceived>(&input)) {
    on(*received);
  } else if (const auto* contact = std::get_if<LanContact>(&input)) {
    on(*contact);
  } else if (std::holds_alternative<TimerFired>(input)) {
    timer_ = Instant::never();
  }
  tick();
  return take_outputs();
}

void DescriptionFetch::on(const PeerConnected& input) {
  asked_[input.peer.id] = {.address = input.peer.address, .expires = now_ + answer_time_max};
  outputs_.emplace_back(Send{input.peer.id, protocol::DescriptionRequest{}});
}

void DescriptionFetch::on(const PeerDisconnected& input) {
  const auto asked = asked_.extract(input.peer);
  if (asked.empty()) return;
  contacts_.dial_failed(asked.mapped().address, now_);
  tell(asked.mapped().address, protocol::DialProblem::not_accepted);
}

void DescriptionFetch::on(const ConnectFailed& input) {
  contacts_.dial_failed(input.peer.address, now_);
  tell(input.peer.address, input.problem, input.detail);
}

void DescriptionFetch::tell(const std::string& address, protocol::DialProblem problem,
                            const protocol::DialDetail& detail) {
  if (auto news = report_.failed(address, problem, detail)) outputs_.emplace_back(Notify{*news});
}

/// By its address alone: whoever gives the description proves that by the description.
void DescriptionFetch::on(const LanContact& input) {
  contacts_.add(input.peer.address, now_, protocol::PathKind::lan);
}

/// A description that is not the run's can only come from a member that lies, or is broken.
void DescriptionFetch::on(const MessageReceived& input) {
  const auto* given = std::get_if<protocol::Description>(&input.message);
  if (given == nullptr || !asked_.contains(input.peer)) return;
  if (run_of_description(given->text) != run_)
    return give_up(input.peer, CloseReason::misbehaviour);
  description_ = given->text;
  for (const auto& [peer, asked] : asked_) {
    outputs_.emplace_back(Disconnect{peer, CloseReason::normal});
  }
}

/// The address rests and is tried again: another member may listen there by then.
void DescriptionFetch::give_up(const NodeId& peer, CloseReason reason) {
  const auto asked = asked_.extract(peer);
  contacts_.dial_failed(asked.mapped().address, now_);
  tell(asked.mapped().address, reason == CloseReason::timed_out ? protocol::DialProblem::timed_out
                                                                : protocol::DialProblem::other_run);
  outputs_.emplace_back(Disconnect{peer, reason});
}

void DescriptionFetch::tick() {
  if (description_) return;
  std::vector<NodeId> silent;
  for (const auto& [peer, asked] : asked_) {
    if (asked.expires <= now_) silent.push_back(peer);
  }
  for (const NodeId& peer : silent) give_up(peer, CloseReason::timed_out);
  protocol::Effects effects;
  if (asked_.empty()) {
    contacts_.dial_due(now_, effects);
  } else {
    contacts_.dial_untried(now_, effects);  // it may not answer, or be found after the others
  }
  for (protocol::Effect& effect : effects.items) {
    if (auto* dial = std::get_if<protocol::Dial>(&effect)) {
      outputs_.emplace_back(Connect{std::move(dial->peer), dial->path, {}});
    }
  }
}

std::vector<Output> DescriptionFetch::take_outputs() {
  Instant deadline = asked_.empty() ? contacts_.next_due() : Instant::never();
  for (const auto& [peer, asked] : asked_) deadline = std::min(deadline, asked.expires);
  if (!description_ && deadline != timer_ && deadline != Instant::never()) {
    timer_ = deadline;
    outputs_.emplace_back(StartTimer{deadline});
  }
  return std::exchange(outputs_, {});
}

}  // namespace starling::node
