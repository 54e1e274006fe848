// The final merge among a few machines. Announcements reach everyone, bulk needs a link.

#include "protocol/merge.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::test_id;
using testing::test_record;

constexpr std::size_t elements = 3 * limits::merge_slice_bytes_min / 4 + 5;  // three slices

Bytes bytes_of(const std::vector<std::int32_t>& values) {
  Bytes bytes(values.size() * 4);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
std::vector<std::int32_t> values_of(const Bytes& bytes) {
  std::vector<std::int32_t> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}
Digest name(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

struct Member {
  Member(std::size_t number, std::uint64_t weight, std::int32_t fill)
      : id(test_id(number)),
        machine({.self = test_record(number),
                 .run = {},
                 .weight = weight,
                 .vector_bytes = elements * 4,
                 .redial_time = Duration{0}}),
        vector(elements, fill) {}

  NodeId id;
  Merge machine;
  std::vector<std::int32_t> vector;
  std::vector<std::int32_t> adopted;
  std::optional<Manifest> manifest;
  bool is_alive = true;
  bool contributes = true;
};

class Swarm {
 public:
  explicit Swarm(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      members_.push_back(
          std::make_unique<Member>(i, i + 1, static_cast<std::int32_t>(100 * (i + 1))));
    }
  }
  [[nodiscard]] Member& operator[](std::size_t number) { return *members_[number]; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

  /// What is withheld for now: true for an item that must not arrive.
  std::function<bool(std::size_t to, const Announcement&)> hold_announcement;
  std::function<bool(std::size_t from, std::size_t to, const Bulk&)> lose_bulk;
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
  void with(std::size_t i, const std::function<void(Merge&, MergeOutput)>& call) {
    Effects effects;
    std::vector<MergeRequest> requests;
    call((*this)[i].machine, {effects, requests});
    for (MergeRequest& request : requests) perform(i, std::move(request));
    for (Effect& effect : effects.items) perform(i, std::move(effect));
  }
  [[nodiscard]] std::size_t number_of(const NodeId& id) const {
    std::size_t number = 0;
    while (number < size() && members_[number]->id != id) ++number;
    return number;
  }

 private:
  void perform(std::size_t i, MergeRequest request) {
    Member& self = (*this)[i];
    if (const auto* announce = std::get_if<AnnounceMerge>(&request)) {
      spread(i, announce->content);
    } else if (const auto* need = std::get_if<NeedContribution>(&request)) {
      if (!self.contributes) return;
      later(i, [this, merge = need->merge, &self](Merge& machine, MergeOutput output) {
        const Bytes vector = bytes_of(self.vector);
        machine.on_contribution(merge, vector, crypto::digest_of(vector), 500, now_, output);
      });
    } else if (const auto* average = std::get_if<NeedAverage>(&request)) {
      later(i, [this, average = *average](Merge& machine, MergeOutput output) {
        const Bytes mean = mean_of(average.parts);
        machine.on_averaged(average.slice, mean, crypto::digest_of(mean), now_, output);
      });
    } else if (const auto* adoption = std::get_if<NeedAdoption>(&request)) {
      self.adopted = values_of(adoption->vector);
      later(i,
            [this, digest = crypto::digest_of(adoption->vector)](
                Merge& machine, MergeOutput output) { machine.on_adopted(digest, now_, output); });
    } else if (auto* complete = std::get_if<MergeComplete>(&request)) {
      self.manifest = std::move(complete->manifest);
    }
  }
  void perform(std::size_t i, Effect effect) {
    if (auto* send = std::get_if<SendTo>(&effect)) {
      const std::size_t to = number_of(send->peer);
      auto* bulk = std::get_if<Bulk>(&send->message);
      if (bulk != nullptr && lose_bulk && lose_bulk(i, to, *bulk)) return;
      if (bulk != nullptr) {
        ++bulk_messages;
        bulk_bytes += bulk->data.size();
      }
      queue_.push_back([this, i, to, message = std::move(send->message)]() mutable {
        if (links_.contains({i, to})) deliver(i, to, std::move(message));
      });
    } else if (const auto* dial = std::get_if<Dial>(&effect)) {
      queue_.push_back([this, i, peer = dial->peer] {
        const std::size_t to = number_of(peer.id);
        if (!(*this)[i].is_alive) return;
        if ((*this)[to].is_alive) return link(i, to);
        with(i,
             [&](Merge& merge, MergeOutput output) { merge.on_dial_failed(peer, now_, output); });
      });
    }
  }
  void deliver(std::size_t from, std::size_t to, Message message) {
    with(to, [&](Merge& merge, MergeOutput output) {
      if (auto* bulk = std::get_if<Bulk>(&message)) {
        merge.on_slice((*this)[from].id, std::move(*bulk), output);
      } else if (const auto* request = std::get_if<MergeSliceRequest>(&message)) {
        merge.on_slice_request((*this)[from].id, *request, output);
      }
    });
  }
  void spread(std::size_t from, const Announcement& content) {
    for (std::size_t to = 0; to < size(); ++to) {
      if (to == from || (hold_announcement && hold_announcement(to, content))) continue;
      later(to, [this, from, content](Merge& merge, MergeOutput output) {
        merge.on_announcement((*this)[from].id, content, now_, output);
      });
    }
  }
  void later(std::size_t i, std::function<void(Merge&, MergeOutput)> call) {
    queue_.push_back([this, i, call = std::move(call)] {
      if ((*this)[i].is_alive) with(i, call);
    });
  }
  static Bytes mean_of(const std::vector<SlicePart>& parts) {
    std::vector<std::int64_t> sum(parts.at(0).data.size() / 4);
    std::int64_t weight = 0;
    for (const SlicePart& part : parts) {
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

  std::vector<std::unique_ptr<Member>> members_;
  std::set<std::pair<std::size_t, std::size_t>> links_;
  std::deque<std::function<void()>> queue_;
  Instant now_;
};

void expect_merged(Swarm& swarm, const std::vector<std::size_t>& nodes) {
  for (const std::size_t node : nodes) {
    ASSERT_TRUE(swarm[node].manifest) << "node " << node << " did not finish";
    EXPECT_EQ(swarm[node].manifest->model, swarm[nodes[0]].manifest->model);
    EXPECT_EQ(swarm[node].adopted, swarm[nodes[0]].adopted);
  }
}

/// The node that owns `slice` in a merge of these members, computed anew from the definition.
std::size_t owner_of(Swarm& swarm, const Digest& merge, std::uint32_t slice) {
  std::map<Digest, std::size_t> order;
  for (std::size_t i = 0; i < swarm.size(); ++i) {
    Bytes input(merge.bytes.begin(), merge.bytes.end());
    input.insert(input.end(), {static_cast<std::uint8_t>(slice), 0, 0, 0});
    input.insert(input.end(), swarm[i].id.bytes.begin(), swarm[i].id.bytes.end());
    order[crypto::digest_of(input)] = i;
  }
  return order.begin()->second;
}

TEST(Merge, AllMembersAdoptTheWeightedMean) {
  Swarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3});
  // weights 1, 2, 3, 4 on values 100, 200, 300, 400
  EXPECT_EQ(swarm[0].adopted, std::vector<std::int32_t>(elements, 300));
  EXPECT_EQ(swarm[0].manifest->members.size(), 4U);
  EXPECT_EQ(swarm[0].manifest->attestations.size(), 4U);
  ASSERT_EQ(swarm[0].manifest->slices.size(), 3U);
  for (const MergeSlice& slice : swarm[0].manifest->slices) {
    EXPECT_EQ(slice.contributors.size(), 4U);
  }
}

TEST(Merge, CostsANodeAboutTwoVectors) {
  Swarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.settle();
  // Each value goes to its owner and back from it, but an owner sends nothing to itself.
  EXPECT_EQ(swarm.bulk_bytes, 2 * (swarm.size() - 1) * elements * 4);
}

TEST(Merge, MembersWithoutALinkDialEachOther) {
  Swarm swarm(5);
  swarm.propose(2, name(1), {0, 1, 2, 3, 4});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3, 4});
}

