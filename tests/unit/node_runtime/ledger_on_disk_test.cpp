// The vote log under what a crash or a bad disk does to it.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "crypto/digest.h"
#include "node/core/node_core.h"
#include "node/runtime/record_log.h"
#include "starling/rng.h"
#include "temporary_directory.h"
#include "tests/support/node_config.h"
#include "tests/support/vote_ledger.h"

namespace starling::runtime {
namespace {

using starling::testing::CastVotes;

constexpr std::size_t packets = 90;
constexpr int cuts = 200;

/// The model of a node that starts with these packets on its disk.
Digest model_of_reopened_node(const std::vector<Bytes>& log) {
  node::Learner learner = starling::testing::ledger_learner();
  node::Config config = starling::testing::node_config(1, starling::testing::ledger_recipe());
  config.parameter_count = starling::testing::ledger_parameters;
  config.steps_total = starling::testing::ledger_steps;
  config.nodes_expected = 2;  // nobody else comes, so it does not begin to vote
  node::NodeCore core(config);
  const auto run_jobs = [&learner](std::vector<node::Output> outputs) {
    for (node::Output& output : outputs) {
      auto* job = std::get_if<node::RunLearner>(&output);
      if (job != nullptr) static_cast<void>(learner.run(std::move(job->job)));
    }
  };
  run_jobs(core.start(Instant{}, {}, log));
  run_jobs(core.handle(node::TimerFired{}, Instant{}));
  return crypto::digest_of(learner.model_bytes());
}

class LedgerOnDisk : public ::testing::Test {
 protected:
  LedgerOnDisk() : votes_(starling::testing::random_votes(packets, 1)) {
    Result<RecordLog> log = RecordLog::open(path_);
    for (const CastVotes& vote : votes_) {
      signed_.push_back(vote.signed_bytes());
      EXPECT_TRUE(log->append(signed_.back()));
      ends_.push_back(std::filesystem::file_size(path_));
    }
    std::filesystem::copy_file(path_, original_);
  }

  void restore() const {
    std::filesystem::copy_file(original_, path_, std::filesystem::copy_options::overwrite_existing);
  }

  void flip_byte(std::uint64_t at) const {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(at));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x10));
  }

  /// Records that lie wholly before byte `at`.
  [[nodiscard]] std::size_t whole_before(std::uint64_t at) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(ends_, [at](std::uint64_t end) { return end <= at; }));
  }

  /// Opens the log: exactly the first `whole` votes are there, a node of them holds exactly their
  /// sum, and the votes appended afterwards are found again.
  void expect_whole(std::size_t whole) const {
    const std::vector<Bytes> expected(signed_.begin(), signed_.begin() + static_cast<long>(whole));
    std::vector<Bytes> found;
    {
      Result<RecordLog> log = RecordLog::open(path_);
      ASSERT_TRUE(log) << log.error().message;
      found = log->take_records();
      ASSERT_EQ(found, expected);
      for (std::size_t i = whole; i < std::min(whole + 3, packets); ++i) {
        ASSERT_TRUE(log->append(signed_[i]));
      }
    }
    EXPECT_EQ(model_of_reopened_node(found),
              starling::testing::sum_of(std::span(votes_).first(whole)));
    const auto after = read_record_log(path_);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->end, LogEnd::whole);
    EXPECT_EQ(after->records.size(), std::min(whole + 3, packets));
  }

  const testing::TemporaryDirectory directory_;
  const std::filesystem::path path_ = directory_.path() / "votes.log";
  const std::filesystem::path original_ = directory_.path() / "original";
  std::vector<CastVotes> votes_;
  std::vector<Bytes> signed_;
  std::vector<std::uint64_t> ends_;  ///< Of each record in the file.
};

TEST_F(LedgerOnDisk, LosesNoDurableVoteWhereverItIsCut) {
  Rng rng(2);
  for (int i = 0; i < cuts; ++i) {
    restore();
    const std::uint64_t at = rng.below(ends_.back() + 1);
    SCOPED_TRACE("cut at byte " + std::to_string(at));
    std::filesystem::resize_file(path_, at);
    expect_whole(whole_before(at));
    if (HasFatalFailure()) return;
  }
}

TEST_F(LedgerOnDisk, LosesNoVoteBeforeAFlippedBitOrACutAfterIt) {
  constexpr std::uint64_t magic_bytes = 8;  // damaged, the file is refused and left as it is
  Rng rng(3);
  for (int i = 0; i < cuts; ++i) {
    restore();
    const std::uint64_t flipped = magic_bytes + rng.below(ends_.back() - magic_bytes);
    const std::uint64_t cut = flipped + 1 + rng.below(ends_.back() - flipped);
    SCOPED_TRACE("byte " + std::to_string(flipped) + " flipped, cut at " + std::to_string(cut));
    flip_byte(flipped);
    std::filesystem::resize_file(path_, cut);
    expect_whole(whole_before(flipped));
    if (HasFatalFailure()) return;
  }
}

TEST_F(LedgerOnDisk, TellsADamagedRecordFromOneThatIsCutShort) {
  std::filesystem::resize_file(path_, ends_[10] + 20);
  const auto cut = read_record_log(path_);
  EXPECT_EQ(cut->end, LogEnd::cut);
  EXPECT_EQ(cut->records.size(), 11U);
  EXPECT_EQ(cut->good_bytes, ends_[10]);
  EXPECT_EQ(std::filesystem::file_size(path_), ends_[10] + 20);  // left as it is
  restore();
  flip_byte(ends_[10] + 20);
  const auto damaged = read_record_log(path_);
  EXPECT_EQ(damaged->end, LogEnd::damaged);
  EXPECT_EQ(damaged->records.size(), 11U);
  EXPECT_EQ(damaged->good_bytes, ends_[10]);
}

}  // namespace
}  // namespace starling::runtime
