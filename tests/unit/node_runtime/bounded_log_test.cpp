#include "node/runtime/bounded_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string numbered(int number) {
  return "line " + std::to_string(number);
}

TEST(BoundedLog, KeepsTheFirstLinesAndTheNewestOfAnyNumber) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  BoundedLog log(path, 2000);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(log.append(numbered(i)));
    ASSERT_LE(std::filesystem::file_size(path), 2000U);
  }
  const std::vector<std::string> lines = lines_of(path);
  EXPECT_GT(lines.size(), 50U);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)], numbered(i));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(lines[lines.size() - 1 - static_cast<std::size_t>(i)], numbered(4999 - i));
  }
}

TEST(BoundedLog, SaysHowMuchItDropped) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  BoundedLog log(path, 100);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(log.append("123456789"));
  const std::vector<std::string> lines = lines_of(path);
  // A quarter of 100 bytes holds two lines of 10: of ten lines two and two stay.
  EXPECT_EQ(lines[2], R"({"event":"lines_dropped","bytes":60})");
}

TEST(BoundedLog, GoesOnWithTheFileOfAnEarlierProcess) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  std::ofstream(path) << "whole\ncut off by a pow";
  BoundedLog log(path, 1000);
  ASSERT_TRUE(log.append("new"));
  EXPECT_EQ(lines_of(path), (std::vector<std::string>{"whole", "cut off by a pow", "new"}));
}

TEST(BoundedLog, ReportsARefusalAndCanBeTriedAgain) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  std::filesystem::create_directory(path);
  BoundedLog log(path, 1000);
  const auto refused = log.append("line");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("log"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_TRUE(log.append("line"));
}

}  // namespace
}  // namespace starling::runtime
