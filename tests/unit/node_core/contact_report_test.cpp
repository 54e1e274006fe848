#include "node/core/contact_report.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/limits.h"

namespace starling::node {
namespace {

using protocol::DialProblem;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ContactReport, TellsEachCauseOfAnAddressOnceAndAgainWhenItChanges) {
  ContactReport report;
  const auto first = report.failed("a:1", DialProblem::refused, {});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->address, "a:1");
  EXPECT_EQ(first->problem, "refused");
  EXPECT_FALSE(report.failed("a:1", DialProblem::refused, {}));
  EXPECT_TRUE(report.failed("b:1", DialProblem::refused, {}));
  EXPECT_TRUE(report.failed("a:1", DialProblem::timed_out, {}));
  EXPECT_TRUE(report.failed("a:1", DialProblem::refused, {}));
}

TEST(ContactReport, TellsAnewOnceSomebodyWasReached) {
  ContactReport report;
  ASSERT_TRUE(report.failed("a:1", DialProblem::refused, {}));
  report.reached();
  EXPECT_TRUE(report.failed("a:1", DialProblem::refused, {}));
}

TEST(ContactReport, OfHundredsOfAddressesTellsAFew) {
  ContactReport report;
  int told = 0;
  for (int i = 0; i < 300; ++i) {
    if (report.failed("host" + std::to_string(i) + ":1", DialProblem::refused, {})) ++told;
  }
  EXPECT_EQ(told, 8);
}

TEST(ContactReport, ASecondLinkToANeighbourIsNoProblem) {
  ContactReport report;
  EXPECT_FALSE(report.failed("a:1", DialProblem::already_linked, {}));
}

TEST(Advice, HasALineForEveryProblem) {
  for (std::size_t i = 0; i < protocol::dial_problem_names.size(); ++i) {
    const std::string advice = advice_for(static_cast<DialProblem>(i), {});
    EXPECT_GT(advice.size(), 20U) << i;
    EXPECT_FALSE(contains(advice, "\n")) << i;
  }
}

TEST(Advice, NamesBothVersionsAndWhoHasToUpdate) {
  const std::string own = std::to_string(protocol::limits::protocol_version);
  const std::string older = advice_for(DialProblem::other_version, {.version = 1});
  EXPECT_TRUE(contains(older, "version 1 ") && contains(older, "version " + own)) << older;
  EXPECT_TRUE(contains(older, "update the node there")) << older;
  const std::string newer = advice_for(DialProblem::other_version, {.version = 200});
  EXPECT_TRUE(contains(newer, "version 200 ")) << newer;
  EXPECT_TRUE(contains(newer, "update starling on this machine")) << newer;
}

TEST(Advice, SaysByHowMuchWhichClockIsWrong) {
  constexpr std::int64_t hour = 3600;
  EXPECT_TRUE(
      contains(advice_for(DialProblem::clock, {.clock_ahead_s = -25 * hour}), "25 hours ahead of"));
  EXPECT_TRUE(
      contains(advice_for(DialProblem::clock, {.clock_ahead_s = 25 * hour}), "25 hours behind"));
  EXPECT_TRUE(contains(advice_for(DialProblem::clock, {.clock_ahead_s = 1200}), "20 minutes"));
}

}  // namespace
}  // namespace starling::node
