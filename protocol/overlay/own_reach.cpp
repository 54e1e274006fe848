#include "protocol/overlay/own_reach.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

std::string host_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.find(',') != std::string::npos) return {};
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

std::string network_of(const std::string& address) {
  const std::string host = host_of(address);
  const char separator = host.find(':') != std::string::npos ? ':' : '.';
  std::size_t end = host.find(separator);
  if (end != std::string::npos) end = host.find(separator, end + 1);
  return host.substr(0, end);
}

namespace {

/// The addresses of a text, in order.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> addresses;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    addresses.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return addresses;
}

}  // namespace

void OwnReach::moved(std::string listening) {
  listening_ = std::move(listening);
  candidates_.clear();
  has_changed_ = true;
}

void OwnReach::mapped(const std::string& address, bool is_up, Instant now) {
  const auto known = candidates_.find(address);
  if (!is_up) {
    if (known == candidates_.end()) return;
    candidates_.erase(known);
    has_changed_ = true;
    return;
  }
  if (host_of(address).empty() || address.size() > limits::address_characters_max) return;
  if (known == candidates_.end() && candidates_.size() >= limits::own_addresses_max) return;
  Candidate& candidate = candidates_[address];
  candidate.is_mapped = true;
  candidate.due = now;
}

void OwnReach::link_up(const NodeId& peer, const std::string& seen_at, Effects& effects) {
  if (seen_at.empty()) {
    peers_.erase(peer);
    return;
  }
  peers_[peer] = {.seen_at = seen_at, .next_dial_back = {}, .next_question = {}};
  effects.send(peer, ObservedAddress{seen_at});
}

void OwnReach::link_down(const NodeId& peer) {
  peers_.erase(peer);
  for (auto& [address, candidate] : candidates_) {
    if (candidate.waits_for == peer) candidate.waits_for.reset();
  }
}

void OwnReach::receive(const NodeId& from, const ObservedAddress& observed, Instant now) {
  const auto peer = peers_.find(from);
  if (peer == peers_.end() || host_of(observed.address).empty()) return;
  for (auto& [address, candidate] : candidates_) candidate.witnesses.erase(from);
  std::erase_if(candidates_, [](const auto& entry) {
    const Candidate& candidate = entry.second;
    return candidate.witnesses.empty() && !candidate.is_mapped && !candidate.is_proven;
  });
  const bool is_new = !candidates_.contains(observed.address);
  if (is_new && candidates_.size() >= limits::own_addresses_max) return;
  Candidate& candidate = candidates_[observed.address];
  candidate.witnesses[from] = network_of(peer->second.seen_at);
  // A second witness may be about to speak.
  if (is_new) candidate.due = now + scaled(limits::dial_back_delay, interval_scale_);
  if (candidate.is_proven) has_changed_ = true;
}

bool OwnReach::is_own(const std::string& address) const {
  const std::vector<std::string> own = split(listening_);
  return std::ranges::find(own, address) != own.end();
}

bool OwnReach::is_credible(const std::string& address, const Candidate& candidate) const {
  if (candidate.is_mapped || is_own(address)) return true;
  if (candidate.witnesses.size() < limits::address_witnesses_min) return false;
  // Where all peers are of one network, different names have to do.
  std::set<std::string> networks;
  for (const auto& [id, peer] : peers_) networks.insert(network_of(peer.seen_at));
  std::set<std::string> spoken;
  for (const auto& [id, network] : candidate.witnesses) spoken.insert(network);
  return spoken.size() >= std::min(networks.size(), limits::address_witnesses_min);
}

Reach OwnReach::reach() const {
  Reach best = Reach::unknown;
  for (const auto& [address, candidate] : candidates_) {
    if (candidate.is_proven && is_credible(address, candidate)) {
      if (!candidate.is_mapped) return Reach::open;
      best = Reach::mapped;
    } else if (candidate.has_failed && best == Reach::unknown) {
      best = Reach::behind_nat;
    }
  }
  return best;
}

std::string OwnReach::announced() const {
  std::vector<std::string> all;
  for (const auto& [address, candidate] : candidates_) {
    const bool is_told = candidate.is_proven && is_credible(address, candidate);
    if (is_told && !is_own(address)) all.push_back(address);
  }
  std::ranges::copy(split(listening_), std::back_inserter(all));
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), limits::addresses_per_node_max); ++i) {
    const std::string next = text.empty() ? all[i] : text + "," + all[i];
    if (next.size() <= limits::address_characters_max) text = next;
  }
  return text;
}

