#pragma once
// A few machines that merge. Announcements reach everyone, bulk needs a link; what is withheld,
// lost or dies is for the test to say.

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/merge/merge.h"
#include "tests/support/virtual_network.h"

namespace starling::testing {

/// Of every member's vector; three slices.
inline constexpr std::size_t merge_elements = 3 * protocol::limits::merge_slice_bytes_min / 4 + 5;

/// Its vector is `fill` everywhere; `adopted` and `manifest` are what the merge gave it.
struct MergingNode {
  MergingNode(std::size_t number, std::uint64_t weight, std::int32_t fill)
      : id(test_id(number)),
        machine({.self = test_record(number),
                 .run = {},
                 .weight = weight,
                 .vector_bytes = merge_elements * 4,
                 .redial_time = Duration{0}}),
        vector(merge_elements, fill) {}

  NodeId id;
  protocol::Merge machine;
  std::vector<std::int32_t> vector;
  std::vector<std::int32_t> adopted;
  std::optional<Manifest> manifest;
  bool is_alive = true;
  bool contributes = true;
};

/// Node i has the weight i + 1 and the value 100 (i + 1) everywhere.
class MergeSwarm {
 public:
  using Merge = protocol::Merge;
  using MergeOutput = protocol::MergeOutput;
  using Call = std::function<void(Merge&, MergeOutput)>;

