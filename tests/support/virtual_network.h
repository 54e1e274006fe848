#pragma once
// A deterministic network in virtual time for tests of protocol machines: links with delay and
// loss, dials that fail, crashes and splits. One seed, one course of events.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/effects.h"
#include "starling/check.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/rng.h"

namespace starling::testing {

/// The id of test node `number`, spread over the id space so that order tells nothing.
[[nodiscard]] inline NodeId test_id(std::size_t number) {
  NodeId id;
  std::uint64_t word = split_mix(number + 1);
  for (std::uint8_t& byte : id.bytes) {
    byte = static_cast<std::uint8_t>(word);
    word = (word >> 8U) | (word << 56U);
  }
  return id;
}

[[nodiscard]] inline protocol::PeerRecord test_record(std::size_t number) {
  return {.id = test_id(number), .address = "node" + std::to_string(number) + ":1"};
}

struct NetworkOptions {
  std::uint64_t seed = 1;
  Duration delay_min = std::chrono::milliseconds(5);
  Duration delay_max = std::chrono::milliseconds(50);
  double loss = 0;  ///< Of single messages, which real links do not lose: repair is what is tested.
  /// Which messages that concerns.
  std::function<bool(const protocol::Message&)> can_be_lost = [](const auto&) { return true; };
};

/// Node: a class with record(), link_up, link_down, dial_failed, receive, next_deadline and tick.
template <class Node>
class VirtualNetwork {
 public:
  explicit VirtualNetwork(NetworkOptions options)
      : options_(std::move(options)), rng_(options_.seed) {}

  Node& add(std::unique_ptr<Node> node) {
    nodes_.push_back({.node = std::move(node)});
    index_[nodes_.back().node->record().id] = nodes_.size() - 1;
    return *nodes_.back().node;
  }

  [[nodiscard]] Node& node(std::size_t number) { return *nodes_[number].node; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] bool is_alive(std::size_t number) const { return nodes_[number].is_alive; }
  void set_loss(double loss) { options_.loss = loss; }

  /// Calls a method of the node and performs what it asks for.
  template <class Call>
  void with(std::size_t number, Call call) {
    protocol::Effects effects;
    call(node(number), now_, effects);
    perform(number, std::move(effects));
  }

  /// The process ends without a word. is_silent: not even its sockets close.
  void crash(std::size_t number, bool is_silent = false) {
    nodes_[number].is_alive = false;
    if (is_silent) return;
    for (std::size_t other = 0; other < size(); ++other) {
      close(number, other, protocol::CloseReason::connection_lost);
    }
  }

