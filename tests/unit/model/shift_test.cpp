#include "model/shift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "model/tasks.h"

namespace starling::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::uint32_t> numbers_to(std::uint32_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

/// `count` images of 2 x 2 pixels: 0, 0.25, 0.5, 1.
Dataset small_images(std::uint32_t count) {
  Dataset data{{}, std::vector<Label>(count, 0), 4, 2};
  for (std::uint32_t i = 0; i < count; ++i) {
    data.features.insert(data.features.end(), {0.0F, 0.25F, 0.5F, 1.0F});
  }
  return data;
}

TEST(Shift, InvertsBlackToWhite) {
  Dataset data = small_images(1);
  ASSERT_TRUE(shift_images({ShiftKind::invert, 1.0}, 1, numbers_to(1), data));
  EXPECT_THAT(data.features, ElementsAre(1.0F, 0.75F, 0.5F, 0.0F));
}

TEST(Shift, TurnsByAQuarterClockwise) {
  Dataset data = small_images(1);
  ASSERT_TRUE(shift_images({ShiftKind::rotate90, 1.0}, 1, numbers_to(1), data));
  EXPECT_THAT(data.features, ElementsAre(0.5F, 0.0F, 1.0F, 0.25F));
}

TEST(Shift, ChangesTheShareAskedForAndTheSameImagesEverywhere) {
  const ShiftRule rule{ShiftKind::invert, 0.3};
  Dataset all = small_images(10'000);
  ASSERT_TRUE(shift_images(rule, 7, numbers_to(10'000), all));
  std::uint32_t changed = 0;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all.row(i)[0] == 1.0F, is_shifted(rule, 7, i));
    changed += is_shifted(rule, 7, i) ? 1U : 0U;
  }
  EXPECT_NEAR(changed, 3000, 5 * 46);  // five standard deviations
  Dataset part = small_images(2);
  const std::vector<std::uint32_t> numbers{4242, 17};
  ASSERT_TRUE(shift_images(rule, 7, numbers, part));
  EXPECT_EQ(part.row(0)[0], all.row(4242)[0]);
  EXPECT_EQ(part.row(1)[0], all.row(17)[0]);
}

TEST(Shift, RefusesSamplesThatAreNoImages) {
  Dataset oblong{std::vector<float>(6), {0}, 6, 2};
  const auto not_square = shift_images({ShiftKind::rotate90, 0.5}, 1, numbers_to(1), oblong);
  ASSERT_FALSE(not_square);
  EXPECT_THAT(not_square.error().message,
              HasSubstr("shift 'rotate90:0.5' needs square images of pixels from 0 to 1; the "
                        "samples have 6 features"));
  Dataset bright{{0, 2, 0, 0}, {0}, 4, 2};
  const auto out_of_range = shift_images({ShiftKind::invert, 0.5}, 1, numbers_to(1), bright);
  ASSERT_FALSE(out_of_range);
  EXPECT_THAT(out_of_range.error().message, HasSubstr("a feature is 2.0"));
}

TEST(ShiftRule, ReadsWhatItPrints) {
  for (const char* text : {"none", "invert:0.5", "rotate90:1", "rotate90:0.125"}) {
    const auto rule = parse_shift_rule(text);
    ASSERT_TRUE(rule) << text;
    EXPECT_EQ(shift_text(*rule), text);
  }
}

TEST(ShiftRule, RefusesAnythingElseWithTheForms) {
  for (const char* text : {"", "invert", "invert:", "invert:1.5", "invert:-1", "invert:nan",
                           "invert:0.5x", "turn:0.5", "none:0.5", ":0.5"}) {
    const auto rule = parse_shift_rule(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().kind, ErrorKind::invalid_input);
    EXPECT_THAT(rule.error().message, HasSubstr("expected none, invert:SHARE or rotate90:SHARE"));
  }
}

TEST(ShiftRule, IsRefusedByTasksWithoutImages) {
  for (const char* name : {"clusters", "quadratic"}) {
    const auto task = make_task(name, {.shift = {ShiftKind::invert, 0.5}});
    ASSERT_FALSE(task) << name;
    EXPECT_THAT(task.error().message, HasSubstr(std::string("task ") + name));
  }
}

}  // namespace
}  // namespace starling::model
