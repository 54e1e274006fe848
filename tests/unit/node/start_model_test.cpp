#include "node/start_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "model/safetensors.h"
#include "node/runtime/file.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling {
namespace {

using testing::HasSubstr;

class StartModelTest : public testing::Test {
 protected:
  /// A model of the task, each parameter with `value`, as a file.
  std::filesystem::path write_model(const char* name, float value) {
    const std::vector<float> parameters(task_->parameter_count(), value);
    const std::filesystem::path path = directory_.path() / name;
    const Bytes file = model::encode_safetensors({task_->segments(), parameters, {}});
    EXPECT_TRUE(runtime::write_atomically(path, file));
    return path;
  }

  [[nodiscard]] static RunDescription run_from(const StartModel& start) {
    RunDescription run;
    run.task = "clusters-softmax";
    run.start = start.digest.hex();
    return run;
  }

  std::unique_ptr<Task> task_ = model::make_task("clusters-softmax", {}).value();
  runtime::testing::TemporaryDirectory directory_;
};

TEST_F(StartModelTest, GivesTheParametersOfTheFileThatTheRunNames) {
  const auto path = write_model("a", 0.5F);
  const RunDescription run = run_from(*read_start_model(path));
  auto found = find_start_model(run, path);
  ASSERT_TRUE(found);
  const auto parameters = starting_parameters(run, std::move(*found), *task_);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(*parameters, std::vector<float>(task_->parameter_count(), 0.5F));
}

TEST_F(StartModelTest, AnotherFileIsRefusedWithBothDigests) {
  const auto own = write_model("a", 0.5F);
  const auto other = write_model("b", 0.25F);
  const RunDescription run = run_from(*read_start_model(own));
  const auto found = find_start_model(run, other);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::invalid_input);
  EXPECT_THAT(found.error().message, HasSubstr(run.start.substr(0, 8)));
  EXPECT_THAT(found.error().message, HasSubstr(read_start_model(other)->digest.short_text()));
  EXPECT_FALSE(starting_parameters(run, *read_start_model(other), *task_));
}

TEST_F(StartModelTest, ANodeWithoutTheFileIsToldHowToGiveIt) {
  const RunDescription run = run_from(*read_start_model(write_model("a", 0.5F)));
  const auto found = find_start_model(run, {}, directory_.path());
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("expected its file with --from"));
  EXPECT_FALSE(starting_parameters(run, std::nullopt, *task_));
}

TEST_F(StartModelTest, AKeptModelIsFoundAgain) {
  const auto start = read_start_model(write_model("a", 0.5F));
  ASSERT_TRUE(keep_start_model(*start, directory_.path()));
  const auto found = find_start_model(run_from(*start), {}, directory_.path());
  ASSERT_TRUE(found);
  EXPECT_EQ((**found).digest, start->digest);
}

TEST_F(StartModelTest, AFileForARunThatNamesNoneIsRefused) {
  const auto path = write_model("a", 0.5F);
  EXPECT_FALSE(find_start_model(RunDescription{}, path));
  EXPECT_FALSE(find_start_model(RunDescription{}, {})->has_value());
}

TEST_F(StartModelTest, AModelOfAnotherShapeIsRefused) {
  auto start = read_start_model(write_model("a", 0.5F));
  const RunDescription run = run_from(*start);
  start->segments[1].name = "offset";
  const auto parameters = starting_parameters(run, std::move(*start), *task_);
  ASSERT_FALSE(parameters);
  EXPECT_THAT(parameters.error().message, HasSubstr("task clusters-softmax"));
}

TEST_F(StartModelTest, TheRunFileNamesAFileAndTheDescriptionItsDigest) {
  const auto start = read_start_model(write_model("first.safetensors", 0.5F));
  std::ofstream(directory_.path() / "run.toml") << "start = \"first.safetensors\"\n"
                                                   "shift = \"invert\"\nshift_share = 0.25\n";
  const auto file = load_run_file(directory_.path() / "run.toml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->start_file, directory_.path() / "first.safetensors");
  const auto run = parse_description(description_text(file->run, 1));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->start, start->digest.hex());
  EXPECT_EQ(run->shift.kind, model::ShiftKind::invert);
  EXPECT_EQ(run->shift.share, 0.25);
}

TEST(RunDescription, RefusesAStartThatIsNoDigest) {
  RunDescription run;
  run.recipe = *optim::builtin_recipe("gossip");
  for (const char* start : {"abc", "elsewhere", "00112233"}) {
    run.start = start;
    const auto parsed = parse_description(description_text(run, 1));
    ASSERT_FALSE(parsed) << start;
    EXPECT_THAT(parsed.error().message, HasSubstr("allowed: 'task', or a digest"));
  }
}

}  // namespace
}  // namespace starling