TEST(Merge, EqualDigestsNeedNoBulk) {
  Swarm swarm(3);
  swarm.link_all();
  for (std::size_t i = 0; i < 3; ++i) swarm[i].vector.assign(elements, 7);
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2});
  EXPECT_EQ(swarm.bulk_messages, 0U);
  EXPECT_TRUE(swarm[0].manifest->slices.empty());
}

TEST(Merge, ASilentNodeIsLeftOutAtTheDeadline) {
  Swarm swarm(4);
  swarm.link_all();
  swarm[3].is_alive = false;
  swarm.propose(0, name(1), {0, 1, 2, 3});
  swarm.pass(19s);
  EXPECT_FALSE(swarm[0].manifest);
  swarm.pass(2s);
  expect_merged(swarm, {0, 1, 2});
  EXPECT_EQ(swarm[0].manifest->members.size(), 3U);
}

TEST(Merge, AnOwnerThatDiesBeforeItsResultIsReplaced) {
  Swarm swarm(4);
  const std::size_t owner = owner_of(swarm, name(1), 0);
  const std::size_t proposer = owner == 0 ? 1 : 0;
  swarm.lose_bulk = [owner](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == owner && bulk.kind == BulkKind::merge_slice;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), {0, 1, 2, 3});
  swarm.settle();
  EXPECT_FALSE(swarm[proposer].manifest);
  swarm.crash(owner);
  swarm.settle();
  swarm.pass(6s);  // the word of the dead member on the digest is not waited for longer
  std::vector<std::size_t> living = {0, 1, 2, 3};
  std::erase(living, owner);
  expect_merged(swarm, living);
  EXPECT_EQ(swarm[proposer].manifest->slices[0].contributors.size(), 3U);
  EXPECT_EQ(swarm[proposer].manifest->members.size(), 4U);
}

