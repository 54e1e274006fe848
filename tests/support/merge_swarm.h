#pragma once
// A few machines that merge. Announcements reach whoever a path of links reaches, all else needs a
// link; what is withheld, lost or dies is for the test to say.

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/merge/merge.h"
#include "protocol/merge/slice_plan.h"
#include "protocol/wire/wire.h"
#include "starling/check.h"
#include "starling/rng.h"
#include "tests/support/slice_sums.h"
#include "tests/support/virtual_network.h"

namespace starling::testing {

/// Of every member's vector; three slices.
inline constexpr std::size_t merge_elements = 3 * protocol::limits::merge_slice_bytes_min / 4 + 5;

/// Its vector is `fill` everywhere; `adopted` and `manifest` are what the merge gave it.
struct MergingNode {
  MergingNode(std::size_t number, std::uint64_t weight, std::int32_t fill, std::size_t elements)
      : id(test_id(number)),
        machine({.self = test_id(number), .run = {}, .weight = weight, .values = elements}),
        vector(elements, fill) {}

  /// Its own values in a slice.
  [[nodiscard]] std::span<const std::int32_t> slice(std::uint32_t number) const {
    const protocol::SlicePlan plan(vector.size());
    return std::span(vector).subspan(plan.first(number), plan.values(number));
  }

  NodeId id;
  protocol::Merge machine;
  std::vector<std::int32_t> vector;
  std::vector<std::int32_t> adopted;
  std::optional<Manifest> manifest;
  bool is_alive = true;
  bool contributes = true;
  bool is_sound = true;  ///< Else it has nothing to give, and says so.
  std::size_t adoptions = 0;
};

/// Node i has the weight i + 1 and the value 100 (i + 1) everywhere.
class MergeSwarm {
 public:
  using Merge = protocol::Merge;
  using MergeOutput = protocol::MergeOutput;
  using Call = std::function<void(Merge&, MergeOutput)>;

  explicit MergeSwarm(std::size_t count, std::size_t elements = merge_elements)
      : elements_(elements) {
    for (std::size_t i = 0; i < count; ++i) members_.push_back(fresh(i));
  }
  [[nodiscard]] MergingNode& operator[](std::size_t number) { return *members_[number]; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] Instant now() const { return now_; }

  /// What is withheld: true for an item that must not arrive.
  std::function<bool(std::size_t to, const protocol::Announcement&)> hold_announcement;
  std::function<bool(std::size_t from, std::size_t to, const protocol::Message&)> lose;
  /// Called before each action, which are counted from 0.
  std::function<void(std::size_t action)> before_action;
  std::size_t bulk_messages = 0;
  std::size_t bulk_bytes = 0;
  std::size_t actions = 0;
  std::vector<std::size_t> bytes_sent = std::vector<std::size_t>(1024);

  /// From now on messages of different links overtake each other at random.
  void shuffle(std::uint64_t seed) { rng_ = Rng(seed); }