// --- Asking ---

/// Nobody twice, before all have been asked; of those the one that may be asked soonest.
std::optional<NodeId> OwnReach::next_prober(const Candidate& candidate) const {
  std::optional<NodeId> best;
  for (const auto& [id, peer] : peers_) {
    if (candidate.asked.contains(id)) continue;
    if (!best || peer.next_question < peers_.at(*best).next_question) best = id;
  }
  return best;
}

/// A peer dials back one address at a time.
Instant OwnReach::question_due(const Candidate& candidate) const {
  const auto prober = next_prober(candidate);
  return prober ? std::max(candidate.due, peers_.at(*prober).next_question) : candidate.due;
}

void OwnReach::ask(const std::string& address, Candidate& candidate, Instant now,
                   Effects& effects) {
  candidate.due = now + scaled(limits::dial_back_again, interval_scale_);
  const auto prober = next_prober(candidate);
  if (!prober) {
    candidate.asked.clear();
    return;
  }
  peers_.at(*prober).next_question = now + scaled(limits::dial_back_pause, interval_scale_);
  candidate.asked.insert(*prober);
  candidate.waits_for = *prober;
  candidate.nonce = ++nonces_;
  effects.send(*prober, DialBackRequest{.nonce = candidate.nonce, .address = address});
}

void OwnReach::note(Candidate& candidate, DialBackOutcome outcome, Instant now) {
  const bool is_proven = outcome == DialBackOutcome::reached ||
                         (outcome == DialBackOutcome::refused && candidate.is_proven);
  const bool has_failed = outcome == DialBackOutcome::failed ||
                          (outcome == DialBackOutcome::refused && candidate.has_failed);
  const bool was_proven = std::exchange(candidate.is_proven, is_proven);
  const bool had_failed = std::exchange(candidate.has_failed, has_failed);
  if (was_proven != is_proven || had_failed != has_failed) has_changed_ = true;
  candidate.waits_for.reset();
  const bool asks_on = !is_proven && next_prober(candidate).has_value();
  const Duration pause = is_proven ? limits::dial_back_again
                         : asks_on ? limits::dial_back_delay
                                   : limits::dial_back_retry;
  candidate.due = now + scaled(pause, interval_scale_);
}

void OwnReach::receive(const NodeId& from, const DialBackReply& reply, Instant now) {
  for (auto& [address, candidate] : candidates_) {
    if (candidate.waits_for != from || candidate.nonce != reply.nonce) continue;
    note(candidate, reply.outcome, now);
    return;
  }
}

Instant OwnReach::next_deadline() const {
  if (peers_.empty()) return Instant::never();
  Instant earliest = Instant::never();
  for (const auto& [address, candidate] : candidates_) {
    earliest = std::min(earliest, question_due(candidate));
  }
  return earliest;
}

void OwnReach::tick(Instant now, Effects& effects) {
  if (peers_.empty()) return;
  for (auto& [address, candidate] : candidates_) {
    if (question_due(candidate) <= now) ask(address, candidate, now, effects);
  }
}

// --- Dialling back ---

void OwnReach::receive(const NodeId& from, const DialBackRequest& request, Instant now,
                       Effects& effects) {
  const auto found = peers_.find(from);
  const auto refuse = [&] {
    effects.send(from, DialBackReply{request.nonce, DialBackOutcome::refused});
  };
  if (found == peers_.end()) return refuse();
  Peer& peer = found->second;
  const bool is_same_machine =
      !host_of(request.address).empty() && host_of(request.address) == host_of(peer.seen_at);
  const auto pending =
      std::ranges::count_if(peers_, [](const auto& entry) { return entry.second.is_dialled_back; });
  const bool may_dial = is_same_machine && peer.next_dial_back <= now && !peer.is_dialled_back &&
                        static_cast<std::size_t>(pending) < limits::dial_backs_pending_max;
  if (!may_dial) return refuse();
  peer.next_dial_back = now + scaled(limits::dial_back_interval, interval_scale_);
  peer.is_dialled_back = true;
  effects.probe({from, request.address}, request.nonce);
}

void OwnReach::probed(const NodeId& peer, std::uint64_t nonce, bool is_reached, Effects& effects) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  found->second.is_dialled_back = false;
  effects.send(
      peer, DialBackReply{nonce, is_reached ? DialBackOutcome::reached : DialBackOutcome::failed});
}

}  // namespace starling::protocol
