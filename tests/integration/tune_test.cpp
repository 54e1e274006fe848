// `starling tune`: what it prints goes into a recipe.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace starling {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// A small task and few steps: what is tried is what counts here, not how good it is.
testing::Outcome tune(const Words& more) {
  Words words = {"tune",    "--recipe", "votes",   "--task", "clusters-softmax",
                 "--nodes", "2",        "--steps", "5"};
  words.insert(words.end(), more.begin(), more.end());
  const auto outcome = testing::run_program(words);
  EXPECT_EQ(outcome.exit.code, 0) << outcome.error_text;
  EXPECT_EQ(outcome.error_text, "");
  return outcome;
}

TEST(Tune, NamesTheStepSizeOfTheTrialWithTheLeastLoss) {
  const auto outcome = tune({"--json"});
  ASSERT_EQ(outcome.lines.size(), 1U);
  const Json found = Json::parse(outcome.lines[0], nullptr, false);
  EXPECT_GT(found["probe_size"], 0.0);
  ASSERT_GE(found["trials"].size(), 3U);
  Json best = found["trials"][0];
  for (const Json& trial : found["trials"]) {
    if (trial["loss"] < best["loss"]) best = trial;
  }
  EXPECT_EQ(found["step_size"], best["step_size"]);
  EXPECT_LT(best["loss"], found["loss_before"]);
}

TEST(Tune, FindsTheSameForTheSameSeed) {
  EXPECT_EQ(tune({"--seed", "7"}).lines, tune({"--seed", "7"}).lines);
}

TEST(Tune, PrintsWhatARecipeFileTakes) {
  const runtime::testing::TemporaryDirectory folder;
  std::ofstream recipe(folder.path() / "tuned.toml");
  recipe << "name = \"tuned\"\noracle = \"votes\"\n";
  for (const std::string& line : tune({}).lines) recipe << line << "\n";
  recipe.close();
  std::ofstream(folder.path() / "run.toml")
      << "task = \"clusters-softmax\"\nrecipe = \"tuned.toml\"\n";
  const auto created =
      testing::run_program({"create", folder.path() / "run.toml", "--dir", folder.path() / "node"});
  EXPECT_EQ(created.exit.code, 0) << created.error_text;
}

}  // namespace
}  // namespace starling