TEST(Merge, TheResultOfAnOwnerThatDiesAfterwardsComesFromAnotherMember) {
  Swarm swarm(4);
  const std::size_t owner = owner_of(swarm, name(1), 0);
  const std::size_t unlucky = owner == 3 ? 2 : 3;
  const std::size_t proposer = owner == 0 ? 1 : 0;
  swarm.lose_bulk = [=](std::size_t from, std::size_t to, const Bulk& bulk) {
    return from == owner && to == unlucky && bulk.kind == BulkKind::merged_slice;
  };
  swarm.link_all();
  swarm.propose(proposer, name(1), {0, 1, 2, 3});
  swarm.settle();
  EXPECT_TRUE(swarm[unlucky].adopted.empty());
  swarm.crash(owner);
  swarm.pass(6s);
  EXPECT_EQ(swarm[unlucky].adopted, swarm[proposer].adopted);
  ASSERT_TRUE(swarm[unlucky].manifest);
  EXPECT_EQ(swarm[unlucky].manifest->model, swarm[proposer].manifest->model);
}

TEST(Merge, AResultReachesAMemberWhoseLinkOpensAfterTheOwnerHasAdopted) {
  Swarm swarm(3);
  swarm.lose_bulk = [](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == 2 && bulk.kind == BulkKind::merged_slice;
  };
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_TRUE(swarm[2].adopted.empty());
  swarm.lose_bulk = {};
  swarm.link(0, 2);
  swarm.link(1, 2);
  swarm.settle();
  EXPECT_EQ(swarm[2].adopted, swarm[0].adopted);
}

TEST(Merge, AProposerThatDiesBeforeItsRosterLeavesTheOthersFreeToProposeAgain) {
  Swarm swarm(3);
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t, const Announcement& content) {
    return std::holds_alternative<MergeCommitment>(content);
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  swarm.crash(0);
  swarm.pass(39s);
  EXPECT_TRUE(swarm[1].machine.running());
  swarm.pass(2s);
  EXPECT_TRUE(swarm[1].machine.failed());
  EXPECT_TRUE(swarm[2].machine.failed());
  swarm.hold_announcement = {};
  swarm.propose(1, name(2), {1, 2});
  swarm.settle();
  expect_merged(swarm, {1, 2});
  EXPECT_EQ(swarm[1].manifest->merge, name(2));
}

TEST(Merge, OfTwoProposalsAllFollowTheSmallerName) {
  Swarm swarm(4);
  swarm.link_all();
  swarm.propose(0, name(9), {0, 1, 2, 3});
  swarm.propose(3, name(4), {0, 1, 2, 3});
  swarm.settle();
  expect_merged(swarm, {0, 1, 2, 3});
  EXPECT_EQ(swarm[0].manifest->merge, name(4));
}

TEST(Merge, ANodeOutsideTheRosterAdoptsTheResultAtOnce) {
  Swarm swarm(4);
  swarm[3].contributes = false;
  swarm.link_all();
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_EQ(swarm[3].adopted, swarm[0].adopted);
  ASSERT_TRUE(swarm[3].manifest);
  EXPECT_EQ(swarm[3].manifest->members.size(), 3U);
}

