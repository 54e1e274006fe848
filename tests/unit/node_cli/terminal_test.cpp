#include "node/cli/terminal.h"

#include <gtest/gtest.h>

namespace starling::cli {
namespace {

TEST(CutTo, LeavesALineThatFits) {
  EXPECT_EQ(cut_to("12345", 5), "12345");
  EXPECT_EQ(cut_to("", 0), "");
}

TEST(CutTo, CutsWhatWouldWrap) {
  EXPECT_EQ(cut_to("123456", 5), "12345");
}

TEST(CutTo, CountsCharactersAndCutsNoneInHalf) {
  EXPECT_EQ(cut_to("██░░", 3), "██░");
}

TEST(Terminal, AFileIsNone) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(can_rewrite_lines(file));
  EXPECT_EQ(columns_of(file), 80U);
  std::fclose(file);
}

}  // namespace
}  // namespace starling::cli
