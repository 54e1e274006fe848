#include "node/runtime/evaluated_models.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::runtime {
namespace {

TEST(EvaluatedModels, AreReadAsTheyWereKept) {
  const testing::TemporaryDirectory node;
  EvaluatedModels models(node.path(), 3);
  const std::vector<float> early{1.5F, -2.0F};
  const std::vector<float> late{3.0F, 1e-30F};
  ASSERT_TRUE(models.keep(250, late));
  ASSERT_TRUE(models.keep(40, early));
  const auto kept = EvaluatedModels::kept_in(node.path());
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept.begin()->first, 40U);
  EXPECT_EQ(EvaluatedModels::read(kept.at(40), 2), early);
  EXPECT_EQ(EvaluatedModels::read(kept.at(250), 2), late);
}

TEST(EvaluatedModels, KeepNoMoreThanWasAskedFor) {
  const testing::TemporaryDirectory node;
  EvaluatedModels models(node.path(), 2);
  for (Step step = 1; step <= 5; ++step) {
    ASSERT_TRUE(models.keep(step, std::vector<float>{static_cast<float>(step)}));
  }
  EXPECT_EQ(EvaluatedModels::kept_in(node.path()).size(), 2U);
}

TEST(EvaluatedModels, OfADirectoryWithoutAnyAreNone) {
  const testing::TemporaryDirectory node;
  EXPECT_TRUE(EvaluatedModels::kept_in(node.path()).empty());
  EvaluatedModels models(node.path(), 1);
  ASSERT_TRUE(models.keep(1, std::vector<float>{1.0F}));
  std::ofstream(node.path() / "evaluated" / "notes.txt") << "mine";
  std::ofstream(node.path() / "evaluated" / "x.f32") << "mine";
  EXPECT_EQ(EvaluatedModels::kept_in(node.path()).size(), 1U);
}

TEST(EvaluatedModels, OfAnotherLengthAreRefusedWithBothNumbers) {
  const testing::TemporaryDirectory node;
  EvaluatedModels models(node.path(), 1);
  ASSERT_TRUE(models.keep(1, std::vector<float>{1.0F, 2.0F}));
  const auto read = EvaluatedModels::read(EvaluatedModels::kept_in(node.path()).at(1), 3);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("8 bytes, expected 12 of 3 parameters"), std::string::npos)
      << read.error().message;
}

}  // namespace
}  // namespace starling::runtime
