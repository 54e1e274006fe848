#include "node/runtime/disk_troubles.h"

#include <gtest/gtest.h>

namespace starling::runtime {
namespace {

TEST(DiskTroubles, AreToldOnceWhenTheyBeginAndOnceWhenTheyAreOver) {
  DiskTroubles troubles;
  const Result<void> full = invalid_input("cannot write x: No space left on device");
  EXPECT_FALSE(troubles.note("the checkpoint", {}));
  const auto begun = troubles.note("the checkpoint", full);
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->text,
            "cannot write x: No space left on device; the node goes on without the checkpoint and "
            "tries again");
  EXPECT_FALSE(troubles.note("the checkpoint", full));
  const auto over = troubles.note("the checkpoint", {});
  ASSERT_TRUE(over);
  EXPECT_EQ(over->text, "the checkpoint can be written again");
  EXPECT_FALSE(troubles.note("the checkpoint", {}));
}

TEST(DiskTroubles, OfOneFileDoNotSilenceThoseOfAnother) {
  DiskTroubles troubles;
  const Result<void> full = invalid_input("full");
  EXPECT_TRUE(troubles.note("the checkpoint", full));
  EXPECT_TRUE(troubles.note("the events", full));
}

}  // namespace
}  // namespace starling::runtime