TEST(Merge, AFlockTooLargeForOneRosterStillEndsWithOneModel) {
  Swarm swarm(200);
  std::vector<std::size_t> all(swarm.size());
  std::iota(all.begin(), all.end(), 0);
  for (const std::size_t i : all) swarm[i].vector.assign(elements, 7);
  swarm.propose(0, name(1), all);
  swarm.settle();
  for (const std::size_t i : all) EXPECT_EQ(swarm[i].adopted, swarm[0].adopted) << i;
  EXPECT_GT(swarm[0].manifest->members.size(), 100U);
  EXPECT_LT(swarm[0].manifest->members.size(), 200U);
}

TEST(Merge, ANodeOutsideTheRosterThatGetsALinkOnlyNowIsNoOwner) {
  Swarm swarm(4);
  swarm[3].contributes = false;
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  EXPECT_EQ(swarm[3].adopted, swarm[0].adopted);
}

TEST(Merge, SlicesThatOutrunTheRosterAreKept) {
  Swarm swarm(3);
  swarm.link_all();
  std::vector<Announcement> held;
  swarm.hold_announcement = [&](std::size_t to, const Announcement& content) {
    if (to != 2 || !std::holds_alternative<MergeRoster>(content)) return false;
    held.push_back(content);
    return true;
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_FALSE(swarm[2].manifest);
  swarm.with(2, [&](Merge& merge, MergeOutput output) {
    merge.on_announcement(swarm[0].id, held[0], {}, output);
  });
  swarm.settle();
  expect_merged(swarm, {0, 1, 2});
}

TEST(Merge, ARosterFromAnyoneButTheProposerIsIgnored) {
  Swarm swarm(2);
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t to, const Announcement& content) {
    return to == 0 && std::holds_alternative<MergeCommitment>(content);
  };
  swarm.propose(0, name(1), {0, 1});
  swarm.settle();
  swarm.with(0, [&](Merge& merge, MergeOutput output) {
    const MergeRoster forged{.merge = name(1), .members = {swarm[1].id}, .commitments = {{}}};
    merge.on_announcement(swarm[1].id, forged, {}, output);
  });
  EXPECT_TRUE(swarm[0].machine.running());
  swarm.settle();
  EXPECT_FALSE(swarm[0].manifest);
}

TEST(Merge, ARosterThatNamesANodeWithoutAVectorDoesNoHarm) {
  Swarm swarm(2);
  swarm[1].contributes = false;
  swarm.link_all();
  swarm.hold_announcement = [](std::size_t, const Announcement& content) {
    return std::holds_alternative<MergeRoster>(content);
  };
  swarm.propose(0, name(1), {0, 1});
  swarm.settle();
  const MergeCommitment commitment{
      .merge = name(1), .address = {}, .weight = 1, .step = 0, .digest = {}};
  swarm.with(1, [&](Merge& merge, MergeOutput output) {
    const MergeRoster roster{
        .merge = name(1), .members = {swarm[1].id}, .commitments = {commitment}};
    merge.on_announcement(swarm[0].id, roster, {}, output);
    merge.on_link_up(swarm[0].id, output);
    EXPECT_TRUE(output.requests.empty());
  });
  EXPECT_FALSE(swarm[1].manifest);
}

TEST(Merge, ASliceWithAWrongDigestIsNotAdopted) {
  Swarm swarm(3);
  swarm.link_all();
  swarm.lose_bulk = [](std::size_t, std::size_t to, const Bulk& bulk) {
    return to == 2 && bulk.kind == BulkKind::merged_slice && bulk.number == 0;
  };
  swarm.propose(0, name(1), {0, 1, 2});
  swarm.settle();
  const std::size_t bytes = elements * 4 / 3 / 4 * 4;
  if (swarm[2].adopted.empty()) {
    swarm.with(2, [&](Merge& merge, MergeOutput output) {
      merge.on_slice(swarm[0].id,
                     Bulk{.kind = BulkKind::merged_slice,
                          .number = 0,
                          .step = 500,
                          .degree = 0,
                          .context = name(1),
                          .data = Bytes(bytes)},
                     output);
      EXPECT_TRUE(output.requests.empty());
    });
    EXPECT_TRUE(swarm[2].adopted.empty());
  }
  swarm.lose_bulk = {};
  swarm.pass(31s);
  EXPECT_EQ(swarm[2].adopted, swarm[0].adopted) << "the true slice is asked for in time";
}

}  // namespace
}  // namespace starling::protocol