  /// Only nodes of equal group reach each other from now on; links across break.
  void split(const std::function<int(std::size_t)>& group) {
    for (std::size_t i = 0; i < size(); ++i) nodes_[i].group = group(i);
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (nodes_[i].group != nodes_[j].group) {
          close(i, j, protocol::CloseReason::connection_lost);
        }
      }
    }
  }
  void heal() {
    split([](std::size_t) { return 0; });
  }

  void run_for(Duration duration) {
    const Instant end = now_ + duration;
    for (;;) {
      const Instant next = next_event();
      if (next > end) break;
      now_ = next;
      deliver_due();
      tick_due();
    }
    now_ = end;
  }

 private:
  struct Slot {
    std::unique_ptr<Node> node;
    bool is_alive = true;
    int group = 0;
  };
  struct Event {
    Instant at;
    std::uint64_t order = 0;
    std::function<void()> action;
    friend bool operator<(const Event& a, const Event& b) {
      return std::pair(b.at, b.order) < std::pair(a.at, a.order);  // the earliest on top
    }
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  /// One direction of a link; messages do not overtake each other.
  struct Lane {
    std::uint64_t link = 0;
    Instant last_arrival;
  };

  void schedule(Instant at, std::function<void()> action) {
    events_.push({.at = at, .order = ++events_made_, .action = std::move(action)});
  }

  Duration delay() {
    const auto spread = static_cast<double>((options_.delay_max - options_.delay_min).count());
    return options_.delay_min + Duration(static_cast<Duration::rep>(spread * rng_.uniform()));
  }

  [[nodiscard]] Instant next_event() {
    Instant next = events_.empty() ? Instant::never() : events_.top().at;
    for (const Slot& slot : nodes_) {
      if (slot.is_alive) next = std::min(next, slot.node->next_deadline());
    }
    return std::max(next, now_);
  }

  void deliver_due() {
    while (!events_.empty() && events_.top().at <= now_) {
      const auto action = events_.top().action;
      events_.pop();
      action();
    }
  }

  void tick_due() {
    for (std::size_t i = 0; i < size(); ++i) {
      if (!is_alive(i) || node(i).next_deadline() > now_) continue;
      with(i, [](Node& node, Instant now, protocol::Effects& effects) { node.tick(now, effects); });
      STARLING_CHECK(node(i).next_deadline() > now_);  // or virtual time would stand still
    }
  }

  void perform(std::size_t from, protocol::Effects effects) {
    for (protocol::Effect& effect : effects.items) {
      if (auto* send = std::get_if<protocol::SendTo>(&effect)) {
        transmit(from, index_.at(send->peer), std::move(send->message));
      } else if (auto* dial = std::get_if<protocol::Dial>(&effect)) {
        schedule(now_ + delay(), [this, from, peer = dial->peer] { connect(from, peer); });
      } else if (auto* hang_up = std::get_if<protocol::HangUp>(&effect)) {
        close(from, index_.at(hang_up->peer), hang_up->reason);
      }
    }
  }

  void transmit(std::size_t from, std::size_t to, protocol::Message message) {
    const auto lane = lanes_.find({from, to});
    if (lane == lanes_.end() || !is_alive(to)) return;
    if (options_.can_be_lost(message) && rng_.uniform() < options_.loss) return;
    const Instant arrival = std::max(now_ + delay(), lane->second.last_arrival);
    lane->second.last_arrival = arrival;
    const std::uint64_t link = lane->second.link;
    schedule(arrival, [this, from, to, link, message = std::move(message)] {
      const auto open = lanes_.find({from, to});
      if (open == lanes_.end() || open->second.link != link || !is_alive(to)) return;
      with(to, [&](Node& node, Instant now, protocol::Effects& effects) {
        node.receive(nodes_[from].node->record().id, message, now, effects);
      });
    });
  }

  void connect(std::size_t from, const protocol::PeerRecord& peer) {
    if (!is_alive(from)) return;
    const auto to = std::find_if(nodes_.begin(), nodes_.end(), [&](const Slot& slot) {
      const protocol::PeerRecord& record = slot.node->record();
      return record.address == peer.address && (peer.id == NodeId{} || peer.id == record.id);
    });
    const auto number = static_cast<std::size_t>(to - nodes_.begin());
    if (to == nodes_.end() || !to->is_alive || to->group != nodes_[from].group) {
      with(from, [&](Node& node, Instant now, protocol::Effects& effects) {
        node.dial_failed(peer, now, effects);
      });
      return;
    }
    if (number == from || lanes_.contains({from, number})) return;
    ++links_made_;
    lanes_[{from, number}] = {.link = links_made_, .last_arrival = now_};
    lanes_[{number, from}] = {.link = links_made_, .last_arrival = now_};
    link_up(number, {.id = nodes_[from].node->record().id, .address = {}}, false);
    link_up(from, to->node->record(), true);
  }

  void link_up(std::size_t number, const protocol::PeerRecord& peer, bool dialled) {
    with(number, [&](Node& node, Instant now, protocol::Effects& effects) {
      node.link_up(peer, dialled, now, effects);
    });
  }

  void close(std::size_t from, std::size_t to, protocol::CloseReason reason) {
    if (lanes_.erase({from, to}) == 0) return;
    lanes_.erase({to, from});
    for (const auto& [number, peer] : {Pair{from, to}, Pair{to, from}}) {
      schedule(now_, [this, number = number, peer = peer, reason] {
        if (!is_alive(number)) return;
        with(number, [&](Node& node, Instant now, protocol::Effects& effects) {
          node.link_down(nodes_[peer].node->record().id, reason, now, effects);
        });
      });
    }
  }

  NetworkOptions options_;
  Rng rng_;
  Instant now_;
  std::vector<Slot> nodes_;
  std::map<NodeId, std::size_t> index_;
  std::map<Pair, Lane> lanes_;
  std::priority_queue<Event> events_;
  std::uint64_t events_made_ = 0;
  std::uint64_t links_made_ = 0;
};

}  // namespace starling::testing
