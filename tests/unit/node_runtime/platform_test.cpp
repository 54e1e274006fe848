#include "node/runtime/platform.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::runtime {
namespace {

using testing::TemporaryDirectory;

constexpr std::uint64_t all = 64'000'000'000;

class ControlGroups : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = directory_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::uint64_t limit() const {
    return control_group_limit(directory_.path() / "cgroup", directory_.path() / "sys", all);
  }

  TemporaryDirectory directory_;
};

TEST_F(ControlGroups, WithoutALimitAllIsThere) {
  EXPECT_EQ(limit(), all);
  write("cgroup", "0::/user.slice/job\n");
  EXPECT_EQ(limit(), all);
  write("sys/user.slice/job/memory.max", "max\n");
  EXPECT_EQ(limit(), all);
}

TEST_F(ControlGroups, TheLeastLimitAboveAProcessCounts) {
  write("cgroup", "0::/user.slice/job\n");
  write("sys/user.slice/job/memory.max", "8000000000\n");
  EXPECT_EQ(limit(), 8'000'000'000U);
  write("sys/user.slice/memory.max", "2000000000\n");
  EXPECT_EQ(limit(), 2'000'000'000U);
  write("sys/memory.max", "1000000000\n");
  EXPECT_EQ(limit(), 1'000'000'000U);
}

TEST_F(ControlGroups, OfTheOlderFormAreReadToo) {
  write("cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\nnonsense\n0::job\n");
  write("sys/memory/job/memory.limit_in_bytes", "3000000000\n");
  write("sys/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limit(), 3'000'000'000U);
}

TEST(Platform, KnowsItsMemory) {
  EXPECT_GT(memory_bytes(), 1U << 20U);
}

}  // namespace
}  // namespace starling::runtime
