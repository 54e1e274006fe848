#include "node/cli/node_directory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

class NewDirectoryTest : public testing::Test {
 protected:
  [[nodiscard]] const fs::path& folder() const { return directory_.path(); }

 private:
  runtime::testing::TemporaryDirectory directory_;
};

TEST_F(NewDirectoryTest, RemovesWhatItsCommandMade) {
  {
    const NewDirectory made(folder() / "a" / "b");
    fs::create_directories(made.path());
    std::ofstream(made.path() / "lock") << "x";
  }
  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(NewDirectoryTest, RemovesADirectoryNamedWithASlashAtTheEnd) {
  {
    const NewDirectory made((folder() / "a").native() + "/");
    fs::create_directories(made.path());
  }
  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(NewDirectoryTest, KeepsWhatTheCommandFinished) {
  {
    NewDirectory made(folder() / "a");
    fs::create_directories(made.path());
    made.keep();
  }
  EXPECT_TRUE(fs::exists(folder() / "a"));
}

TEST_F(NewDirectoryTest, LeavesAloneWhatWasThereBefore) {
  fs::create_directory(folder() / "a");
  {
    const NewDirectory existing(folder() / "a");
    const NewDirectory under(folder() / "a" / "b");
    fs::create_directories(under.path());
  }
  EXPECT_TRUE(fs::exists(folder() / "a"));
  EXPECT_FALSE(fs::exists(folder() / "a" / "b"));
}

}  // namespace
}  // namespace starling::cli
