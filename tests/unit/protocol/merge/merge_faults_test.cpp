// Merges in which something breaks, at every moment at which it can.

#include <gtest/gtest.h>

#include <numeric>

#include "protocol/merge/merge.h"
#include "tests/support/merge_swarm.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::MergeSwarm;

constexpr std::size_t nodes = 7;
constexpr std::size_t elements = 6;

Digest name(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

std::vector<std::size_t> everyone() {
  std::vector<std::size_t> all(nodes);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// A ring and two chords: connected whichever node dies, and nobody is linked with all.
void link_sparsely(MergeSwarm& swarm, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::size_t> order = everyone();
  rng.shuffle(std::span(order));
  for (std::size_t i = 0; i < nodes; ++i) swarm.link(order[i], order[(i + 1) % nodes]);
  swarm.link(order[0], order[3]);
  swarm.link(order[1], order[5]);
}

/// All living nodes end with one model, which is the weighted mean of its contributors.
void expect_one_model(MergeSwarm& swarm, const std::string& what) {
  const Manifest* common = nullptr;
  for (const std::size_t node : everyone()) {
    if (!swarm[node].is_alive) continue;
    ASSERT_TRUE(swarm[node].manifest)
        << what << ": node " << node << " has not ended"
        << (swarm[node].machine.failed() ? ": " + swarm[node].machine.failure() : "");
    if (common == nullptr) common = &*swarm[node].manifest;
    ASSERT_EQ(swarm[node].manifest->model, common->model) << what << ": node " << node;
    std::int64_t sum = 0;
    std::int64_t weights = 0;
    for (const NodeId& id : swarm[node].manifest->slices.at(0).contributors) {
      const auto weight = static_cast<std::int64_t>(swarm.number_of(id) + 1);
      sum += weight * 100 * weight;
      weights += weight;
    }
    const std::vector<std::int32_t> mean(elements, static_cast<std::int32_t>(sum / weights));
    ASSERT_EQ(swarm[node].adopted, mean) << what << ": node " << node;
  }
}

/// The merge with something done before the action of this number. Returns how many there were.
std::size_t merge_with(std::uint64_t seed, const std::string& what, std::size_t at,
                       const std::function<void(MergeSwarm&)>& fault, Duration time) {
  MergeSwarm swarm(nodes, elements);
  swarm.shuffle(seed);
  link_sparsely(swarm, seed);
  bool is_done = false;
  swarm.before_action = [&](std::size_t action) {
    if (action == at && !std::exchange(is_done, true)) fault(swarm);
  };
  swarm.propose(0, name(static_cast<std::uint8_t>(seed)), everyone());
  swarm.pass(time);
  expect_one_model(
      swarm, what + ", seed " + std::to_string(seed) + ", before action " + std::to_string(at));
  return swarm.actions;
}

TEST(MergeFaults, WithoutAnyAllSeedsGiveTheMeanOfAll) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    merge_with(seed, "no fault", 0, [](MergeSwarm&) {}, 2s);
  }
}

TEST(MergeFaults, ADeathOfAnyMemberAtAnyMomentLeavesOneModelAtTheOthers) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::size_t actions = merge_with(seed, "no fault", 0, [](MergeSwarm&) {}, 2s);
    for (std::size_t dead = 1; dead < nodes; ++dead) {
      for (std::size_t at = 0; at < actions; ++at) {
        merge_with(
            seed, "node " + std::to_string(dead) + " dies", at,
            [dead](MergeSwarm& swarm) { swarm.crash(dead); }, 200s);
        if (HasFatalFailure()) return;
      }
    }
  }
}

/// Without a roster the merge fails, and the next one is proposed.
TEST(MergeFaults, ADeathOfTheProposerAtAnyMomentLeavesOneModelOrNone) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::size_t actions = merge_with(seed, "no fault", 0, [](MergeSwarm&) {}, 2s);
    for (std::size_t at = 0; at < actions; ++at) {
      MergeSwarm swarm(nodes, elements);
      swarm.shuffle(seed);
      link_sparsely(swarm, seed);
      swarm.before_action = [&](std::size_t action) {
        if (action == at && swarm[0].is_alive) swarm.crash(0);
      };
      swarm.propose(0, name(1), everyone());
      swarm.pass(300s);
      const bool has_failed = swarm[1].machine.failed() || !swarm[1].machine.running();
      if (!swarm[1].manifest && has_failed) {
        for (std::size_t node = 1; node < nodes; ++node) {
          ASSERT_FALSE(swarm[node].manifest) << "seed " << seed << ", action " << at;
        }
      } else {
        expect_one_model(swarm, "the proposer dies, seed " + std::to_string(seed) + ", action " +
                                    std::to_string(at));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(MergeFaults, ALostLinkAtAnyMomentCostsNobodysPart) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const std::size_t actions = merge_with(seed, "no fault", 0, [](MergeSwarm&) {}, 2s);
    for (std::size_t at = 0; at < actions; ++at) {
      merge_with(
          seed, "a link is cut", at,
          [](MergeSwarm& swarm) {
            for (std::size_t other = 1; other < nodes; ++other) {
              if (swarm.linked(0, other)) return swarm.cut(0, other);
            }
          },
          60s);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(MergeFaults, ALinkThatIsBackAtOnceLosesOnlyTime) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const std::size_t actions = merge_with(seed, "no fault", 0, [](MergeSwarm&) {}, 2s);
    for (std::size_t at = 0; at < actions; ++at) {
      merge_with(
          seed, "links flap", at,
          [](MergeSwarm& swarm) {
            for (std::size_t i = 0; i < nodes; ++i) {
              const std::size_t j = (i + 1) % nodes;
              if (!swarm.linked(i, j)) continue;
              swarm.cut(i, j);
              swarm.link(i, j);
            }
          },
          60s);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(MergeFaults, ARestartedMemberObserves) {
  MergeSwarm swarm(nodes, elements);
  link_sparsely(swarm, 1);
  std::vector<Announcement> said;
  bool is_restarted = false;
  swarm.hold_announcement = [&](std::size_t to, const Announcement& content) {
    if (to == 4) said.push_back(content);
    return false;
  };
  swarm.lose = [&](std::size_t, std::size_t, const Message& message) {  // nothing is summed yet
    const auto* bulk = std::get_if<Bulk>(&message);
    return !is_restarted && bulk != nullptr && bulk->kind == BulkKind::merge_part;
  };
  swarm.propose(0, name(1), everyone());
  swarm.settle();
  std::vector<std::size_t> neighbours;
  for (const std::size_t other : everyone()) {
    if (swarm.linked(4, other)) neighbours.push_back(other);
  }
  swarm.restart(4);
  is_restarted = true;
  swarm[4].vector.assign(elements, 1);  // from an older checkpoint
  for (const std::size_t other : neighbours) swarm.link(4, other);
  for (const Announcement& content : std::vector(said)) swarm.deliver_announcement(0, 4, content);
  swarm.pass(90s);
  expect_one_model(swarm, "node 4 restarts");
  EXPECT_EQ(swarm[0].manifest->contributors.size(), nodes - 1);
}

}  // namespace
}  // namespace starling::protocol