  void link_all() {
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) link(i, j);
    }
  }
  void link(std::size_t i, std::size_t j) {
    if (!links_.insert({i, j}).second) return;
    links_.insert({j, i});
    with(i, [&](Merge& merge, MergeOutput out) { merge.on_link_up((*this)[j].id, now_, out); });
    with(j, [&](Merge& merge, MergeOutput out) { merge.on_link_up((*this)[i].id, now_, out); });
  }
  /// What is under way is lost.
  void cut(std::size_t i, std::size_t j) {
    if (links_.erase({i, j}) == 0) return;
    links_.erase({j, i});
    std::erase_if(queue_, [&](const Action& action) {
      return (action.from == i && action.to == j) || (action.from == j && action.to == i);
    });
    for (const auto& [node, peer] : {std::pair{i, j}, std::pair{j, i}}) {
      if (!(*this)[node].is_alive) continue;
      with(node, [&, peer = peer](Merge& merge, MergeOutput out) {
        merge.on_link_down((*this)[peer].id, now_, out);
      });
    }
  }
  [[nodiscard]] bool linked(std::size_t i, std::size_t j) const { return links_.contains({i, j}); }
  void propose(std::size_t i, const Digest& merge, const std::vector<std::size_t>& expected,
               bool accepts_partial = false) {
    std::set<NodeId> ids;
    for (const std::size_t node : expected) ids.insert((*this)[node].id);
    with(i, [&](Merge& machine, MergeOutput output) {
      machine.propose(merge, {.cut_off = 500, .expected = ids, .accepts_partial = accepts_partial},
                      now_, output);
    });
  }
  void crash(std::size_t dead) {
    (*this)[dead].is_alive = false;
    std::erase_if(queue_, [&](const Action& action) { return action.to == dead; });
    for (std::size_t i = 0; i < size(); ++i) cut(i, dead);
  }
  /// Another process of the node, which knows nothing. Its links are for the test.
  void restart(std::size_t number) {
    crash(number);
    members_[number] = fresh(number);
  }
  /// Long enough for everything that needs no patience.
  void settle() { pass(std::chrono::seconds(1)); }
  void pass(Duration time) {
    const Instant end = now_ + time;
    for (;;) {
      run_queue();
      Instant next = Instant::never();
      for (const auto& member : members_) {
        if (member->is_alive) next = std::min(next, member->machine.next_deadline());
      }
      if (next > end) break;
      now_ = std::max(now_, next);
      for (std::size_t i = 0; i < size(); ++i) {
        if (!(*this)[i].is_alive || (*this)[i].machine.next_deadline() > now_) continue;
        with(i, [&](Merge& merge, MergeOutput output) { merge.tick(now_, output); });
        STARLING_CHECK((*this)[i].machine.next_deadline() > now_);  // or time would stand still
      }
    }
    now_ = end;
  }
  /// Runs an input of a machine and performs what it asks for.
  void with(std::size_t i, const Call& call) {
    protocol::Effects effects;
    std::vector<protocol::MergeRequest> requests;
    call((*this)[i].machine, {effects, requests});
    for (protocol::MergeRequest& request : requests) {
      std::visit([&](auto& kind) { perform(i, kind); }, request);
    }
    for (protocol::Effect& effect : effects.items) perform(i, std::move(effect));
  }
  void deliver_announcement(std::size_t from, std::size_t to,
                            const protocol::Announcement& content) {
    with(to, [&](Merge& merge, MergeOutput output) {
      merge.on_announcement((*this)[from].id, content, (*this)[from].id, now_, output);
    });
  }
  [[nodiscard]] std::size_t number_of(const NodeId& id) const {
    std::size_t number = 0;
    while (number < size() && members_[number]->id != id) ++number;
    return number;
  }

 private:
  /// Of one lane in order: a message by its link, a result by its node.
  struct Action {
    std::size_t from = 0;
    std::size_t to = 0;
    bool is_message = false;
    std::function<void()> perform;
  };

  [[nodiscard]] std::unique_ptr<MergingNode> fresh(std::size_t i) const {
    return std::make_unique<MergingNode>(i, i + 1, static_cast<std::int32_t>(100 * (i + 1)),
                                         elements_);
  }

  void run_queue() {
    while (!queue_.empty()) {
      if (before_action) before_action(actions);
      ++actions;
      if (queue_.empty()) return;
      auto chosen = queue_.begin();
      if (rng_) {
        chosen += static_cast<std::ptrdiff_t>(rng_->below(queue_.size()));
        chosen = std::ranges::find_if(queue_, [&](const Action& action) {
          return action.from == chosen->from && action.to == chosen->to &&
                 action.is_message == chosen->is_message;
        });
      }
      const Action action = std::move(*chosen);
      queue_.erase(chosen);
      action.perform();
    }
  }

  void perform(std::size_t i, protocol::AnnounceMerge& request) { spread(i, request.content); }
  void perform(std::size_t i, protocol::SignCommitment& request) {
    const Bytes bytes = protocol::encode_announcement({(*this)[i].id, 1, request.content});
    with(i, [&](Merge& merge, MergeOutput output) {
      merge.on_signed_commitment(request.content, bytes, now_, output);
    });
  }
  void perform(std::size_t i, protocol::NeedContribution& request) {
    if (!(*this)[i].contributes) return;
    std::vector<NodeId> neighbours;
    for (std::size_t j = 0; j < size(); ++j) {
      if (linked(i, j)) neighbours.push_back((*this)[j].id);
    }
    neighbours.resize(std::min(neighbours.size(), protocol::limits::links_max));
    later(i, [this, i, name = request.merge, neighbours](Merge& machine, MergeOutput output) {
      const Bytes vector = bytes_of((*this)[i].vector);
      machine.on_contribution(
          name,
          {.digest = (*this)[i].is_sound ? std::optional(crypto::digest_of(vector)) : std::nullopt,
           .step = 500,
           .neighbours = neighbours},
          output);
    });
  }
  void perform(std::size_t i, protocol::NeedSum& request) {
    later(i, [this, i, request](Merge& machine, MergeOutput output) {
      machine.on_summed(request.merge, request.slice, request.root,
                        sum_of(request.parts, request.own_weight, (*this)[i].slice(request.slice)),
                        output);
    });
  }
  void perform(std::size_t i, protocol::NeedOwnPart& request) {
    later(i, [this, i, request](Merge& machine, MergeOutput output) {
      machine.on_own_part(request.merge, request.slice, request.root,
                          own_blocks((*this)[i].slice(request.slice)), output);
    });
  }
  void perform(std::size_t i, protocol::NeedAverage& request) {
    later(i, [this, i, request](Merge& machine, MergeOutput output) {
      const Bytes mean =
          mean_of(request.parts, request.own_weight, (*this)[i].slice(request.slice));
      machine.on_averaged(request.merge, request.slice, mean, crypto::digest_of(mean), now_,
                          output);
    });
  }
  void perform(std::size_t i, protocol::NeedAdoption& request) {
    Bytes vector;
    for (const protocol::SharedBytes& slice : request.slices) {
      vector.insert(vector.end(), slice.begin(), slice.end());
    }
    if (request.slices.empty()) vector = bytes_of((*this)[i].vector);
    (*this)[i].adopted = values_of(vector);
    (*this)[i].adoptions += 1;
    later(i, [this, name = request.merge, digest = crypto::digest_of(vector)](Merge& machine,
                                                                              MergeOutput output) {
      machine.on_adopted(name, digest, now_, output);
    });
  }
  void perform(std::size_t i, protocol::MergeComplete& request) {
    (*this)[i].manifest = std::move(request.manifest);
  }
  void perform(std::size_t i, protocol::Effect effect) {
    auto* send = std::get_if<protocol::SendTo>(&effect);
    STARLING_CHECK(send != nullptr);  // nothing is dialled, and nobody hung up on
    const std::size_t to = number_of(send->peer);
    if (!linked(i, to) || (lose && lose(i, to, send->message))) return;
    if (const auto* bulk = std::get_if<protocol::Bulk>(&send->message)) {
      ++bulk_messages;
      bulk_bytes += bulk->data.size();
      bytes_sent[i] += bulk->data.size();
    } else {
      bytes_sent[i] += protocol::encode(send->message).size();
    }
    queue_.push_back({i, to, true, [this, i, to, message = std::move(send->message)]() mutable {
                        std::visit([&](auto& kind) { receive(i, to, kind); }, message);
                      }});
  }

  void receive(std::size_t from, std::size_t to, protocol::Bulk& bulk) {
    with(to, [&](Merge& merge, MergeOutput output) {
      merge.on_bulk((*this)[from].id, std::move(bulk), now_, output);
    });
  }
  template <class Request>
    requires requires(Merge& merge, const Request& request, MergeOutput output) {
      merge.receive(NodeId{}, request, output);
    }
  void receive(std::size_t from, std::size_t to, Request& request) {
    with(to, [&](Merge& merge, MergeOutput output) {
      merge.receive((*this)[from].id, request, output);
    });
  }
  void receive(std::size_t, std::size_t to, protocol::MergeAttested& attested) {
    with(to, [&](Merge& merge, MergeOutput) { merge.receive(attested, now_); });
  }
  void receive(std::size_t from, std::size_t to, protocol::MergeCommitments& commitments) {
    for (const Bytes& bytes : commitments.signed_commitments) {
      const auto opened = protocol::decode_announcement(bytes);
      with(to, [&](Merge& merge, MergeOutput output) {
        merge.on_commitment(opened->author, std::get<protocol::MergeCommitment>(opened->content),
                            bytes, (*this)[from].id, now_, output);
      });
    }
  }
  template <class Other>
  void receive(std::size_t, std::size_t, Other&) {
    STARLING_CHECK(false);  // a merge sends nothing else
  }

  /// Along the links, as a broadcast does; who tells is the neighbour on the shortest path.
  void spread(std::size_t author, const protocol::Announcement& content) {
    std::map<std::size_t, std::size_t> teller = {{author, author}};
    std::deque<std::size_t> to_visit = {author};
    while (!to_visit.empty()) {
      const std::size_t at = to_visit.front();
      to_visit.pop_front();
      for (auto link = links_.lower_bound({at, 0}); link != links_.end() && link->first == at;
           ++link) {
        if (teller.try_emplace(link->second, at).second) to_visit.push_back(link->second);
      }
    }
    for (const auto& [to, from] : teller) {
      if (to == author || (hold_announcement && hold_announcement(to, content))) continue;
      later(to, [this, author, from = from, content](Merge& merge, MergeOutput output) {
        merge.on_announcement((*this)[author].id, content, (*this)[from].id, now_, output);
      });
    }
  }
  void later(std::size_t i, Call call) {
    queue_.push_back({i, i, false, [this, i, call = std::move(call)] {
                        if ((*this)[i].is_alive) with(i, call);
                      }});
  }

  std::size_t elements_;
  std::vector<std::unique_ptr<MergingNode>> members_;
  std::set<std::pair<std::size_t, std::size_t>> links_;
  std::deque<Action> queue_;
  std::optional<Rng> rng_;
  Instant now_;
};

}  // namespace starling::testing