  explicit MergeSwarm(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      members_.push_back(
          std::make_unique<MergingNode>(i, i + 1, static_cast<std::int32_t>(100 * (i + 1))));
    }
  }
  [[nodiscard]] MergingNode& operator[](std::size_t number) { return *members_[number]; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

  /// What is withheld: true for an item that must not arrive.
  std::function<bool(std::size_t to, const protocol::Announcement&)> hold_announcement;
  std::function<bool(std::size_t from, std::size_t to, const protocol::Bulk&)> lose_bulk;
  std::size_t bulk_messages = 0;
  std::size_t bulk_bytes = 0;

  void link_all() {
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) link(i, j);
    }
  }
  void link(std::size_t i, std::size_t j) {
    links_.insert({i, j});
    links_.insert({j, i});
    with(i, [&](Merge& merge, MergeOutput output) { merge.on_link_up((*this)[j].id, output); });
    with(j, [&](Merge& merge, MergeOutput output) { merge.on_link_up((*this)[i].id, output); });
  }
  void propose(std::size_t i, const Digest& merge, const std::vector<std::size_t>& expected) {
    std::set<NodeId> ids;
    for (const std::size_t node : expected) ids.insert((*this)[node].id);
    with(i, [&](Merge& machine, MergeOutput output) {
      machine.propose(merge, 500, ids, now_, output);
    });
  }
  void crash(std::size_t dead) {
    (*this)[dead].is_alive = false;
    for (std::size_t i = 0; i < size(); ++i) {
      if (links_.erase({i, dead}) == 0) continue;
      links_.erase({dead, i});
      if (!(*this)[i].is_alive) continue;
      with(i, [&](Merge& m, MergeOutput output) { m.on_link_down((*this)[dead].id, output); });
    }
  }
  /// Performs everything that leads to something now; a refused dial is tried again at once.
  void settle() {
    do {
      while (!queue_.empty()) {
        const auto action = std::move(queue_.front());
        queue_.pop_front();
        action();
      }
      for (std::size_t i = 0; i < size(); ++i) {
        if (!members_[i]->is_alive || members_[i]->machine.next_deadline() > now_) continue;
        with(i, [&](Merge& merge, MergeOutput output) { merge.tick(now_, output); });
      }
    } while (!queue_.empty());
  }
  void pass(Duration time) {
    const Instant end = now_ + time;
    settle();
    for (;;) {
      Instant next = Instant::never();
      for (const auto& member : members_) {
        if (member->is_alive) next = std::min(next, member->machine.next_deadline());
      }
      if (next > end) break;
      now_ = next;
      for (std::size_t i = 0; i < size(); ++i) {
        if ((*this)[i].is_alive) {
          with(i, [&](Merge& merge, MergeOutput output) { merge.tick(now_, output); });
        }
      }
      settle();
    }
    now_ = end;
  }
  /// Runs an input of a machine and performs what it asks for.
  void with(std::size_t i, const Call& call) {
    protocol::Effects effects;
    std::vector<protocol::MergeRequest> requests;
    call((*this)[i].machine, {effects, requests});
    for (protocol::MergeRequest& request : requests) perform(i, std::move(request));
    for (protocol::Effect& effect : effects.items) perform(i, std::move(effect));
  }
  [[nodiscard]] std::size_t number_of(const NodeId& id) const {
    std::size_t number = 0;
    while (number < size() && members_[number]->id != id) ++number;
    return number;
  }

 private:
  void perform(std::size_t i, protocol::MergeRequest request) {
    MergingNode& self = (*this)[i];
    if (const auto* announce = std::get_if<protocol::AnnounceMerge>(&request)) {
      spread(i, announce->content);
    } else if (const auto* need = std::get_if<protocol::NeedContribution>(&request)) {
      if (!self.contributes) return;
      later(i, [this, merge = need->merge, &self](Merge& machine, MergeOutput output) {
        const Bytes vector = bytes_of(self.vector);
        machine.on_contribution(merge, vector, crypto::digest_of(vector), 500, now_, output);
      });
    } else if (const auto* average = std::get_if<protocol::NeedAverage>(&request)) {
      later(i, [this, average = *average](Merge& machine, MergeOutput output) {
        const Bytes mean = mean_of(average.parts);
        machine.on_averaged(average.slice, mean, crypto::digest_of(mean), now_, output);
      });
    } else if (const auto* adoption = std::get_if<protocol::NeedAdoption>(&request)) {
      self.adopted = values_of(adoption->vector);
      later(i,
            [this, digest = crypto::digest_of(adoption->vector)](
                Merge& machine, MergeOutput output) { machine.on_adopted(digest, now_, output); });
    } else if (auto* complete = std::get_if<protocol::MergeComplete>(&request)) {
      self.manifest = std::move(complete->manifest);
    }
  }
  void perform(std::size_t i, protocol::Effect effect) {
    if (auto* send = std::get_if<protocol::SendTo>(&effect)) {
      const std::size_t to = number_of(send->peer);
      auto* bulk = std::get_if<protocol::Bulk>(&send->message);
      if (bulk != nullptr && lose_bulk && lose_bulk(i, to, *bulk)) return;
      if (bulk != nullptr) {
        ++bulk_messages;
        bulk_bytes += bulk->data.size();
      }
      queue_.push_back([this, i, to, message = std::move(send->message)]() mutable {
        if (links_.contains({i, to})) deliver(i, to, std::move(message));
      });
    } else if (const auto* dial = std::get_if<protocol::Dial>(&effect)) {
      queue_.push_back([this, i, peer = dial->peer] {
        const std::size_t to = number_of(peer.id);
        if (!(*this)[i].is_alive) return;
        if ((*this)[to].is_alive) return link(i, to);
        with(i,
             [&](Merge& merge, MergeOutput output) { merge.on_dial_failed(peer, now_, output); });
      });
    }
  }
  void deliver(std::size_t from, std::size_t to, protocol::Message message) {
    with(to, [&](Merge& merge, MergeOutput output) {
      if (auto* bulk = std::get_if<protocol::Bulk>(&message)) {
        merge.on_slice((*this)[from].id, std::move(*bulk), output);
      } else if (const auto* request = std::get_if<protocol::MergeSliceRequest>(&message)) {
        merge.on_slice_request((*this)[from].id, *request, output);
      }
    });
  }
  void spread(std::size_t from, const protocol::Announcement& content) {
    for (std::size_t to = 0; to < size(); ++to) {
      if (to == from || (hold_announcement && hold_announcement(to, content))) continue;
      later(to, [this, from, content](Merge& merge, MergeOutput output) {
        merge.on_announcement((*this)[from].id, content, now_, output);
      });
    }
  }
  void later(std::size_t i, Call call) {
    queue_.push_back([this, i, call = std::move(call)] {
      if ((*this)[i].is_alive) with(i, call);
    });
  }
  static Bytes bytes_of(const std::vector<std::int32_t>& values) {
    Bytes bytes(values.size() * 4);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  static std::vector<std::int32_t> values_of(const Bytes& bytes) {
    std::vector<std::int32_t> values(bytes.size() / 4);
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  static Bytes mean_of(const std::vector<protocol::SlicePart>& parts) {
    std::vector<std::int64_t> sum(parts.at(0).data.size() / 4);
    std::int64_t weight = 0;
    for (const protocol::SlicePart& part : parts) {
      const std::vector<std::int32_t> values = values_of(part.data);
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += static_cast<std::int64_t>(part.weight) * values[i];
      }
      weight += static_cast<std::int64_t>(part.weight);
    }
    std::vector<std::int32_t> mean(sum.size());
    for (std::size_t i = 0; i < sum.size(); ++i) {
      mean[i] = static_cast<std::int32_t>(sum[i] / weight);
    }
    return bytes_of(mean);
  }

  std::vector<std::unique_ptr<MergingNode>> members_;
  std::set<std::pair<std::size_t, std::size_t>> links_;
  std::deque<std::function<void()>> queue_;
  Instant now_;
};

}  // namespace starling::testing
