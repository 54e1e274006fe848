#include "model/text_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

NamedBytes named(std::string_view text) {
  return {"data", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}};
}

Result<Dataset> csv(std::string_view text, LabelColumn label = LabelColumn::first,
                    const DataLimits& limits = {}) {
  return parse_csv(named(text), label, limits);
}

std::string csv_error(std::string_view text, const DataLimits& limits = {}) {
  const auto data = csv(text, LabelColumn::first, limits);
  return data ? "parsed" : data.error().message;
}

std::string libsvm_error(std::string_view text, const DataLimits& limits = {}) {
  const auto data = parse_libsvm(named(text), limits);
  return data ? "parsed" : data.error().message;
}

TEST(Csv, ReadsLabelsFromTheFirstColumn) {
  const auto data = csv("1,0.5,-2\n0,3e1,4\n");
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(1, 0));
  EXPECT_THAT(data->features, ElementsAre(0.5F, -2.0F, 30.0F, 4.0F));
  EXPECT_EQ(data->feature_count, 2U);
  EXPECT_EQ(data->class_count, 2U);
}

TEST(Csv, ReadsLabelsFromTheLastColumn) {
  const auto data = csv("0.5,-2,1\n3,4,0", LabelColumn::last);
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(1, 0));
  EXPECT_THAT(data->features, ElementsAre(0.5F, -2.0F, 3.0F, 4.0F));
}

TEST(Csv, SkipsAHeaderEmptyLinesAndCarriageReturns) {
  const auto data = csv("label,width,height\r\n\r\n2.0, 1 ,+2\r\n");
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(2));
  EXPECT_THAT(data->features, ElementsAre(1.0F, 2.0F));
}

TEST(Csv, NamesLineAndValueOfABadFeature) {
  EXPECT_EQ(csv_error("1,2\n1,x\n"), "data:2: feature is 'x', expected a finite number");
  EXPECT_EQ(csv_error("1,2\n1,\n"), "data:2: feature is '', expected a finite number");
  EXPECT_EQ(csv_error("1,nan\n"), "data:1: feature is 'nan', expected a finite number");
  EXPECT_EQ(csv_error("1,2\n\n1,-inf\n"), "data:3: feature is '-inf', expected a finite number");
  EXPECT_EQ(csv_error("1,1e999\n"), "data:1: feature is '1e999', expected a finite number");
}

TEST(Csv, ShowsForeignTextShortAndPrintable) {
  EXPECT_THAT(csv_error("1,\x1b[31m" + std::string(100, 'a')),
              HasSubstr("feature is '?[31maaaaaaaaaaaaaaaaaaa...', expected"));
}

TEST(Csv, RefusesLabelsThatAreNoClasses) {
  for (const char* label : {"-1", "1.5", "1000", "nan", "1e30", "cat"}) {
    EXPECT_EQ(
        csv_error("0,2\n" + std::string(label) + ",2"),
        "data:2: label is '" + std::string(label) + "', expected a whole number from 0 to 999");
  }
}

TEST(Csv, RefusesALineOfAnotherShape) {
  EXPECT_EQ(csv_error("1,2,3\n1,2\n"), "data:2: 2 columns, expected 3 as in the first sample");
  EXPECT_THAT(csv_error("1\n"), HasSubstr("data:1: 1 columns, expected 2 to"));
}

TEST(Csv, RefusesFilesWithoutASample) {
  EXPECT_EQ(csv_error(""), "data: no sample in 0 bytes, expected at least 1");
  EXPECT_EQ(csv_error("label,x\n"), "data: no sample in 8 bytes, expected at least 1");
}

TEST(Csv, RefusesMoreThanItsLimits) {
  EXPECT_THAT(csv_error("1,2,3,4\n", {.features_max = 2}), HasSubstr("4 columns, expected 2 to 3"));
  EXPECT_EQ(csv_error("1,2\n1,2\n", {.values_max = 1}), "data:2: more than 1 values in all");
}

TEST(Libsvm, MakesSparseLinesDense) {
  const auto data = parse_libsvm(named("2 1:0.5 3:-1\n0 2:7\n1\n"));
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(2, 0, 1));
  EXPECT_THAT(data->features, ElementsAre(0.5F, 0.0F, -1.0F, 0.0F, 7.0F, 0.0F, 0.0F, 0.0F, 0.0F));
  EXPECT_EQ(data->feature_count, 3U);
}

TEST(Libsvm, CountsMinusOneAsClassZero) {
  const auto data = parse_libsvm(named("-1 1:1\n+1  1:2\n"));
  ASSERT_TRUE(data);
  EXPECT_THAT(data->labels, ElementsAre(0, 1));
}

TEST(Libsvm, NamesLineAndEntryOfABadEntry) {
  for (const char* entry :
       {"0:1", "x:1", "1", ":", "-1:1", "1048577:1", "99999999999999999999:1"}) {
    EXPECT_THAT(libsvm_error("1 " + std::string(entry)),
                HasSubstr("data:1: entry is '" + std::string(entry) + "', expected index:value"));
  }
  EXPECT_EQ(libsvm_error("1 1:nan"), "data:1: feature is 'nan', expected a finite number");
}

TEST(Libsvm, RefusesIndicesThatDoNotRise) {
  EXPECT_EQ(libsvm_error("1 2:1 2:1"), "data:1: index 2 after index 2, expected rising indices");
}

TEST(Libsvm, RefusesADenseSizeAboveItsLimitBeforeAllocating) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "1 1048576:1\n";
  EXPECT_THAT(libsvm_error(text), HasSubstr("2000 x 1048576 values, allowed 1073741824"));
}

TEST(Libsvm, RefusesFilesWithoutSampleOrFeature) {
  EXPECT_THAT(libsvm_error("\n\n"), HasSubstr("no sample in 2 bytes"));
  EXPECT_THAT(libsvm_error("1\n0\n"), HasSubstr("no feature in any line"));
}

}  // namespace
}  // namespace starling::model
